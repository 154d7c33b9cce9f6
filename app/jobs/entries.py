"""The queue itself: pgqueuer's tables, and entries in them that tell workers to look at a job.

They stand in a schema of their own, which pgqueuer makes and upgrades; a backup does without it,
since an entry says nothing that its job doesn't say too.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import Job as Entry
from pgqueuer.domain.models import TracebackRecord
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import JOB_STATUS, Channel, JobId
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from app.core.database import Connection
from app.core.migrating import DatabaseRefused

SCHEMA = "xinsheng_queue"
CHANNEL = Channel("xinsheng_queue")
_CONNECTING_SECONDS = 5
_INSTALLING = {"application_name": "xinsheng", "lock_timeout": "10s"}


class _Names(DBSettings):
    """pgqueuer's settings as they stand here: the environment has no say in them."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given here; CHANNEL or PGQUEUER_PREFIX may be set for other programs."""
        return (init_settings,)


# What its log holds may be lost in a crash.
_NAMES = _Names(db_schema=SCHEMA, channel=CHANNEL, durability=Durability.balanced)


@dataclass
class Entries(Queries):
    """pgqueuer's own statements, but that an entry goes only when its job has ended.

    By itself pgqueuer drops an entry after any exception, cancellation or try in vain, also while
    another worker has it; here it stays, and is taken again when nobody has it in hand.
    """

    qbe: qb.QueryBuilderEnvironment = field(
        default_factory=lambda: qb.QueryBuilderEnvironment(_NAMES)
    )
    qbq: qb.QueryQueueBuilder = field(default_factory=lambda: qb.QueryQueueBuilder(_NAMES))
    qbs: qb.QuerySchedulerBuilder = field(default_factory=lambda: qb.QuerySchedulerBuilder(_NAMES))
    ended: set[JobId] = field(default_factory=set)
    """Entries whose jobs have ended."""

    async def log_jobs(
        self, job_status: list[tuple[Entry, JOB_STATUS, TracebackRecord | None]]
    ) -> None:
        """Take out those entries whose jobs have ended."""
        over = [one for one in job_status if one[0].id in self.ended]
        if over:
            await super().log_jobs(over)
            self.ended -= {entry.id for entry, _, _ in over}


def over(connection: Connection) -> Entries:
    """The queue by way of one connection: what it does belongs to the transaction under way."""
    return Entries(AsyncpgDriver(connection))


async def add(connection: Connection, jobs: Collection[tuple[UUID, str]]) -> None:
    """Queue entries for jobs (id, kind), in the transaction under way; twice is as once."""
    if jobs:
        await over(connection).enqueue(
            [kind for _, kind in jobs],
            [job_id.bytes for job_id, _ in jobs],
            [0] * len(jobs),
            dedupe_key=[str(job_id) for job_id, _ in jobs],
            on_conflict="skip",
        )


async def install(url: str) -> None:
    """Make the queue's tables, or bring them up to date. Can be run again, by several at once.

    Errors: DatabaseRefused where the role may not make a schema.
    """
    connection = await asyncpg.connect(
        url, timeout=_CONNECTING_SECONDS, server_settings=_INSTALLING
    )
    try:
        queue = over(connection)
        async with queue.schema_lock():
            if await queue.schema_is_installed():
                await queue.apply_upgrade()
            else:
                await queue.install()
    except asyncpg.InsufficientPrivilegeError as error:
        raise DatabaseRefused(
            f"The queue of background jobs needs a schema ({SCHEMA}), which this role may not "
            "make: GRANT CREATE ON DATABASE … TO the role, once, then start again."
        ) from error
    finally:
        await connection.close()
