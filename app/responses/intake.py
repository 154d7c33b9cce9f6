"""Group commit: responses that arrive together share one statement and one commit.

Each reply waits for the commit. While a batch is being committed the next one gathers, so the
batches grow with the load and a lone response does not wait at all.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Sequence

from asyncpg.exceptions import InterfaceError

from app.core import database_errors, metrics
from app.core.database import Connection, Pool
from app.core.problems import Busy
from app.responses import ledger
from app.responses.ledger.settling import settle
from app.responses.submission import Outcome, Submission

log = logging.getLogger("xinsheng.intake")

CAPACITY = 4096
"""Responses that may wait in one process; more are refused at once, to be sent again."""
_BATCH = 256
_AT_ONCE = 4
_WORTHWHILE = 16
"""Responses for which another batch goes beside those under way: fewer cost more each."""
_PATIENCE = 0.02
"""Seconds after which fewer go too: a batch that waits for a lock must not hold up the others."""

_Waiting = tuple[Submission, "asyncio.Future[Outcome]"]


class Intake:
    """One process's queue of responses, and the batches of them that are being committed."""

    def __init__(self, pool: Pool, *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._queue: deque[_Waiting] = deque()
        self._free = [_Lent(pool) for _ in range(_AT_ONCE)]
        self._under_way: set[asyncio.Task[None]] = set()
        self._patient_until = 0.0
        self._closing = False

    def start(self) -> None:
        """Begin to accept, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        metrics.QUEUE_ROOM.set(self._capacity)

    async def stop(self) -> None:
        """Finish what was accepted, then end."""
        self._closing = True
        self._begin()
        while self._under_way:
            await asyncio.wait(self._under_way)
        for lent in self._free:
            await lent.give_back()

    async def submit(self, submission: Submission) -> Outcome:
        """Store one response; returns after the commit. Errors: Busy, and then nothing is known
        to be stored: sending the same again is safe."""
        if self._closing or len(self._queue) >= self._capacity:
            metrics.RESPONSES.labels("busy").inc()
            raise Busy()
        outcome: asyncio.Future[Outcome] = self._loop.create_future()
        self._queue.append((submission, outcome))
        if len(self._queue) == 1:
            # Soon, not now: with all that arrive in this turn of the loop.
            self._loop.call_soon(self._begin)
        elif len(self._queue) >= _WORTHWHILE:
            self._begin()
        # Shielded by the queue: whoever hangs up now is still stored.
        return await outcome

    def _begin(self) -> None:
        """Begin the batches that are due."""
        while self._queue and self._free and self._is_due():
            count = min(_BATCH, len(self._queue))
            batch = [self._queue.popleft() for _ in range(count)]
            # The last one given back is the first one taken, so that few are in use.
            task = self._loop.create_task(self._run(self._free.pop(), batch))
            self._under_way.add(task)
            task.add_done_callback(self._ended)
            self._patient_until = self._loop.time() + _PATIENCE
            self._loop.call_later(_PATIENCE, self._begin)
            metrics.QUEUE.set(len(self._queue))

    def _is_due(self) -> bool:
        if not self._under_way or len(self._queue) >= _WORTHWHILE:
            return True
        return self._loop.time() >= self._patient_until

    async def _run(self, lent: "_Lent", batch: Sequence[_Waiting]) -> None:
        began = self._loop.time()
        try:
            await self._commit(lent, batch)
        finally:
            self._free.append(lent)
            metrics.BATCH_SECONDS.observe(self._loop.time() - began)
            metrics.BATCH_SIZE.observe(len(batch))

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._begin()

    async def _commit(self, lent: "_Lent", waiting: Sequence[_Waiting]) -> None:
        try:
            waiting = _tell(waiting, await _stored_new(lent, waiting))
            if waiting:
                _tell(waiting, await _stored(lent, waiting))
            lent.proved = True
        except Exception as error:
            died = lent.proved and lent.is_dead()
            await lent.give_back()
            if died:
                # While nobody used it, most likely, and another will do. If it died after it had
                # committed, those that were stored are known again.
                await self._commit(lent, waiting)
            elif database_errors.meaning(error) == "away":
                log.warning("batch of %d not stored: %s", len(waiting), type(error).__name__)
                _refuse(waiting, Busy("The database cannot be reached just now."))
            else:
                await self._one_by_one(lent, waiting, error)

    async def _one_by_one(
        self, lent: "_Lent", waiting: Sequence[_Waiting], error: Exception
    ) -> None:
        if len(waiting) == 1:
            if not isinstance(error, Busy):
                log.error("a response could not be stored", exc_info=error)
            _refuse(waiting, error)
            return
        # One of them breaks the batch: the others must not suffer for it.
        for one in waiting:
            await self._commit(lent, [one])


class _Lent:
    """A connection for batches: kept while all goes well, since lending one costs a round trip."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Connection = None
        self.proved = False
        """Whether it has committed a batch before."""

    async def get(self) -> Connection:
        if self._connection is None:
            self._connection = await self._pool.acquire(timeout=5)
        return self._connection

    def is_dead(self) -> bool:
        try:
            return self._connection is not None and bool(self._connection.is_closed())
        except InterfaceError:
            return True  # so the pool's own says, once the pool has let it go

    async def give_back(self) -> None:
        connection, self._connection = self._connection, None
        self.proved = False
        if connection is None:
            return
        try:
            await self._pool.release(connection, timeout=5)
        except Exception as error:
            # The intake must outlive whatever its connection died of.
            log.warning("connection not given back: %s", type(error).__name__)
            connection.terminate()


async def _stored_new(lent: _Lent, waiting: Sequence[_Waiting]) -> list[Outcome | None]:
    # Most responses are new: one round trip, and no transaction to begin and end.
    return await ledger.store_new(await lent.get(), [submission for submission, _ in waiting])


async def _stored(lent: _Lent, waiting: Sequence[_Waiting]) -> list[Outcome]:
    return await settle(await lent.get(), [submission for submission, _ in waiting])


def _tell(waiting: Sequence[_Waiting], outcomes: Sequence[Outcome | None]) -> list[_Waiting]:
    """Tell those whose outcome is known; returns the others."""
    left = []
    for one, outcome in zip(waiting, outcomes, strict=True):
        if outcome is None:
            left.append(one)
        elif not one[1].done():
            one[1].set_result(outcome)
    for outcome, count in Counter(outcomes).items():
        if outcome is not None:
            metrics.RESPONSES.labels(outcome.name).inc(count)
    return left


def _refuse(waiting: Sequence[_Waiting], error: Exception) -> None:
    metrics.RESPONSES.labels("failed").inc(len(waiting))
    for _, future in waiting:
        if not future.done():
            future.set_exception(error)
