"""The events of a stream: a campaign's state at first, and whenever it has become another.

An event tells the whole state, so whoever was away and comes back misses nothing: it is told the
present state, unless it is the one that it saw last.
"""

import asyncio
import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from app.core import database_errors
from app.results.live.schemas import ResultsEvent
from app.results.live.watching import Watch

HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 3000
"""After which a browser that lost the stream asks for it again."""
_PACE = 1.0
"""Seconds between two looks at one campaign, however much comes in."""


class State(NamedTuple):
    """What all who watch the same of a campaign are told."""

    id: str
    event: ResultsEvent | None
    """None while nothing is released to those who see releases."""


class Told(NamedTuple):
    """One event, or a comment, in the fields of server-sent events."""

    event: str | None = None
    data_str: str | None = None
    id: str | None = None
    comment: str | None = None
    retry: int | None = None


class _Known(NamedTuple):
    state: State
    changes: int
    looked_at: float


class States:
    """The states that this process knows, each looked up once for all that watch it."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._known: dict[Hashable, _Known] = {}
        self._locks: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._streams: Counter[Hashable] = Counter()

    @contextmanager
    def watching(self, campaign_id: int, key: Hashable) -> Iterator[None]:
        """Watch a campaign while the context lasts. Errors: Busy."""
        with self.watch.watching(campaign_id):
            self._streams[key] += 1
            try:
                yield
            finally:
                self._streams[key] -= 1
                if not self._streams[key]:
                    del self._streams[key]
                    self._known.pop(key, None)
                    self._locks.pop(key, None)

    async def now(
        self, campaign_id: int, key: Hashable, look_up: Callable[[], Awaitable[ResultsEvent | None]]
    ) -> tuple[State, int]:
        """The present state, and of which change; looked up again after a change or a heartbeat,
        since what nobody has announced must not stay unseen."""
        async with self._locks[key]:
            known = self._known.get(key)
            changes = self.watch.changes(campaign_id)
            age = time.monotonic() - known.looked_at if known else 0.0
            if known is None or age >= HEARTBEAT_SECONDS - 1 or known.changes != changes:
                if known is not None and age < _PACE:
                    await asyncio.sleep(_PACE - age)
                    changes = self.watch.changes(campaign_id)
                event = await look_up()
                known = _Known(State(_id(event), event), changes, time.monotonic())
                self._known[key] = known
            return known.state, known.changes


def _id(event: ResultsEvent | None) -> str:
    if event is None:
        return "no-release"
    return hashlib.sha256(event.model_dump_json(exclude={"as_of"}).encode()).hexdigest()[:16]


class Stream(NamedTuple):
    """What one client is sent."""

    states: States
    campaign_id: int
    key: Hashable
    look_up: Callable[[], Awaitable[ResultsEvent | None]]
    may_go_on: Callable[[], Awaitable[bool]]
    """Whether the client may still see it; asked before each event."""
    ending: asyncio.Event
    """Set when the server ends."""

    async def events(self, last_id: str | None) -> AsyncIterator[Told]:
        """All that is told after the event with this id; something at each heartbeat."""
        yield Told(comment="Xinsheng", retry=RETRY_MILLISECONDS)
        with self.states.watching(self.campaign_id, self.key):
            changes = self.states.watch.changes(self.campaign_id)
            while not self.ending.is_set():
                try:
                    if not await self.may_go_on():
                        break
                    state, changes = await self._now()
                except Exception as error:
                    if database_errors.meaning(error) != "away":
                        raise
                    yield Told(comment="the database is away")
                else:
                    yield _told(state, last_id)
                    last_id = state.id
                await self._pause(changes)
            yield Told(event="end", data_str="{}")

    async def _now(self) -> tuple[State, int]:
        return await self.states.now(self.campaign_id, self.key, self.look_up)

    async def _pause(self, changes: int) -> None:
        watch = self.states.watch
        changed = watch.changed(self.campaign_id, changes, seconds=HEARTBEAT_SECONDS)
        waiting = [asyncio.ensure_future(one) for one in (changed, self.ending.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


def _told(state: State, last_id: str | None) -> Told:
    if state.event is None:
        return Told(comment="nothing released yet")
    if state.id == last_id:
        return Told(comment="nothing new")
    kind = "results" if state.event.exact else "release"
    return Told(kind, state.event.model_dump_json(exclude_unset=True), state.id)
