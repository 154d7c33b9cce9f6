"""Connections to PostgreSQL: SQLAlchemy sessions for most rooms, a bare asyncpg pool for intake."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from app.core import embedded_postgres
from app.core.keyring import Keyring
from app.core.settings import Settings

Pool = Any
"""An asyncpg pool (asyncpg ships no types)."""
Connection = Any
"""An asyncpg connection, or one that a pool lent."""

STATEMENT_TIMEOUT = "30s"
_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_LENDING_SECONDS = 5
_SERVER_SETTINGS = {
    "application_name": "xinsheng",
    "statement_timeout": STATEMENT_TIMEOUT,
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "jit": "off",
}


class Base(DeclarativeBase):
    """The base of all mapped tables, with one way of naming constraints."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Database:
    """One process's connections. Opened by `open`, given back by `close`."""

    def __init__(self, url: str, *, keyring: Keyring | None = None, pool_size: int = 8) -> None:
        """`keyring`: for those who write to the audit, whose entries are chained with a key."""
        self._url = url
        self._pool_size = pool_size
        self.engine = engine(
            url,
            server_settings=_SERVER_SETTINGS,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_LENDING_SECONDS,
            pool_pre_ping=True,
        )
        self.sessions = async_sessionmaker(
            self.engine, expire_on_commit=False, info={"keyring": keyring}
        )
        self.pool: Pool = None

    async def open(self) -> None:
        """Make the pool ready.

        It connects when it is first used: a worker that starts while the database is away must
        come up, since uvicorn ends all the others with one that does not.
        """
        self.pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._pool_size,
            timeout=_LENDING_SECONDS,
            command_timeout=30,
            server_settings=_SERVER_SETTINGS,
        )

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A session that sees one state of the database and takes as long as it takes."""
        async with self.sessions() as session, session.begin():
            await session.execute(text(_SNAPSHOT))
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            yield session

    async def close(self) -> None:
        """Give all connections back."""
        if self.pool is not None:
            await self.pool.close()
        await self.engine.dispose()


def lent(pool: Pool) -> Any:
    """A connection of the pool, as a context: whoever is waited for must hear of it in seconds.

    Errors: TimeoutError where none comes free, which means that the database is away.
    """
    return pool.acquire(timeout=_LENDING_SECONDS)


def engine(
    url: str, *, server_settings: dict[str, str] | None = None, **options: Any
) -> AsyncEngine:
    """A SQLAlchemy engine whose URL is read by asyncpg, as the pool's is, `sslmode` and all."""

    async def connect() -> Connection:
        return await asyncpg.connect(url, timeout=5, server_settings=server_settings)

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        hide_parameters=True,  # or errors would carry answers into the log
        **options,
    )


def database_url(settings: Settings) -> str:
    """The URL to connect to: the one that is set, or the embedded server's."""
    return settings.database_url or embedded_postgres.client_url(settings.data_dir)


@asynccontextmanager
async def reading(
    settings: Settings, database: Database, *, pool_size: int = 4
) -> AsyncIterator[Database]:
    """Where long reads go: the replica that is set, opened here, else the database itself."""
    if settings.database_read_url is None:
        yield database
        return
    replica = Database(settings.database_read_url, pool_size=pool_size)
    await replica.open()
    try:
        yield replica
    finally:
        await replica.close()


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.sessions() as session, session.begin():
        yield session


# The scope commits before the reply is sent: an acknowledgement is a promise.
Session = Annotated[AsyncSession, Depends(_session, scope="function")]
"""A session in a transaction of its own, committed when the handler returns."""


async def _read_session(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.reading
    async with database.sessions() as session, session.begin():
        await session.execute(text(_SNAPSHOT))
        yield session


ReadSession = Annotated[AsyncSession, Depends(_read_session, scope="function")]
"""A session that only reads, one state of the database: of the replica, where one is set.

For what reads rows one by one; a replica may lag behind by what operators accept."""


async def driver_connection(session: AsyncSession) -> Connection:
    """The session's own asyncpg connection, for what is too much for an ORM.

    What it executes belongs to the session's transaction, which a statement has begun already.
    """
    raw = await (await session.connection()).get_raw_connection()
    connection: Connection = raw.driver_connection
    assert connection.is_in_transaction()
    return connection
