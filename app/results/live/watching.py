"""Watching campaigns: one connection that listens in each process, however many clients watch."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg

from app.core.background import background
from app.core.problems import Busy
from app.counts.tables import CHANNEL

log = logging.getLogger("xinsheng.results")

MOST_STREAMS = 2000
"""In one process."""
_AFTER_FAILURE = 2.0


class Watch:
    """What this process knows of changes: for each campaign that is watched, how often."""

    def __init__(self) -> None:
        self._watched: Counter[int] = Counter()
        self._changes: Counter[int] = Counter()
        self._bell = asyncio.Condition()
        self._anybody = asyncio.Event()
        self._ringing: set[asyncio.Task[None]] = set()

    @property
    def streams(self) -> int:
        """How many are watching."""
        return self._watched.total()

    def changes(self, campaign_id: int) -> int:
        """How often a campaign that is watched was told to have changed."""
        return self._changes[campaign_id]

    @contextmanager
    def watching(self, campaign_id: int) -> Iterator[None]:
        """Watch a campaign while the context lasts. Errors: Busy where too many do."""
        if self.streams >= MOST_STREAMS:
            raise Busy("Too many streams are open here.")
        self._watched[campaign_id] += 1
        self._anybody.set()
        try:
            yield
        finally:
            self._watched[campaign_id] -= 1
            if not self._watched[campaign_id]:
                del self._watched[campaign_id], self._changes[campaign_id]

    async def changed(self, campaign_id: int, since: int, *, seconds: float) -> None:
        """Wait until a campaign has changed since, or so many seconds are over."""
        try:
            async with asyncio.timeout(seconds), self._bell:
                await self._bell.wait_for(lambda: self._changes[campaign_id] != since)
        except TimeoutError:
            pass

    async def _ring(self, campaign_ids: list[int]) -> None:
        async with self._bell:
            self._changes.update(campaign_ids)
            self._bell.notify_all()

    def _heard(self, connection: Any, process: int, channel: str, message: str) -> None:
        if message.isdecimal() and int(message) in self._watched:
            task = asyncio.create_task(self._ring([int(message)]))
            self._ringing.add(task)
            task.add_done_callback(self._ringing.discard)

    async def listen(self, url: str) -> None:
        """Listen for ever, from when somebody first watches; a lost connection is made anew."""
        await self._anybody.wait()
        while True:
            try:
                await self._listen_until_lost(url)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("not listening: %s", type(error).__name__)
            await asyncio.sleep(_AFTER_FAILURE)

    async def _listen_until_lost(self, url: str) -> None:
        lost = asyncio.Event()
        connection = await asyncpg.connect(
            url, timeout=5, server_settings={"application_name": "xinsheng listening"}
        )
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._heard)
            # Whatever was said before was not heard.
            await self._ring(list(self._watched))
            await lost.wait()
        finally:
            await connection.close(timeout=1)


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[Watch]:
    """The process's watch, listening while the context lasts."""
    watch = Watch()
    async with background(watch.listen(url)):
        yield watch
