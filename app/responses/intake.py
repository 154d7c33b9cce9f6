"""Group commit: responses that arrive together share one statement and one commit.

Each reply waits for the commit. While a batch is being committed the next one gathers, so the
batches grow with the load and a lone response does not wait at all.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from asyncpg.exceptions import DeadlockDetectedError

from app.core import database_errors
from app.core.database import Connection, Pool
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
        connection = _Lent(self._pool)
        try:
            while self._queue or not self._closing:
                if not self._queue:
                    self._arrived.clear()
                    await self._arrived.wait()
                    continue
                count = min(_BATCH, len(self._queue))
                await self._commit(connection, [self._queue.popleft() for _ in range(count)])
        finally:
            await connection.give_back()

    async def _commit(self, lent: "_Lent", waiting: Sequence[_Waiting]) -> None:
        try:
            outcomes = await _stored(lent, [submission for submission, _ in waiting])
        except Exception as error:
            await lent.give_back()
            if database_errors.meaning(error) == "away":
                log.warning("batch of %d not stored: %s", len(waiting), type(error).__name__)
                _refuse(waiting, Busy("The database cannot be reached just now."))
            else:
                await self._one_by_one(lent, waiting, error)
        else:
            for (_, future), outcome in zip(waiting, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)

    async def _one_by_one(
        self, lent: "_Lent", waiting: Sequence[_Waiting], error: Exception
    ) -> None:
        if len(waiting) == 1:
            log.error("a response could not be stored", exc_info=error)
            _refuse(waiting, error)
            return
        # One of them breaks the batch: the others must not suffer for it.
        for one in waiting:
            await self._commit(lent, [one])


class _Lent:
    """A lane's connection: kept while all goes well, since lending one costs a round trip."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Connection = None

    async def get(self) -> Connection:
        if self._connection is None:
            self._connection = await self._pool.acquire(timeout=5)
        return self._connection

    async def give_back(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await self._pool.release(connection, timeout=5)
        except Exception as error:
            # A lane must outlive whatever its connection died of.
            log.warning("connection not given back: %s", type(error).__name__)
            connection.terminate()


async def _stored(lent: _Lent, submissions: Sequence[Submission]) -> list[Outcome]:
    connection = await lent.get()
    try:
        async with connection.transaction():
            return await ledger.store(connection, submissions)
    except DeadlockDetectedError:
        async with connection.transaction():
            return await ledger.store(connection, submissions)


def _refuse(waiting: Sequence[_Waiting], error: Exception) -> None:
    for _, future in waiting:
        if not future.done():
            future.set_exception(error)
