"""What commands open before they do their work, and how they speak."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NoReturn

from app.access import audit
from app.access.principal import OPERATOR
from app.core import migrating
from app.core.database import Database, database_url
from app.core.embedded_postgres import EmbeddedPostgres
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.installation import prepare


def say(text: str) -> None:
    """Tell the operator."""
    print(text, flush=True)


def fail(reason: str) -> NoReturn:
    """Tell why it was not done, and end with status 1."""
    print(f"xinsheng: {reason}", file=sys.stderr)
    sys.exit(1)


@contextmanager
def database_server(settings: Settings) -> Iterator[EmbeddedPostgres | None]:
    """Start the embedded PostgreSQL, or join the one that runs, unless another server is set."""
    if settings.database_url is not None:
        yield None
        return
    with EmbeddedPostgres(settings.data_dir) as server:
        yield server


def make_ready(settings: Settings) -> None:
    """Make the database ready. One that others look after is not migrated unasked."""
    unasked = settings.database_url is not None and not settings.migrates
    asyncio.run(prepare(database_url(settings), unasked=unasked))


@contextmanager
def ready(settings: Settings) -> Iterator[None]:
    """A database that is ready, running while the context lasts."""
    with database_server(settings):
        make_ready(settings)
        yield


async def noted(settings: Settings, action: str, target: str) -> None:
    """Write into the audit what was done; a database of another version has another audit."""
    async with opened(settings) as database, database.sessions.begin() as session:
        if await migrating.is_current(session):
            audit.record(session, OPERATOR, action, target)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """A few connections for one command."""
    keyring = Keyring(settings.secret_keys)
    database = Database(database_url(settings), keyring=keyring, pool_size=2)
    try:
        yield database
    finally:
        await database.close()
