"""Restoring a backup: proved to its end first, then all of it or nothing into an empty database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.ext.asyncio import AsyncSession

from app.backup import queries, register
from app.backup.contents import END, IN_USE, ROWS, TABLE, Table, Totals, ours
from app.backup.sealing import BackupRefused, Chunk, Header, Kind, chunks, read_header
from app.core import migrating
from app.core.database import Connection, Database, driver_connection
from app.core.keyring import Keyring
from app.counts import folding, recounting
from app.installation import prepare
from app.retention.destroying import replay
from app.retention.lists import Entry

Progress = Callable[[str, float], None]
"""Told what is being done and the share of the file, 0 to 1, that is behind."""
_LOOKS_FOR_OTHERS = 10
_PAUSE = 0.5


@dataclass(frozen=True)
class Proved:
    """A file that was read to its end, all of which is as it was written; it stays open."""

    path: Path
    header: Header
    totals: Totals
    keyring: Keyring
    _file: BinaryIO

    def chunks(self, progress: Progress) -> Iterator[Chunk]:
        """What it holds, proved again as it is read. Errors: BackupRefused."""
        yield from _told(self._file, self.keyring, self.path, "Restoring", progress)


@dataclass(frozen=True)
class Restored:
    """What a restore has stored."""

    rows: int
    again: list[Entry]
    """Campaigns whose key the backup still had, and which were destroyed again."""


@dataclass(frozen=True)
class Counted:
    """What the results of a restored database stand on."""

    responses: int
    """Those that count."""
    campaigns: int


@contextmanager
def proved(
    keyring: Keyring, path: Path, keys: Path | None, *, progress: Progress
) -> Iterator[list[Proved]]:
    """A backup, and its keys if given, once every byte was proved; nothing else is touched.

    Errors: BackupRefused for the wrong secret keys, a file that was changed or cut off or is
    something else, keys of another backup, and the backup of a newer program.
    """
    with ExitStack() as stack:
        backup = _prove(stack, keyring, path, "backup", progress)
        if backup.header.revision not in migrating.known():
            raise BackupRefused(
                f"{path} is of version {backup.header.revision}, which is newer than this "
                "program: restore it with the newer program."
            )
        if keys is None:
            yield [backup]
            return
        found = _prove(stack, keyring, keys, "keys", progress)
        if found.header.id != backup.header.id:
            raise BackupRefused(
                f"{keys} has the keys of another backup, of {found.header.created_at}: "
                f"{path} is of {backup.header.created_at}."
            )
        yield [backup, found]


def _prove(
    stack: ExitStack, keyring: Keyring, path: Path, kind: Kind, progress: Progress
) -> Proved:
    file = stack.enter_context(path.open("rb"))
    header, _ = read_header(file, str(path))
    if header.kind != kind:
        raise BackupRefused(
            f"{path} is a file of {header.kind}, where one of {kind} is needed: the backup itself "
            "comes first, the file with its campaigns' keys after --keys."
        )
    rows: dict[str, int] = {}
    table = ""
    for chunk in _told(file, keyring, path, "Checking", progress):
        if chunk.kind == TABLE:
            table = Table.decoded(chunk.payload).name
            rows[table] = 0
        elif chunk.kind == ROWS:
            rows[table] += chunk.payload.count(b"\n")
    if chunk.kind != END or Totals.decoded(chunk.payload).rows != rows:
        raise BackupRefused(f"{path} has not as many rows as it says: report this.")
    return Proved(path, header, Totals.decoded(chunk.payload), keyring, file)


def _told(
    file: BinaryIO, keyring: Keyring, path: Path, what: str, progress: Progress
) -> Iterator[Chunk]:
    size = path.stat().st_size or 1
    for chunk in chunks(file, keyring, str(path)):
        yield chunk
        progress(f"{what} {path.name}", file.tell() / size)


async def restore(
    url: str, backup: list[Proved], *, progress: Progress, listed: Collection[Entry] = ()
) -> Restored:
    """Store what `proved` gave, all of it in one transaction, and migrate it to this version.

    `listed`: destructions, which are done again in the same transaction. Errors: BackupRefused
    where the database holds something or is in use; asyncpg's and SQLAlchemy's where it fails.
    Nothing is stored then.
    """
    database = Database(url, keyring=backup[0].keyring, pool_size=1)
    try:
        async with database.sessions.begin() as session:
            await _be_alone(session)
            raw = await driver_connection(session)
            await queries.without_limits(raw)
            await _make_way(raw)
            connection = await session.connection()
            await connection.run_sync(migrating.upgrade, backup[0].header.revision)
            await _load(raw, backup, progress)
            await connection.run_sync(migrating.upgrade)
            again = await replay(session, listed)
            for folder in {one.path.parent for one in backup}:
                await register.look(raw, backup[0].keyring, folder)
            await folding.begin_anew(session)
            await queries.analyze(raw, await queries.table_names(raw, logged=True))
    finally:
        await database.close()
    return Restored(sum(sum(one.totals.rows.values()) for one in backup), again)


async def _be_alone(session: AsyncSession) -> None:
    """See that nobody else uses the database, nor begins to. Errors: BackupRefused."""
    for _ in range(_LOOKS_FOR_OTHERS):
        if await migrating.alone(session):
            others = await queries.other_servers(await driver_connection(session))
            if not others:
                return
        await asyncio.sleep(_PAUSE)  # who has just ended, or was killed, may still be leaving
    raise BackupRefused("A server or a command is using this database: stop it, then restore.")


async def _make_way(connection: Connection) -> None:
    """Drop the tables of a database that was made but never used. Errors: BackupRefused."""
    tables = await queries.table_names(connection)
    if strangers := sorted(set(tables) - ours()):
        raise BackupRefused(
            f"The database has tables that are not ours ({', '.join(strangers[:3])}): restore "
            "into a database of its own."
        )
    if used := await queries.used(connection, [one for one in IN_USE if one in tables]):
        raise BackupRefused(
            f"The database is not empty (it has {', '.join(used)}), and a restore changes nothing "
            "that is there: choose a new --data-dir or an empty database. What you no longer need "
            "you can move away yourself."
        )
    await queries.drop(connection, tables)


async def _load(connection: Connection, backup: list[Proved], progress: Progress) -> None:
    triggers = await queries.still_triggers(connection)
    for part in backup:
        # What migrations put there is in the backup too, if anybody has kept it.
        for table in reversed(part.totals.rows):
            await queries.clear(connection, table)
    for part in backup:
        stored = await _copy(connection, _Chunks(part.chunks(progress)))
        if stored != part.totals.rows:
            raise BackupRefused(f"{part.path} changed while it was read: try again.")
        for sequence, last in part.totals.sequences.items():
            await queries.set_sequence(connection, sequence, last)
    await queries.fire_again(connection, triggers)


class _Chunks:
    """The chunks of a file one after the other, read beside the event loop."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self.present = Chunk(b"", b"", False)

    async def step(self) -> Chunk:
        """Go on to the next chunk."""
        found = await asyncio.to_thread(next, self._chunks, None)
        assert found is not None, "the last one says that it is"
        self.present = found
        return found

    async def rows(self) -> AsyncIterator[bytes]:
        """The rows that follow, up to a chunk that is something else."""
        while (await self.step()).kind == ROWS:
            yield self.present.payload


async def _copy(connection: Connection, source: _Chunks) -> dict[str, int]:
    stored = {}
    await source.step()
    while source.present.kind == TABLE:
        table = Table.decoded(source.present.payload)
        stored[table.name] = await queries.copy_in(connection, table, source.rows())
    return stored


async def count(url: str) -> Counted:
    """Make a restored database ready to be served, fold everything, and prove the counts.

    Can be run again. Errors: BackupRefused where they don't come out; asyncpg's and SQLAlchemy's.
    """
    await prepare(url)
    database = Database(url, pool_size=1)
    try:
        while True:
            folded = await folding.fold(database)
            if folded is not None and folded.caught_up:
                break
            if folded is None:
                await asyncio.sleep(_PAUSE)
        return await _proved_counts(database)
    finally:
        await database.close()


async def _proved_counts(database: Database) -> Counted:
    responses = 0
    campaigns = set()
    async for one in recounting.check(database):
        responses += one.responses
        campaigns.add(one.campaign)
        if one.differences:
            raise BackupRefused(
                f"The counts of {one.campaign} are not what its rows say: xinsheng recount shows "
                "where. Everything is restored, but don't serve it before this is understood."
            )
    return Counted(responses, len(campaigns))
