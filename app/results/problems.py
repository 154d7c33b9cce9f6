"""Problems of results."""

from app.core.problems import Problem


class NoRelease(Problem):
    slug, status = "no-release", 409
    title = "No release yet"
    remedy = "Wait for the first release, or use a client with results:exact for live results."
