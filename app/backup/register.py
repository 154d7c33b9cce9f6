"""The register of files of campaigns' keys: a copy of a key lasts as long as the last of them.

It stands in the database, since who destroys a key may see none of the folders.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from app.backup import files, queries
from app.backup.sealing import holds_key
from app.core import clock, migrating
from app.core.database import Connection
from app.core.keyring import Keyring

_CONNECTING_SECONDS = 10


async def announce(url: str, id: str, folder: Path, days: int | None) -> None:
    """Record that a file is about to be made, before it holds any key.

    `days`: for how long files are kept in this folder; None: as before.
    """
    async with _connected(url) as connection:
        if connection is not None:
            name = _name(folder)
            kept = days or await queries.days_kept(connection, name)
            await queries.keep_file(connection, id, name, clock.now(), kept)


async def take_stock(url: str, keyring: Keyring, folder: Path, days: int | None) -> None:
    """Record which files there are in a folder, and for how long they are kept."""
    async with _connected(url) as connection:
        if connection is not None:
            async with connection.transaction():
                await look(connection, keyring, folder, days)


async def look(
    connection: Connection, keyring: Keyring, folder: Path, days: int | None = None
) -> None:
    """The same, in the transaction that the connection is in."""
    name = _name(folder)
    kept = days or await queries.days_kept(connection, name)
    found = [one for _, one in files.present(folder, "keys") if holds_key(keyring, one)]
    for header in found:
        await queries.keep_file(connection, header.id, name, header.instant, kept)
    await queries.forget_files(connection, name, [header.id for header in found])


def _name(folder: Path) -> str:
    return str(folder.resolve())


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Connection | None]:
    """A connection to a database of this version: one that is behind has no register yet."""
    connection = await asyncpg.connect(url, timeout=_CONNECTING_SECONDS)
    try:
        current = await queries.revision(connection) == migrating.newest()
        yield connection if current else None
    finally:
        await connection.close()
