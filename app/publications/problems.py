"""Problems of publications."""

from app.core.problems import Problem


class AlreadyCorrected(Problem):
    slug, status = "already-corrected", 409
    title = "This publication was corrected before"
    remedy = "Correct the last one in its line instead: the detail names it."
