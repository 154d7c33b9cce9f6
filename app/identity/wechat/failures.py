"""What can go wrong with WeChat, by name, and what its error codes mean."""

from enum import StrEnum


class Failure(StrEnum):
    """Why WeChat did not say who somebody is; each has its page."""

    no_code = "no_code"
    """WeChat sent the person back without a code."""
    invalid_code = "invalid_code"
    used_code = "used_code"
    expired_code = "expired_code"
    unbound = "unbound"
    """The browser that came back is not the one that was sent, or that was long ago."""
    snapshot = "snapshot"
    """A virtual user: the page was opened as a snapshot, without the person's account."""
    busy = "busy"
    unreachable = "unreachable"
    """No reply in time."""
    faulty = "faulty"
    """A reply that is none of WeChat's."""
    quota = "quota"
    credential = "credential"
    """WeChat refuses our account, its secret, or the address that we ask from."""
    token = "token"  # nosec B105 # no secret
    """WeChat refuses an access token, which a new one mends."""
    unknown = "unknown"


STALE = frozenset({Failure.invalid_code, Failure.used_code, Failure.expired_code, Failure.unbound})
"""Failures that a new code mends, so that people need not hear of the first one."""

_MEANINGS = {
    Failure.busy: (-1,),
    Failure.invalid_code: (40029,),
    Failure.used_code: (40163,),
    Failure.expired_code: (41008, 42003),
    Failure.quota: (45009, 45011),
    Failure.token: (40014, 42001),
    # Bad app id or secret, frozen secret, our address not on the list, rights that were not given.
    Failure.credential: (
        *(40001, 40013, 40125, 40164, 40243, 41002, 41004, 48001, 48004, 50002, 61004),
    ),
}
_OF_CODE = {code: failure for failure, codes in _MEANINGS.items() for code in codes}


class Refused(Exception):
    """WeChat did not do what it was asked."""

    def __init__(self, failure: Failure, *, passing: bool = False) -> None:
        """`passing`: the same question may be answered a moment later."""
        super().__init__(failure.value)
        self.failure = failure
        self.passing = passing


def meaning(code: int) -> Failure:
    """What an `errcode` other than 0 means."""
    return _OF_CODE.get(code, Failure.unknown)
