"""Problems of units."""

from app.core.problems import Problem


class ImportRefused(Problem):
    slug, status = "import-refused", 422
    title = "The file has rows that cannot be taken"
    remedy = "Nothing was changed. Correct the rows that `errors` lists and send the file again."
