"""What tests of jobs share: a worker in this process, queueing, and looking how far a job is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app import worker
from app.access.principal import OPERATOR, Principal
from app.core.database import Database
from app.core.settings import Settings
from app.installation import prepare
from app.jobs import service
from app.jobs.attending import Pace
from app.jobs.running import Handler
from app.jobs.tables import Job
from tests.jobs import kinds

Working = Callable[..., AbstractAsyncContextManager[None]]
_PATIENCE_SECONDS = 60


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The test's own database, with a table for what jobs do."""
    assert settings.database_url is not None
    await prepare(settings.database_url)
    opened = Database(settings.database_url, pool_size=4)
    async with opened.sessions.begin() as session:
        await session.execute(text(kinds.MADE))
    yield opened
    await opened.close()


@asynccontextmanager
async def worker_of(
    settings: Settings, pace: Pace = kinds.QUICK, **made: Handler
) -> AsyncIterator[None]:
    """A worker in this process that does these kinds of jobs while the context lasts."""
    stopping = asyncio.Event()
    table = kinds.handlers(**made)
    task = asyncio.create_task(worker.run(settings, handlers=table, pace=pace, stopping=stopping))
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait_for(task, _PATIENCE_SECONDS)


@pytest.fixture
def working(settings: Settings) -> Working:
    """What makes a worker on the test's own database."""
    return partial(worker_of, settings)


async def queued(
    database: Database, kind: str = "count", caller: Principal = OPERATOR, **parameters: Any
) -> UUID:
    """Queue a job and commit it."""
    async with database.sessions.begin() as session:
        return (await service.queue(session, caller, kind=kind, parameters=parameters)).id


async def looked_at(database: Database, job_id: UUID) -> Job:
    """The job as it is now."""
    async with database.sessions() as session:
        found = await session.get(Job, job_id)
        assert found is not None
        return found


async def ended(database: Database, job_id: UUID) -> Job:
    """The job, once it has ended."""
    return await reached(database, job_id, lambda job: job.finished_at is not None)


async def reached(database: Database, job_id: UUID, there: Callable[[Job], bool]) -> Job:
    """The job, once it is so far; the database may be away meanwhile."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            with suppress(Exception):
                job = await looked_at(database, job_id)
                if there(job):
                    return job
            await asyncio.sleep(0.05)


async def steps(database: Database, job_id: UUID) -> list[int]:
    """The steps of a job that were done, in the order in which they were."""
    async with database.sessions() as session:
        found = await session.scalars(
            text("SELECT step FROM steps WHERE job = :job ORDER BY at"), {"job": job_id}
        )
        return list(found)
