"""Workers are stopped, killed and held up: a job goes on where it was, and never twice at once."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.database import Database
from app.core.embedded_postgres import EmbeddedPostgres
from app.core.settings import Settings
from app.installation import prepare
from app.jobs import queries
from app.jobs.running import Running, Stopped, Superseded
from tests.jobs.conftest import Working, ended, looked_at, queued, reached, steps, worker_of
from tests.jobs.kinds import MADE, counting, step

_KEYS = "an operator's own key of 32 bytes or more"


@asynccontextmanager
async def process(url: str, data_dir: str) -> AsyncIterator[Any]:
    """A worker process whose steps take a tenth of a second; killed with the context."""
    own = {"XINSHENG_DATABASE_URL": url, "XINSHENG_SECRET_KEYS": _KEYS}
    own |= {"XINSHENG_DATA_DIR": data_dir, "XINSHENG_PUBLIC_URL": "http://127.0.0.1:8000"}
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.jobs.kinds", "0.1", env={**os.environ, **own}
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def _processes(database: Database, job_id: UUID) -> list[int]:
    async with database.sessions() as session:
        return list(
            await session.scalars(
                text("SELECT process FROM steps WHERE job = :job ORDER BY at"), {"job": job_id}
            )
        )


@pytest.mark.process
async def test_what_a_killed_or_stopped_worker_had_in_hand_goes_on_where_it_was(
    database: Database, settings: Settings, working: Working
) -> None:
    assert settings.database_url is not None
    place = (settings.database_url, str(settings.data_dir))
    job_id = await queued(database, steps=24)
    async with process(*place) as killed, process(*place) as stopped:
        await reached(database, job_id, lambda job: job.done >= 3)
        one, other = killed, stopped
        if (await _processes(database, job_id))[0] == stopped.pid:
            one, other = stopped, killed
        one.kill()
        await reached(database, job_id, lambda job: job.run == 2 and job.done >= 8)
        other.terminate()
        assert await asyncio.wait_for(other.wait(), 60) == 0
    job = await looked_at(database, job_id)
    assert (job.state, job.tries) == ("queued", 0)
    assert 8 <= job.done < 24
    async with working(count=counting()):
        job = await ended(database, job_id)
    assert (job.state, job.done, job.run) == ("done", 24, 3)
    assert await steps(database, job_id) == list(range(24))
    did = await _processes(database, job_id)
    assert did == sorted(did, key=[one.pid, other.pid, os.getpid()].index)


async def test_two_workers_share_the_jobs_and_never_have_one_at_once(
    database: Database, working: Working
) -> None:
    jobs = [await queued(database, steps=4) for _ in range(12)]
    async with working(count=counting(0.02)), working(count=counting(0.02)):
        for job_id in jobs:
            job = await ended(database, job_id)
            assert (job.state, job.run) == ("done", 1)
    for job_id in jobs:
        assert await steps(database, job_id) == [0, 1, 2, 3]


async def test_a_worker_that_was_held_up_commits_nothing_when_it_comes_back(
    database: Database, working: Working
) -> None:
    held, free = asyncio.Event(), asyncio.Event()
    met: list[type[BaseException]] = []

    async def held_up(database: Database, running: Running) -> dict[str, Any]:
        async with database.sessions.begin() as session:
            await step(session, running)
            if running.run == 1:
                held.set()
                await free.wait()
                try:
                    await running.advance(session, done=1)
                except BaseException as error:
                    met.append(type(error))
                    raise
            await running.advance(session, done=1)
        return {"run": running.run}

    job_id = await queued(database, "held_up")
    async with working(held_up=held_up):
        await asyncio.wait_for(held.wait(), 60)
        async with database.sessions.begin() as session:
            # As if its worker had not been heard of for long: that cannot be waited for here.
            await session.execute(
                text("UPDATE xinsheng_queue.pgqueuer SET heartbeat = now() - interval '1 hour'")
            )
        async with working(held_up=held_up):
            job = await ended(database, job_id)
        free.set()
        async with asyncio.timeout(60):
            while not met:
                await asyncio.sleep(0.02)
    assert (job.state, job.result) == ("done", {"run": 2})
    assert met == [Superseded]
    assert await steps(database, job_id) == [0]


async def test_a_run_that_has_noted_its_progress_commits_before_another_begins(
    database: Database,
) -> None:
    job_id = await queued(database)
    async with database.sessions.begin() as session:
        first = await queries.take(session, job_id)
    assert first is not None
    running = Running.of(first, asyncio.Event())
    async with database.sessions.begin() as session:
        await step(session, running)
        await running.advance(session, done=1)
        taking = asyncio.create_task(_taken(database, job_id))
        await _waits_for_a_lock(database)
        assert not taking.done()
    second = await taking
    assert (second.run, second.done) == (2, 1)
    async with database.sessions.begin() as session:
        with pytest.raises(Superseded):
            await running.advance(session, done=2)
    assert (await looked_at(database, job_id)).done == 1


async def _taken(database: Database, job_id: UUID) -> Any:
    async with database.sessions.begin() as session:
        return await queries.take(session, job_id)


async def _waits_for_a_lock(database: Database) -> None:
    statement = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(60), database.sessions() as session:
        while not await session.scalar(statement):
            await asyncio.sleep(0.02)


async def test_what_a_stopped_job_had_in_hand_is_undone(database: Database) -> None:
    job_id = await queued(database, steps=1)
    job = await _taken(database, job_id)
    stopping = asyncio.Event()
    running = Running.of(job, stopping)
    stopping.set()
    with pytest.raises(Stopped):
        await counting()(database, running)
    assert await steps(database, job_id) == []
    assert (await looked_at(database, job_id)).done == 0


async def test_a_worker_lives_through_a_restart_of_postgresql(
    settings: Settings, tmp_path: Path
) -> None:
    with EmbeddedPostgres(tmp_path / "elsewhere") as server:
        await prepare(server.url())
        database = Database(server.url(), pool_size=2)
        async with database.sessions.begin() as session:
            await session.execute(text(MADE))
        job_id = await queued(database, steps=12)
        there = replace(settings, database_url=server.url())
        async with worker_of(there, count=counting(0.1)):
            await reached(database, job_id, lambda job: job.done >= 3)
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            assert (await ended(database, job_id)).state == "done"
        assert await steps(database, job_id) == list(range(12))
        await database.close()
