"""Guessing addresses: what is not there is counted against the network that asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Scope

from app.core.addresses import client_address, network_of
from app.core.limits.counting import Limits
from app.core.problems import NotFound

_POLICY = "guesses"


@contextmanager
def few_guesses(scope: Scope, *, known: bool = False) -> Iterator[None]:
    """Let a network ask for what is not there only so often.

    `known`: there is such an address for sure, so whoever asks for it isn't guessing, whatever
    others do behind the same network. Errors: TooMany.
    """
    if not known:
        check_guesses(scope)
    try:
        yield
    except NotFound:
        count_guess(scope)
        raise


def check_guesses(scope: Scope) -> None:
    """Errors: TooMany for a network that has guessed too often."""
    _limits(scope).check(_POLICY, network_of(client_address(scope)))


def count_guess(scope: Scope) -> None:
    """Count a guess, since there was no such address. Errors: TooMany."""
    _limits(scope).admit(_POLICY, network_of(client_address(scope)))


def _limits(scope: Scope) -> Limits:
    limits: Limits = scope["app"].state.limits
    return limits
