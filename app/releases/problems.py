"""Problems of releases."""

from app.core.problems import Problem


class NothingToRelease(Problem):
    slug, status = "nothing-to-release", 409
    title = "There is nothing to release yet"
    remedy = "Open the campaign, and wait for the first answers."


class NoMoreReleases(Problem):
    slug, status = "no-more-releases", 409
    title = "The final release was made"
    remedy = "It stands. Later corrections are told in a publication, with a number of its own."
