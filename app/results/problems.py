"""Problems of results."""

from app.core.problems import Problem


class NoRelease(Problem):
    slug, status = "no-release", 409
    title = "No release yet"
    remedy = "Wait for the first release, or use a client with results:exact for live results."


class TooManyResponses(Problem):
    slug, status = "too-many-responses", 409
    title = "Too many responses to read one by one"
    remedy = (
        "Ask for fewer units with ?within, or for one population. Where more than 500,000 persons "
        "were asked it, only choices and ratings are computed, which are counted all along."
    )
