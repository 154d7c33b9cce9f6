"""Rounds of killing under load: in each, one part of a server dies while responses come in."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.killing import FATAL, KILLS, is_alive, postmaster, workers
from tests.chaos.ledger import (
    assert_counts_are_the_rows,
    assert_each_once,
    client,
    respondents,
    token,
)
from tests.chaos.parents import Parents
from tests.factories import Api, invitations, open_campaign, tree
from tests.processes import Server, server

WORKERS = 2
_WAITING = 800
"""People who wait to answer when a round begins: more than it takes."""
_RECOVERED = 40
"""Receipts after a kill that show that it serves again: more than there are clients."""
_SECONDS = 60


@dataclass(frozen=True)
class Round:
    """What happened in a round."""

    number: int
    killed: str
    at: int
    """Responses that were acknowledged when it was killed."""
    away: float
    """Seconds from the kill until more people had a receipt than were being answered then."""
    acknowledged: int
    """Responses that were acknowledged when the ledger was looked at."""
    stored: int
    """Responses that stood in the ledger then: all that were acknowledged, and some whose
    receipt was lost or on its way."""
    refusals: int
    losses: int


@dataclass(frozen=True)
class Ended:
    """How it all ended, all killing done and everybody answered."""

    acknowledged: int
    stored: int
    respondents: int


class _Chaos:
    def __init__(self, data_dir: Path, seed: int) -> None:
        self.data_dir = data_dir
        self.chance = random.Random(seed)
        self.parents = Parents()
        self.running: Server
        self.api: Api
        self.token = ""
        self._servers = AsyncExitStack()
        self.answering: asyncio.Task[None]

    async def serve(self) -> None:
        """Start a server, in the place of the one that was killed."""
        await self._servers.aclose()
        starting = server(self.data_dir, "--workers", str(WORKERS))
        # In a thread: people go on trying meanwhile.
        self.running = await asyncio.to_thread(self._servers.enter_context, starting)
        self.parents.base = self.running.base
        self.token = self.token or await token(self.running)
        self.api = client(self.running, self.token)
        self._servers.push_async_callback(self.api.http.aclose)

    async def end(self) -> None:
        """End the server."""
        await self._servers.aclose()

    async def round(self, number: int, killed: str) -> Round:
        missing = _WAITING - len(self.parents.waiting)
        self.parents.invite(await invitations(self.api, max(1, missing)))
        await self._answered(self.chance.randint(20, 100))
        await asyncio.sleep(self.chance.random() / 10)
        at, told = len(self.parents.receipts), (self.parents.refusals, self.parents.losses)
        KILLS[killed](self.running, self.chance)
        began = time.monotonic()
        if killed in FATAL:
            await self.serve()
        await self._answered(_RECOVERED)
        away = time.monotonic() - began
        await self._whole_again()
        assert is_alive(self.running.process.pid), self.running.said()
        acknowledged = set(self.parents.receipts)
        found = await assert_each_once(self.data_dir, acknowledged, self.parents.sent)
        return Round(
            number,
            killed,
            at,
            away,
            len(acknowledged),
            len(found.signs),
            self.parents.refusals - told[0],
            self.parents.losses - told[1],
        )

    async def _answered(self, more: int) -> None:
        """Wait until so many more have their receipt, or everybody has."""
        wanted = len(self.parents.receipts) + more
        async with asyncio.timeout(_SECONDS):
            while len(self.parents.receipts) < wanted and not self.parents.all_have_answered:
                await asyncio.sleep(0.01)
                if self.answering.done():
                    await self.answering

    async def _whole_again(self) -> None:
        async with asyncio.timeout(_SECONDS):
            while not self._is_whole():
                await asyncio.sleep(0.05)

    def _is_whole(self) -> bool:
        alive = [pid for pid in workers(self.running) if is_alive(pid)]
        return len(alive) == WORKERS and is_alive(postmaster(self.data_dir))

    async def finished(self) -> Ended:
        await self._answered(len(self.parents.waiting) + len(self.parents.sent))
        assert self.parents.receipts.keys() == self.parents.sent
        found = await assert_each_once(self.data_dir, set(self.parents.receipts), self.parents.sent)
        counted = await respondents(self.api)
        assert counted == len(self.parents.receipts)
        assert_counts_are_the_rows(self.data_dir)
        assert self.running.stop() == 0
        return Ended(len(self.parents.receipts), len(found.signs), counted)


@asynccontextmanager
async def _under_load(data_dir: Path, seed: int) -> AsyncIterator[_Chaos]:
    chaos = _Chaos(data_dir, seed)
    await chaos.serve()
    try:
        await tree(chaos.api)
        await open_campaign(chaos.api)
        async with chaos.parents.answering() as chaos.answering:
            yield chaos
    finally:
        await chaos.end()


async def rounds(
    data_dir: Path, kinds: Iterable[str], *, seed: int
) -> AsyncIterator[Round | Ended]:
    """Kill these parts, one a round, and see after each that nothing was lost or came twice.

    Ends with what was left when everybody had answered. Errors: AssertionError for whatever is
    not as it was promised, TimeoutError where it does not serve again within a minute.
    """
    async with _under_load(data_dir, seed) as chaos:
        for number, killed in zip(itertools.count(1), kinds, strict=False):
            yield await chaos.round(number, killed)
        yield await chaos.finished()
