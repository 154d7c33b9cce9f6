"""Problems of doubts."""

from app.core.problems import Problem


class NotVoided(Problem):
    slug, status = "not-voided", 409
    title = "This link or batch is not voided"
    remedy = "Only what was voided can be restored: see the campaign's voids."


class CannotRestore(Problem):
    slug, status = "cannot-restore", 409
    title = "It is no longer known who has answered again"
    remedy = "The campaign's claims were erased: restored responses could count persons twice."


class CannotJudge(Problem):
    slug, status = "cannot-judge", 409
    title = "The flags of this campaign stand as they are"
    remedy = (
        "Only open and closed campaigns are judged, while it is known what came from one network."
    )
