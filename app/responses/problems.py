"""Problems of answering."""

from app.core.problems import Problem


class AlreadyAnswered(Problem):
    slug, status = "already-answered", 409
    title = "This person has answered already"
    remedy = "The first answer counts; nothing more is needed."


class SubmissionConflict(Problem):
    slug, status = "submission-conflict", 409
    title = "This submission_id came before with other answers"
    remedy = "Repeat a submission unchanged; give a new one a new submission_id."


class Withdrawn(Problem):
    slug, status = "withdrawn", 410
    title = "This response was withdrawn"
    remedy = "It stays withdrawn. While the campaign is open a new response can be given."


class NotOpenYet(Problem):
    slug, status = "not-open-yet", 425
    title = "The campaign has not opened yet"
    remedy = "Come back when it opens."


class Closed(Problem):
    slug, status = "closed", 410
    title = "The campaign is closed"
    remedy = "No more answers are taken. Ask the bureau that runs it if you think that is wrong."


class LinkRevoked(Problem):
    slug, status = "link-revoked", 410
    title = "This link or invitation is no longer in use"
    remedy = "Ask your school for the link that is in use now."
