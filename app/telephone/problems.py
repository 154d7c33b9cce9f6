"""Problems of the telephone."""

from app.core.problems import Problem


class InterviewConflict(Problem):
    slug, status = "interview-conflict", 409
    title = "This interview came before with other content"
    remedy = "Give a correction a revision above the latest one; send a repetition unchanged."
