"""Group commit: responses that arrive together share one statement and one commit.

Each reply waits for the commit. While a batch is being committed the next one gathers, so the
batches grow with the load and a lone response does not wait at all.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from asyncpg.exceptions import DeadlockDetectedError

from app.core.database import DATABASE_AWAY, Pool
from app.core.problems import Busy
from app.responses import ledger
from app.responses.submission import Outcome, Submission

log = logging.getLogger("xinsheng.intake")

CAPACITY = 4096
"""Responses that may wait in one process; more are refused at once, to be sent again."""
_BATCH = 256
_LANES = 2
"""Batches under way at once: one commits while the other is being sent."""

_Waiting = tuple[Submission, "asyncio.Future[Outcome]"]


class Intake:
    """One process's queue of responses and the tasks that commit them."""

    def __init__(self, pool: Pool, *, capacity: int = CAPACITY) -> None:
        self._pool = pool
        self._capacity = capacity
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._lanes: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to commit."""
        self._lanes = [asyncio.create_task(self._lane()) for _ in range(_LANES)]

    async def stop(self) -> None:
        """Finish what was accepted, then end."""
        self._closing = True
        self._arrived.set()
        await asyncio.gather(*self._lanes)

    async def submit(self, submission: Submission) -> Outcome:
        """Store one response; returns after the commit. Errors: Busy, and then nothing is known
        to be stored: sending the same again is safe."""
        if self._closing or len(self._queue) >= self._capacity:
            raise Busy()
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append((submission, outcome))
        self._arrived.set()
        # Shielded by the queue: whoever hangs up now is still stored.
        return await outcome

    async def _lane(self) -> None:
        while self._queue or not self._closing:
            if not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            count = min(_BATCH, len(self._queue))
            await self._commit([self._queue.popleft() for _ in range(count)])

    async def _commit(self, waiting: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._stored([submission for submission, _ in waiting])
        except DATABASE_AWAY as error:
            log.warning("batch of %d not stored: %s", len(waiting), type(error).__name__)
            _refuse(waiting, Busy("The database cannot be reached just now."))
        except Exception as error:
            await self._one_by_one(waiting, error)
        else:
            for (_, future), outcome in zip(waiting, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)

    async def _stored(self, submissions: Sequence[Submission]) -> list[Outcome]:
        async with self._pool.acquire(timeout=5) as connection:
            for attempt in (1, 2):
                try:
                    async with connection.transaction():
                        return await ledger.store(connection, submissions)
                except DeadlockDetectedError:
                    if attempt == 2:
                        raise
        raise AssertionError("unreachable")

    async def _one_by_one(self, waiting: Sequence[_Waiting], error: Exception) -> None:
        if len(waiting) == 1:
            log.error("a response could not be stored", exc_info=error)
            _refuse(waiting, error)
            return
        # One of them breaks the batch: the others must not suffer for it.
        for one in waiting:
            await self._commit([one])


def _refuse(waiting: Sequence[_Waiting], error: Exception) -> None:
    for _, future in waiting:
        if not future.done():
            future.set_exception(error)
