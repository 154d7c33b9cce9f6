"""A job in the hands of a worker: what its handler is given, and may commit.

Two workers may take one job for a moment, where the first was held up and came back. Only the run
that began last may commit: `advance` locks the job's row in the very transaction that does the
work, and ends those of an earlier run.

What was acknowledged is done whatever becomes of its client, such as a delivery of interviews. What
was only asked for, such as a file, is not made once its client is no longer in force.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal, still_in_force
from app.core.database import Database
from app.jobs import queries
from app.jobs.problems import ClientNotInForce
from app.jobs.tables import Job


class Halted(BaseException):
    """The handler is to end here, undoing the transaction in hand; not an error of its own.

    No Exception, so that handlers which go on after errors don't go on after this.
    """


class Stopped(Halted):
    """The worker ends: the job goes on where it is when a worker runs again."""


class Superseded(Halted):
    """Another worker has taken the job, or it is gone."""


@dataclass
class Running:
    """A job as its handler sees it.

    `done` and `total` are what was committed when it was taken, and then what was last noted, in
    units of the job's kind: a handler that is run again begins at `done`. One that goes on after
    a transaction of its own was undone must not trust them.
    """

    id: UUID
    kind: str
    parameters: dict[str, Any]
    campaign_id: int | None
    caller: Principal
    """The client that caused the job, as it was then."""
    done: int
    total: int | None
    run: int
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    needs_client: bool = False
    """Whether it is done only while its client is in force."""

    @classmethod
    def of(cls, job: Job, stopping: asyncio.Event) -> "Running":
        """A job that has just been taken; `stopping` is set when its worker is to end."""
        caller = {**job.caller, "scopes": frozenset(job.caller["scopes"])}
        return cls(
            id=job.id,
            kind=job.kind,
            parameters=job.parameters,
            campaign_id=job.campaign_id,
            caller=Principal(id=job.client_id or 0, **caller),
            done=job.done,
            total=job.total,
            run=job.run,
            stopping=stopping,
        )

    async def advance(self, session: AsyncSession, *, done: int, total: int | None = None) -> None:
        """Note how far the job is, in the transaction that brought it there; None: total stands.

        Every transaction of a handler that writes calls it, once: what is `done` is what is
        committed. Errors: Stopped, Superseded; ClientNotInForce where that is needed.
        """
        if self.stopping.is_set():
            raise Stopped()
        if self.needs_client:
            await self.check_client(session)
        if not await queries.advance(session, self.id, self.run, done=done, total=total):
            raise Superseded()
        self.done = done
        self.total = self.total if total is None else total

    async def check_client(self, session: AsyncSession) -> None:
        """Errors: ClientNotInForce where the client was revoked or has expired meanwhile."""
        if not await still_in_force(session, self.caller):
            raise ClientNotInForce()


Handler = Callable[[Database, Running], Awaitable[dict[str, Any]]]
"""Does a job, in transactions of its own, from `running.done` on; returns the job's `result`.

A Problem that it raises ends the job as failed. After any other exception the job is taken again
some time later, and fails when it was taken in vain too often. It must not keep the event loop
from turning for longer than a few seconds, or another worker takes the job for abandoned."""


def for_clients_in_force(handler: Handler) -> Handler:
    """The same, for what is not made once its client is no longer in force.

    It is not begun then, and `advance` lets nothing of it be committed.
    """

    async def handle(database: Database, running: Running) -> dict[str, Any]:
        running.needs_client = True
        async with database.sessions() as session:
            await running.check_client(session)
        return await handler(database, running)

    return handle
