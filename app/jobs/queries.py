"""SQL of jobs. Of the queue's own tables pgqueuer knows all but the few statements here."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, func, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import Client
from app.jobs.schemas import Figures
from app.jobs.tables import Job

_OPEN = ("queued", "running")
_FIGURES = text("""
    SELECT
        count(*) FILTER (WHERE state = 'queued') AS queued,
        (
            SELECT coalesce(extract(epoch FROM now() - min(execute_after)), 0)::float8
            FROM xinsheng_queue.pgqueuer WHERE status = 'queued' AND execute_after <= now()
        ) AS due_seconds,
        count(*) FILTER (WHERE state = 'running') AS running,
        count(*) FILTER (
            WHERE state = 'failed' AND finished_at > now() - interval '1 hour'
        ) AS failed
    FROM jobs
    WHERE finished_at IS NULL OR finished_at > now() - interval '1 hour'
""")
_WITHOUT_ENTRY = text("""
    SELECT id, kind FROM jobs WHERE finished_at IS NULL AND NOT EXISTS (
        SELECT FROM xinsheng_queue.pgqueuer AS entry
        WHERE entry.dedupe_key = CAST(jobs.id AS text) AND entry.status IN ('queued', 'picked')
    )
    ORDER BY created_at
""")
_FORGET_LOG = (
    text("DELETE FROM xinsheng_queue.pgqueuer_log WHERE created < now() - CAST(:kept AS interval)"),
    text(
        "DELETE FROM xinsheng_queue.pgqueuer_statistics "
        "WHERE created < now() - CAST(:kept AS interval)"
    ),
)
# The tree of units stands above this room: its tables are named, not imported.
_WITHIN = text("SELECT unit_id FROM unit_ancestors WHERE ancestor_id = :root").columns(
    Client.unit_id
)


async def take(session: AsyncSession, job_id: UUID) -> Job | None:
    """Begin another run of a job: from now on no earlier one commits anything of it.

    None for one that has ended or is gone.
    """
    statement = (
        update(Job)
        .where(Job.id == job_id, Job.state.in_(_OPEN))
        .values(
            state="running",
            run=Job.run + 1,
            tries=Job.tries + 1,
            started_at=func.coalesce(Job.started_at, func.now()),
        )
    )
    return await session.scalar(statement.returning(Job))


async def advance(
    session: AsyncSession, job_id: UUID, run: int, *, done: int, total: int | None
) -> bool:
    """Note how far a run is; False where another has begun, or there is no such job any more."""
    values: dict[str, Any] = {"done": done, "tries": case((Job.done < done, 0), else_=Job.tries)}
    if total is not None:
        values["total"] = total
    return await _changed(session, job_id, run, values) is not None


async def put_back(
    session: AsyncSession, job_id: UUID, run: int, *, most: int | None
) -> int | None:
    """Have a job taken again later; returns how often it was tried in vain.

    None as with `advance`, and where that was `most` times already. `most` None: this run was not
    in vain, its worker only ended.
    """
    if most is None:
        values = {"state": "queued", "tries": func.greatest(Job.tries - 1, 0)}
        return await _changed(session, job_id, run, values)
    return await _changed(session, job_id, run, {"state": "queued"}, Job.tries < most)


async def end(
    session: AsyncSession,
    job_id: UUID,
    run: int,
    *,
    result: dict[str, Any] | None = None,
    problem: dict[str, Any] | None = None,
) -> bool:
    """End a job with its result or its problem; False as with `advance`."""
    values = {
        "state": "done" if problem is None else "failed",
        "result": result,
        "problem": problem,
        "finished_at": func.now(),
    }
    return await _changed(session, job_id, run, values) is not None


async def _changed(
    session: AsyncSession,
    job_id: UUID,
    run: int,
    values: dict[str, Any],
    *conditions: ColumnElement[bool],
) -> int | None:
    mine = (Job.id == job_id, Job.run == run, Job.state == "running", *conditions)
    tries: int | None = await session.scalar(
        update(Job).where(*mine).values(values).returning(Job.tries)
    )
    return tries


async def job_seen(
    session: AsyncSession, job_id: UUID, *, client_id: int, admin: bool, seen_from: int | None
) -> Job | None:
    """A job, if this client caused it, or is an admin above the client that did."""
    visible = Job.client_id == client_id
    if admin and seen_from is None:
        visible = or_(visible, Job.id.is_not(None))
    elif admin:
        below = select(Client.id).where(Client.unit_id.in_(_WITHIN.bindparams(root=seen_from)))
        visible = or_(visible, Job.client_id.in_(below))
    return await session.scalar(select(Job).where(Job.id == job_id, visible))


async def jobs_of(
    session: AsyncSession, client_id: int, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Job]:
    """What a client caused, the newest first; one more than `limit` where there is more."""
    statement = select(Job).where(Job.client_id == client_id)
    if before is not None:
        statement = statement.where(tuple_(Job.created_at, Job.id) < tuple_(*before))
    newest = statement.order_by(Job.created_at.desc(), Job.id.desc())
    return list(await session.scalars(newest.limit(limit + 1)))


async def without_entry(session: AsyncSession) -> list[tuple[UUID, str]]:
    """Jobs (id, kind) that have not ended and that the queue does not know."""
    return [(row.id, row.kind) for row in await session.execute(_WITHOUT_ENTRY)]


async def forget(session: AsyncSession, *, kept: timedelta) -> None:
    """Delete jobs that ended longer ago, and as much of the queue's log."""
    await session.execute(delete(Job).where(Job.finished_at < func.now() - kept))
    for statement in _FORGET_LOG:
        await session.execute(statement, {"kept": kept})


async def has_queue(session: AsyncSession) -> bool:
    """Whether the queue's tables have been made: a restore leaves that to the next start."""
    statement = text("SELECT to_regclass('xinsheng_queue.pgqueuer') IS NOT NULL")
    return bool(await session.scalar(statement))


async def figures(session: AsyncSession) -> Figures:
    """How it stands with all jobs."""
    return Figures(**(await session.execute(_FIGURES)).one()._mapping)
