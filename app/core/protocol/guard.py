"""One for each process: who keeps us waiting, and what all unfinished bodies take up."""

import asyncio
import logging
import time
from collections.abc import MutableSet
from typing import Protocol
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

from app.core.metrics import CONNECTIONS
from app.core.problems import Busy, Problem
from app.core.protocol.bounds import Bounds
from app.core.protocol.joining import JoiningTransport

log = logging.getLogger("xinsheng.connections")

_SWEEPS_A_ROUND = 60
"""Sweeps between two looks at connections that do not come to their end."""
_KEPT_WHEN_FULL = 0.75
_guards: "WeakKeyDictionary[ServerState, Guard]" = WeakKeyDictionary()


class Guarded(Protocol):
    """A connection, as its guard sees it."""

    transport: JoiningTransport
    unfinished: int
    """Bytes of its body, as long as that is not complete."""

    def still_owes(self, elapsed: float) -> bool:
        """Count these seconds where we wait for the client; False where we don't."""

    def gives_way(self) -> bool:
        """Whether nothing is lost by ending it."""

    def refuse(self, problem: Problem) -> None:
        """End it with this."""


class Guard:
    """Looks once a second at the connections that owe us something, and ends the slow ones.

    A timer for each would cost more, and thousands of them would be made for nothing: most
    requests arrive in one piece.
    """

    def __init__(self, bounds: Bounds, all_of_them: MutableSet[Guarded]) -> None:
        self.owing: dict[Guarded, None] = {}
        """Connections that may owe us something; they are looked at."""
        self.unfinished = 0
        """Bytes of all bodies that are not complete."""
        self.most_connections = bounds.most_connections()
        self._bounds = bounds
        self._all = all_of_them
        self._sweeps = 0
        self._swept_at = 0.0
        self._has_timer = False
        self._made_way = False
        self._warned = False
        self._ending: set[Guarded] = set()

    def begin(self) -> None:
        """Look after a new connection, which may be the first."""
        if not self._has_timer:
            self._swept_at = time.monotonic()
            self._wait()

    def _wait(self) -> None:
        self._has_timer = True
        asyncio.get_running_loop().call_later(self._bounds.sweep_seconds, self._sweep)

    def _sweep(self) -> None:
        self._has_timer = False
        former, self._swept_at = self._swept_at, time.monotonic()
        # A process that stood still has not been kept waiting.
        elapsed = min(self._swept_at - former, 2 * self._bounds.sweep_seconds)
        self._made_way = False
        self._sweeps += 1
        CONNECTIONS.set(len(self._all))
        try:
            for one in list(self.owing):
                if not one.still_owes(elapsed):
                    self.owing.pop(one, None)
            if self._sweeps % _SWEEPS_A_ROUND == 0:
                self._warned = False
                self._end_what_does_not_end()
        finally:
            if self._all:
                self._wait()

    def _end_what_does_not_end(self) -> None:
        # A closed connection whose client does not take the last bytes would stay for ever.
        former, self._ending = (
            self._ending,
            {one for one in self._all if one.transport.is_closing()},
        )
        for one in former & self._ending:
            one.transport.abort()

    def make_way(self) -> None:
        """With as many connections as there may be: end those that say nothing.

        Looks at all of them, so at most once a sweep.
        """
        if self._made_way:
            return
        self._made_way = True
        if not self._warned:
            self._warned = True
            log.warning(
                "%d connections, as many as there may be: those that say nothing make way, "
                "others are turned away",
                self.most_connections,
            )
        for one in [one for one in self._all if one.gives_way()]:
            one.transport.close()
            self._all.discard(one)  # now, and not when its end is reported

    def make_room(self) -> None:
        """With too much of unfinished bodies: refuse the largest, until there is room again.

        Whoever sends little is never among them while others send much.
        """
        for one in sorted(self.owing, key=lambda one: one.unfinished, reverse=True):
            if self.unfinished <= self._bounds.unfinished * _KEPT_WHEN_FULL:
                return
            one.refuse(Busy("Too much is being sent at once."))


def guard_of(server: ServerState, bounds: Bounds) -> Guard:
    """The guard of a server's connections."""
    found = _guards.get(server)
    if found is None:
        found = _guards[server] = Guard(bounds, server.connections)  # type: ignore[arg-type]
    return found
