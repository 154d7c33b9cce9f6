"""Rules of jobs: queueing them, who may see them, and what is kept of them."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.core.database import Database, driver_connection
from app.core.problems import NotFound
from app.core.schemas import instant_in_cursor, to_instant_cursor
from app.jobs import entries, queries
from app.jobs.schemas import Figures
from app.jobs.tables import Job

KEPT = timedelta(days=30)
"""How long a job is kept after it has ended."""


async def queue(
    session: AsyncSession,
    caller: Principal,
    *,
    kind: str,
    parameters: dict[str, Any],
    campaign_id: int | None = None,
    total: int | None = None,
) -> Job:
    """Queue a job in this transaction: it runs once that is committed, and never if it is not.

    `kind`: which handler of `app.worker` does it. `parameters`: what that needs to know, as JSON
    without personal values. `total`: how much there is to do, where that is known.
    """
    told = asdict(caller) | {"scopes": sorted(caller.scopes)}
    del told["id"], told["token"]  # a job goes on when its token is over
    job = Job(
        id=uuid4(),
        kind=kind,
        client_id=caller.id or None,
        caller=told,
        campaign_id=campaign_id,
        parameters=parameters,
        total=total,
    )
    session.add(job)
    await session.flush()
    await session.refresh(job)
    await entries.add(await driver_connection(session), [(job.id, kind)])
    return job


async def visible(session: AsyncSession, caller: Principal, job_id: UUID) -> Job:
    """A job that the caller caused, or whose client's unit it administers. Errors: NotFound."""
    job = await queries.job_seen(
        session,
        job_id,
        client_id=caller.id,
        admin=caller.may("admin"),
        seen_from=caller.unit_id,
    )
    if job is None:
        raise NotFound("There is no such job, or it is not yours to see.")
    return job


async def own(
    session: AsyncSession, caller: Principal, *, cursor: str | None, limit: int
) -> tuple[list[Job], str | None]:
    """A page of what the caller caused, the newest first, and the cursor of the next.

    Errors: InvalidInput for a cursor that is none.
    """
    rows = await queries.jobs_of(session, caller.id, before=instant_in_cursor(cursor), limit=limit)
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], to_instant_cursor(last.created_at, last.id)


async def requeue_missing(session: AsyncSession) -> int:
    """Queue those jobs that the queue has lost, as after a restore; returns how many."""
    missing = await queries.without_entry(session)
    await entries.add(await driver_connection(session), missing)
    return len(missing)


async def prepare(database: Database, url: str) -> None:
    """Make the queue ready, with every job in it that has not ended. Can be run again.

    Errors: DatabaseRefused.
    """
    await entries.install(url)
    async with database.sessions.begin() as session:
        await requeue_missing(session)


async def figures(session: AsyncSession) -> Figures:
    """How it stands with all jobs."""
    if not await queries.has_queue(session):
        return Figures(queued=0, due_seconds=0, running=0, failed=0)
    return await queries.figures(session)


async def look_after(database: Database) -> None:
    """What workers do from time to time: forget old jobs, and queue those that were lost."""
    async with database.sessions.begin() as session:
        await queries.forget(session, kept=KEPT)
        await requeue_missing(session)
