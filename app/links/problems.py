"""Problems of links and invitations."""

from app.core.problems import Problem


class CountyRequired(Problem):
    slug, status = "county-required", 403
    title = "This is for counties and above"
    remedy = (
        "Ask the county's bureau: a school neither prints invitations for itself nor takes "
        "answers out of the count."
    )


class InvitationsNotAdmitted(Problem):
    slug, status = "invitations-not-admitted", 409
    title = "This campaign does not admit invitations"
    remedy = "Add `invitation` to the campaign's `identity` while it is a draft, or use its links."


class InvitationsGone(Problem):
    slug, status = "invitations-gone", 410
    title = "These invitations cannot be shown again"
    remedy = "The key that signed them has left the keyring: make new ones under a new key."
