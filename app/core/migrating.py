"""Bringing a database to the version of this program."""

import re
from pathlib import Path

from sqlalchemy import Connection, text
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
    # Read off the files: Alembic would cost every process that serves eleven megabytes.
    found = [_NAMES.findall(path.read_text("utf-8")) for path in _VERSIONS.glob("*.py")]
    names = {name for file in found for down, name in file if not down}
    head: str
    [head] = names - {name for file in found for down, name in file if down}
    return head


async def migrate(url: str) -> None:
    """Run all pending migrations, each in a transaction of its own.

    Errors: DatabaseRefused for a server older than PostgreSQL 15, or a database that a newer
    program has migrated.
    """
    database = engine(url, poolclass=NullPool)
    try:
        async with database.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            await connection.commit()
            await connection.run_sync(_upgrade)
            await connection.commit()
    finally:
        await database.dispose()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(str(_INI))
    version = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000
    if version < MINIMUM_POSTGRES:
        raise DatabaseRefused(
            f"This server is PostgreSQL {version}; Xinsheng needs {MINIMUM_POSTGRES} or later."
        )
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    table = connection.scalar(text("SELECT to_regclass('alembic_version')"))
    found = connection.scalar(text("SELECT version_num FROM alembic_version")) if table else None
    connection.commit()
    if found is not None and found not in known:
        raise DatabaseRefused(
            f"The database is at version {found}, which is newer than this program: "
            "install the newer program, or restore a backup from before the upgrade."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
