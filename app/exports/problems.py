"""Problems of exports."""

from app.core.problems import Problem


class TooManyExports(Problem):
    slug, status = "too-many-exports", 429
    title = "Too many exports of this client are being made"
    remedy = "Wait for one of them to end (GET /v1/jobs), then ask again."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": "10"})
