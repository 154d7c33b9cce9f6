"""A worker: it takes jobs from the queue, a few at a time, until it is told to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from uuid import UUID

import asyncpg
from pgqueuer.core.applications import PgQueuer
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job as Entry
from pgqueuer.domain.models import Schedule

from app.core import database_errors
from app.core.background import background
from app.core.database import Database
from app.jobs import entries
from app.jobs.attending import Ended, Later, Pace, attend
from app.jobs.running import Handler

log = logging.getLogger("xinsheng.jobs")

Errand = Callable[[Database], Awaitable[None]]
"""Something that is done at set times, by one worker; done twice it does no harm."""
Errands = Mapping[str, tuple[str, Errand]]
"""By name: when (as cron says it, in UTC) and what."""

AT_ONCE = 2
"""Jobs that one worker has in hand: a long one does not keep all short ones waiting."""
_CONNECTING = {"application_name": "xinsheng", "statement_timeout": "30s", "timezone": "UTC"}
_CONNECTING_SECONDS = 5
_COMMAND_SECONDS = 30
_PAUSE = 1.0
_LONGEST_PAUSE = 15.0


async def work(
    url: str,
    database: Database,
    handlers: Mapping[str, Handler],
    errands: Errands,
    *,
    stopping: asyncio.Event,
    pace: Pace,
) -> None:
    """Take jobs of these kinds until `stopping` is set; then what is in hand stops in order.

    Comes back by itself after the database was away.
    """
    pause = _PAUSE
    while not stopping.is_set():
        began = asyncio.get_running_loop().time()
        try:
            await _work(url, database, handlers, errands, stopping=stopping, pace=pace)
        except database_errors.RAISED as error:
            log.warning("the queue cannot be reached: %s", type(error).__name__)
        except Exception as error:
            log.error("the queue failed", exc_info=error)
        if asyncio.get_running_loop().time() - began > _LONGEST_PAUSE:
            pause = _PAUSE
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _work(
    url: str,
    database: Database,
    handlers: Mapping[str, Handler],
    errands: Errands,
    *,
    stopping: asyncio.Event,
    pace: Pace,
) -> None:
    # One connection for all that the queue is asked, and to listen: it fails as a whole.
    connection = await asyncpg.connect(
        url,
        timeout=_CONNECTING_SECONDS,
        command_timeout=_COMMAND_SECONDS,
        server_settings=_CONNECTING,
    )
    try:
        queue = entries.over(connection)
        taking = PgQueuer(queue.driver, channel=entries.CHANNEL, queries=queue)
        for kind, handler in handlers.items():
            taking.entrypoint(kind)(_attending(queue, database, handler, stopping, pace))
        for name, (when, errand) in errands.items():
            taking.schedule(name, when)(_running(errand, database))
        async with background(_passed_on(stopping, taking.shutdown)):
            await taking.run(
                dequeue_timeout=pace.heartbeat / 2,
                batch_size=1,
                max_concurrent_tasks=AT_ONCE,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=pace.heartbeat,
            )
    finally:
        connection.terminate()


def _attending(
    queue: entries.Entries,
    database: Database,
    handler: Handler,
    stopping: asyncio.Event,
    pace: Pace,
) -> Callable[[Entry], Awaitable[None]]:
    async def attended(entry: Entry) -> None:
        job_id = UUID(bytes=entry.payload)
        try:
            outcome = await attend(database, handler, job_id, stopping=stopping, pace=pace)
        except database_errors.RAISED as error:
            # The entry stays as it is, and is taken again when it has not been heard of for long.
            log.warning("job %s is left for now: %s", job_id, type(error).__name__)
            return
        match outcome:
            case Ended():
                queue.ended.add(entry.id)
            case Later(pause):
                raise RetryRequested(pause)

    return attended


def _running(errand: Errand, database: Database) -> Callable[[Schedule], Awaitable[None]]:
    async def run(schedule: Schedule) -> None:
        await errand(database)

    return run


async def _passed_on(stopping: asyncio.Event, shutdown: asyncio.Event) -> None:
    await stopping.wait()
    shutdown.set()
