"""Problems of clients."""

from app.core.problems import Problem


class ClientRefused(Problem):
    slug, status = "client-refused", 422
    title = "This client cannot be made"
    remedy = "Correct what `errors` lists."
