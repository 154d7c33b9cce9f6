"""What a person is told when there is no form to fill in: from problems to texts."""

from datetime import datetime

from app.core.limits.counting import TooMany
from app.core.problems import (
    Busy,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    UnsupportedMediaType,
)
from app.identity.problems import IdentityRequired
from app.responses.directory import Entrance
from app.responses.problems import (
    AlreadyAnswered,
    Closed,
    LinkRevoked,
    NotOpenYet,
    SubmissionConflict,
    Withdrawn,
)
from app.responses.tables import Channel

_STATES: dict[type[Problem], str] = {
    NotFound: "unknown",
    NotOpenYet: "not_open",
    Closed: "closed",
    LinkRevoked: "revoked",
    AlreadyAnswered: "answered",
    SubmissionConflict: "conflict",
    Withdrawn: "withdrawn",
    IdentityRequired: "identity",
    TooLarge: "too_large",
    MethodNotAllowed: "method",
    Busy: "busy_page",
    TooMany: "busy_page",
    Malformed: "malformed",
    UnsupportedMediaType: "malformed",
}


def state_of(problem: Problem) -> str:
    """The state that a problem puts the page in; the catalogue has its title."""
    return _STATES.get(type(problem), "failed")


def text_for(state: str, entrance: Entrance | None, *, filled: bool, now: datetime) -> str:
    """The name of the text that fits a state best; `filled`: the person has sent answers."""
    if state == "busy_page" and filled:
        return "busy_page_kept"
    if entrance is None:
        return f"{state}_text"
    rules = entrance.rules
    # A bureau may close early, and a campaign whose day has come may still be a draft.
    if state == "not_open" and now < rules.opens_at:
        return "not_open_at"
    if state == "closed" and now >= rules.closes_at:
        return "closed_at"
    if state == "identity" and entrance.channel is Channel.link:
        if filled or entrance.admits("device"):
            return "identity_again"
        if entrance.admits("wechat") and not entrance.admits("invitation"):
            # Where WeChat is set up it has vouched by now, or a page of its own was shown.
            return "identity_not_set_up"
    return f"{state}_text"
