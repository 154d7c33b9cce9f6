"""Guessing addresses: what is not there is counted against the network that asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Scope

from app.core.addresses import client_address, network_of
from app.core.limits.counting import Limits
from app.core.problems import NotFound


@contextmanager
def few_guesses(scope: Scope, *, known: bool = False) -> Iterator[None]:
    """Let a network ask for what is not there only so often.

    `known`: there is such an address for sure, so whoever asks for it isn't guessing, whatever
    others do behind the same network. Errors: TooMany.
    """
    limits: Limits = scope["app"].state.limits
    network = network_of(client_address(scope))
    if not known:
        limits.check("guesses", network)
    try:
        yield
    except NotFound:
        limits.admit("guesses", network)
        raise
