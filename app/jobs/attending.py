"""What becomes of a job that a worker takes: done, failed, or to be taken again later."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.core.database import Database
from app.core.problems import Problem
from app.jobs import queries
from app.jobs.problems import JobFailed
from app.jobs.running import Handler, Running, Stopped, Superseded

log = logging.getLogger("xinsheng.jobs")

_LONGEST_PAUSE = timedelta(minutes=5)
_SERVER_ERROR = 500


@dataclass(frozen=True)
class Pace:
    """How patient workers are."""

    heartbeat: timedelta = timedelta(seconds=10)
    """A job whose worker has not been heard of for so long is taken by another."""
    pause: timedelta = timedelta(seconds=5)
    """Until a job is tried for the second time; three times as long with each time after."""
    tries: int = 5
    """After so many in a row, with nothing got done, a job fails."""

    def pause_after(self, tries: int) -> timedelta:
        """How long to wait after so many tries in vain."""
        return min(self.pause * float(3 ** (tries - 1)), _LONGEST_PAUSE)


@dataclass(frozen=True)
class Ended:
    """The job has come to its end, now or before."""


@dataclass(frozen=True)
class Left:
    """It is in other hands, and is left to them."""


@dataclass(frozen=True)
class Later:
    """It is to be taken again after this time."""

    pause: timedelta


async def attend(
    database: Database, handler: Handler, job_id: UUID, *, stopping: asyncio.Event, pace: Pace
) -> Ended | Left | Later:
    """Take a job and have its handler do it. Errors: those of a database that is away."""
    async with database.sessions.begin() as session:
        job = await queries.take(session, job_id)
    if job is None:
        return Ended()
    running = Running.of(job, stopping)
    if job.tries > pace.tries:
        log.error("job %s of kind %s ended its worker each time", job.id, job.kind)
        return await _failed(database, running, JobFailed())
    try:
        result = await handler(database, running)
        async with database.sessions.begin() as session:
            ours = await queries.end(session, running.id, running.run, result=result)
        return Ended() if ours else Left()
    except Superseded:
        return Left()
    except Stopped:
        return await _put_back(database, running, pace, counts=False)
    except Problem as problem:
        if problem.status < _SERVER_ERROR:
            return await _failed(database, running, problem)
        log.warning("job %s of kind %s met %s", job.id, job.kind, problem.slug)
    except Exception as error:
        log.error("job %s of kind %s broke off", job.id, job.kind, exc_info=error)
    return await _put_back(database, running, pace, counts=True)


async def _put_back(
    database: Database, running: Running, pace: Pace, *, counts: bool
) -> Ended | Left | Later:
    most = pace.tries if counts else None
    async with database.sessions.begin() as session:
        tries = await queries.put_back(session, running.id, running.run, most=most)
    if tries is not None:
        return Later(pace.pause_after(tries) if counts else timedelta())
    return await _failed(database, running, JobFailed()) if counts else Left()


async def _failed(database: Database, running: Running, problem: Problem) -> Ended | Left:
    document = problem.document(running.caller.request_id)
    async with database.sessions.begin() as session:
        ours = await queries.end(session, running.id, running.run, problem=document)
    return Ended() if ours else Left()
