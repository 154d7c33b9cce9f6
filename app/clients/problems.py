"""Problems of clients."""

from app.core.problems import Problem


class ClientRefused(Problem):
    slug, status = "client-refused", 422
    title = "This client cannot be made"
    remedy = "Correct what `errors` lists."


class TooManySecrets(Problem):
    slug, status = "too-many-secrets", 409
    title = "This client has two secrets already"
    remedy = "Revoke the one that is no longer used, then ask again: two are for changing over."
