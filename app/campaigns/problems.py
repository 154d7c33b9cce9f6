"""Problems of campaigns."""

from app.core.problems import Problem


class CampaignFrozen(Problem):
    slug, status = "campaign-frozen", 409
    title = "This can no longer be changed"
    remedy = (
        "Put the fields that `errors` lists back as they were: opening a campaign freezes its "
        "rules, archiving it freezes all. Another wave is another campaign."
    )


class CampaignState(Problem):
    slug, status = "campaign-state", 409
    title = "The campaign's state does not allow this"
    remedy = (
        "A campaign goes from draft to open, closed and archived; a closed one may be opened "
        "again until closes_at."
    )


class SandboxRefused(Problem):
    slug, status = "sandbox-refused", 409
    title = "That cannot be done with a sandbox"
    remedy = (
        "A sandbox follows the campaign that it is of: it is made and renewed by POST …/sandbox "
        "there, emptied by POST …/sandbox/reset, and never put by itself or made real."
    )
