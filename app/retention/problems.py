"""Problems of destroying keys."""

from app.core.problems import Problem


class ListNotWritten(Problem):
    slug, status = "list-not-written", 503
    title = "The list of destructions cannot be written"
    remedy = (
        "Nothing was destroyed: a restore would bring it back. The operator frees or mends the "
        "disk of the data directory; then send the request again."
    )
