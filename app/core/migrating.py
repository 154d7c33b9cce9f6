"""Bringing a database to the version of this program."""

import re
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import NullPool

from app.core.database import engine

_INI = Path(__file__).parents[2] / "alembic.ini"
_VERSIONS = _INI.parent / "migrations" / "versions"
_NAMES = re.compile(r'^(down_)?revision = "(.+)"$', re.MULTILINE)
_LOCK = 0x78696E7368656E67  # one program at a time migrates
MINIMUM_POSTGRES = 15


class DatabaseRefused(RuntimeError):
    """The database cannot be used as it is. The message says why and what to do."""


def newest() -> str:
    """The migration that this program's database must be at."""
    names = _named()
    [head] = {name for down, name in names if not down} - {name for down, name in names if down}
    return head


def known() -> set[str]:
    """Every migration that this program has."""
    return {name for down, name in _named() if not down}


def _named() -> list[tuple[str, str]]:
    # Read off the files: Alembic would cost every process that serves eleven megabytes.
    return [
        name for path in _VERSIONS.glob("*.py") for name in _NAMES.findall(path.read_text("utf-8"))
    ]


async def migrate(url: str, *, unasked: bool = False) -> None:
    """Run all pending migrations, each in a transaction of its own.

    `unasked`: nobody has said to; then a database that is not empty must be up to date.
    Errors: DatabaseRefused for that, for a server older than PostgreSQL 15, and for a database
    that a newer program has migrated.
    """
    database = engine(url, poolclass=NullPool)
    try:
        async with database.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            await connection.commit()
            await connection.run_sync(_upgrade, unasked=unasked)
            await connection.commit()
    finally:
        await database.dispose()


def _upgrade(connection: Connection, *, unasked: bool) -> None:
    version = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000
    if version < MINIMUM_POSTGRES:
        raise DatabaseRefused(
            f"This server is PostgreSQL {version}; Xinsheng needs {MINIMUM_POSTGRES} or later."
        )
    table = connection.scalar(text("SELECT to_regclass('alembic_version')"))
    found = connection.scalar(text("SELECT version_num FROM alembic_version")) if table else None
    connection.commit()
    if found is not None and found not in known():
        raise DatabaseRefused(
            f"The database is at version {found}, which is newer than this program: "
            "install the newer program, or restore a backup from before the upgrade."
        )
    if unasked and found not in (None, newest()):
        raise DatabaseRefused(
            f"The database is at version {found}, and this program needs {newest()}. Make a backup "
            "(xinsheng backup), then bring the database up to date (xinsheng migrate). With "
            "XINSHENG_MIGRATE=1 every start does so by itself."
        )
    upgrade(connection)


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Migrate up to a revision: within the transaction, if one is under way."""
    from alembic import command
    from alembic.config import Config

    config = Config(str(_INI))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def is_current(session: AsyncSession) -> bool:
    """Whether the database is at this program's version."""
    found = await session.scalar(text("SELECT version_num FROM alembic_version"))
    return bool(found == newest())


async def alone(session: AsyncSession) -> bool:
    """Keep others from migrating until this transaction ends; False where somebody does now."""
    statement = text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool(await session.scalar(statement, {"key": _LOCK}))
