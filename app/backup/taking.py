"""Taking a backup: all tables as of one instant, into files that appear when they are complete."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from app.backup import queries
from app.backup.contents import (
    END,
    KEYS,
    LEFT_OUT,
    ROWS,
    TABLE,
    Table,
    Totals,
    in_order,
    ours,
)
from app.backup.files import NewFile
from app.backup.sealing import (
    CHUNK_BYTES,
    SALT_BYTES,
    BackupRefused,
    Header,
    Kind,
    Sealer,
    current_key_id,
)
from app.core import clock, migrating
from app.core.database import Connection
from app.core.keyring import Keyring

Progress = Callable[[str, int, int], None]
"""Told a table, and its rows and bytes of text so far, after every chunk."""
_CONNECTING_SECONDS = 10
# What COPY writes must not depend on how a server is set up.
_SPELLING = {
    "application_name": "xinsheng backup",
    "bytea_output": "hex",
    "datestyle": "ISO, YMD",
    "extra_float_digits": "1",
    "idle_in_transaction_session_timeout": "0",
    "intervalstyle": "postgres",
    "lock_timeout": "10s",
    "statement_timeout": "0",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Taken:
    """A file that was made."""

    kind: Kind
    path: Path
    size: int
    """Bytes."""
    rows: int
    tables: int
    strangers: list[str]
    """Tables in the database that are not ours, and not in the file."""


@dataclass(frozen=True)
class _Plan:
    """What there is to back up, and the migration that it is at."""

    revision: str
    tables: list[Table]
    sequences: dict[str, int]
    strangers: list[str]


def new_id() -> str:
    """An id for a backup: both its files bear it."""
    return secrets.token_hex(16)


async def take(
    url: str,
    keyring: Keyring,
    targets: Mapping[Kind, Path],
    *,
    progress: Progress,
    id: str | None = None,
) -> list[Taken]:
    """Back the database up beside whatever uses it, into a file for each kind that is wanted.

    `id`: of `new_id`, where it was announced before.
    Returns what was made, the keys first: where there is a backup, there are its keys.
    Errors: BackupRefused; asyncpg's, where the database fails. Then there is no file under any of
    the names, or the keys alone.
    """
    id = id or new_id()
    async with _one_instant(url) as connection:
        instant = clock.now().isoformat(timespec="seconds")
        plan = await _plan(connection)
        with ExitStack() as stack:
            made = []
            for kind in sorted(targets, reverse=True):
                file = stack.enter_context(NewFile(targets[kind]))
                header = Header(
                    kind=kind,
                    id=id,
                    created_at=instant,
                    revision=plan.revision,
                    key_id=current_key_id(keyring, kind),
                    salt=secrets.token_hex(SALT_BYTES),
                )
                sealer = Sealer(file.write, keyring, header)
                made.append((kind, file, await _write(connection, sealer, kind, plan, progress)))
            return [
                Taken(kind, file.path, file.finish(), sum(rows.values()), len(rows), plan.strangers)
                for kind, file, rows in made
            ]


@asynccontextmanager
async def _one_instant(url: str) -> AsyncIterator[Connection]:
    """A connection that sees one instant throughout, while no table changes its form."""
    connection = await asyncpg.connect(url, timeout=_CONNECTING_SECONDS, server_settings=_SPELLING)
    try:
        tables = await queries.table_names(connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if held := [table for table in tables if table in ours()]:
                await queries.hold(connection, held)
            if await queries.table_names(connection) != tables:
                raise BackupRefused("The database is just being migrated: try again after that.")
            yield connection
    finally:
        await connection.close()


async def _plan(connection: Connection) -> _Plan:
    revision = await queries.revision(connection)
    if revision is None:
        raise BackupRefused("There is nothing to back up: this database has no tables of ours.")
    if revision not in migrating.known():
        raise BackupRefused(
            f"The database is at version {revision}, which is newer than this program: use the "
            "newer program's xinsheng backup."
        )
    names = await queries.table_names(connection, logged=True)
    tables = [
        Table(name, await queries.columns(connection, name))
        for name in names
        if name in ours() and name not in LEFT_OUT
    ]
    return _Plan(
        revision,
        in_order(tables, await queries.references(connection)),
        await queries.sequences(connection, [table.name for table in tables]),
        [name for name in names if name not in ours()],
    )


async def _write(
    connection: Connection, sealer: Sealer, kind: Kind, plan: _Plan, progress: Progress
) -> dict[str, int]:
    """Write what belongs into a file of this kind; rows by table."""
    rows = {}
    for table in plan.tables:
        if (table.name in KEYS) == (kind == "keys"):
            await asyncio.to_thread(sealer.seal, TABLE, table.encoded())
            sink = _Sink(sealer, table.name, progress)
            rows[table.name] = await queries.copy_out(connection, table, sink.take)
            await sink.seal()
    totals = Totals(rows, plan.sequences if kind == "backup" else {})
    await asyncio.to_thread(sealer.seal, END, totals.encoded(), last=True)
    return rows


class _Sink:
    """Gathers what COPY sends into chunks, and seals them beside the event loop."""

    def __init__(self, sealer: Sealer, table: str, progress: Progress) -> None:
        self._sealer = sealer
        self._table = table
        self._progress = progress
        self._waiting = bytearray()
        self._rows = self._bytes = 0

    async def take(self, text: bytes) -> None:
        """More of the rows."""
        self._waiting += text
        while len(self._waiting) >= CHUNK_BYTES:
            await self.seal()

    async def seal(self) -> None:
        """Seal what waits, up to one chunk of it."""
        chunk = bytes(self._waiting[:CHUNK_BYTES])
        del self._waiting[:CHUNK_BYTES]
        if chunk:
            await asyncio.to_thread(self._sealer.seal, ROWS, chunk)
        self._rows += chunk.count(b"\n")
        self._bytes += len(chunk)
        self._progress(self._table, self._rows, self._bytes)
