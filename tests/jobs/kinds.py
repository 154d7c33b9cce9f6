"""Kinds of jobs that only tests have, and a worker process that does them.

Run as a program (`python -m tests.jobs.kinds SECONDS`) it is a worker whose jobs take so long for
each of their steps.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import worker
from app.core import logging
from app.core.database import Database
from app.core.settings import load
from app.jobs.attending import Pace
from app.jobs.running import Handler, Running

QUICK = Pace(heartbeat=timedelta(seconds=2), pause=timedelta(milliseconds=50), tries=3)
"""What takes long in earnest is a matter of moments here."""
EAGER = Pace(heartbeat=timedelta(seconds=0.4), pause=timedelta(milliseconds=50), tries=3)
"""For a worker that is the only one: another would soon take its jobs for abandoned."""
MADE = "CREATE TABLE IF NOT EXISTS steps (job uuid, step int, process int, at timestamptz)"


async def step(session: AsyncSession, running: Running) -> None:
    """Do one step of a job: a row that says who did it."""
    await session.execute(
        text("INSERT INTO steps VALUES (:job, :step, :process, clock_timestamp())"),
        {"job": running.id, "step": running.done, "process": os.getpid()},
    )


def counting(seconds: float = 0.0) -> Handler:
    """A handler that does `steps` steps, each in a transaction of its own."""

    async def count(database: Database, running: Running) -> dict[str, Any]:
        steps = int(running.parameters["steps"])
        while running.done < steps:
            async with database.sessions.begin() as session:
                await step(session, running)
                await asyncio.sleep(seconds)
                await running.advance(session, done=running.done + 1, total=steps)
        return {"steps": steps}

    return count


def handlers(**made: Handler) -> dict[str, Callable[[worker.Tools], Handler]]:
    """A table of handlers that need no tools."""
    return {kind: partial(_as_it_is, handler) for kind, handler in made.items()}


def _as_it_is(handler: Handler, tools: worker.Tools) -> Handler:
    return handler


def main() -> None:
    """Be a worker, as `xinsheng worker` is, with kinds of our own."""
    settings = load()
    logging.configure("info")
    pace = Pace(heartbeat=timedelta(seconds=2), pause=timedelta(milliseconds=50))
    table = handlers(count=counting(float(sys.argv[1])))
    asyncio.run(worker.run(settings, handlers=table, pace=pace))


if __name__ == "__main__":
    main()
