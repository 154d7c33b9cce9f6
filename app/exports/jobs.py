"""Making files: read from one state of the database, written beside it, then kept in it whole."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.database import Database
from app.exports import queries, responses, results
from app.exports.columns import codebook
from app.exports.files import Writer, writer
from app.exports.folders import folder
from app.exports.material import Material
from app.exports.note import note
from app.exports.schemas import ExportIn, ResponsesExportIn, ResultsExportIn
from app.exports.service import CHUNK, MOST_KEPT, url_of
from app.jobs.running import Handler, Running

KEPT = timedelta(days=7)
_REQUEST: TypeAdapter[ResponsesExportIn | ResultsExportIn] = TypeAdapter(ExportIn)
_NOTED = 20_000
"""Rows between two notes of how far it is."""


def exports(reading: Database, data_dir: Path) -> Handler:
    """What makes files; `done` counts rows that were read, of the best try.

    Nothing is kept of a try that was cut short: the next one begins again.
    """

    async def handle(database: Database, running: Running) -> dict[str, Any]:
        return await _Making(database, reading, data_dir, running).made()

    return handle


async def forget(database: Database) -> None:
    """What workers do from time to time: forget files whose time is over."""
    async with database.sessions.begin() as session:
        await queries.forget_expired(session)


@dataclass(frozen=True)
class _Written:
    """A file that is whole."""

    path: Path
    rows: int
    size: int
    sha256: bytes
    material: Material
    campaign: str
    """Its code."""
    erased_at: datetime | None
    """When what leads to persons was erased of its campaign, as it was read."""


class _Making:
    def __init__(
        self, database: Database, reading: Database, data_dir: Path, running: Running
    ) -> None:
        self._database = database
        self._reading = reading
        self._data_dir = data_dir
        self._running = running
        self._request = _REQUEST.validate_python(running.parameters["request"])

    async def made(self) -> dict[str, Any]:
        """Make the file and keep it; the job's result. Errors: as those of what it holds."""
        async with _folder(self._data_dir) as place:
            path = place / f"export.{self._request.format}"
            file = await asyncio.to_thread(writer, self._request.format, path)
            try:
                written = await self._write(file, path)
            except BaseException:
                await asyncio.to_thread(file.abandon)
                raise
            return await self._keep(written)

    async def _write(self, file: Writer, path: Path) -> _Written:
        async with self._reading.snapshot() as session:
            campaign = await session.get(Campaign, self._running.campaign_id)
            if campaign is None:
                raise RuntimeError("the replica does not have the campaign yet: once more")
            material = await self._gathered(session, campaign)
            await self._note(self._running.done, material.total)
            rows = await self._write_tables(file, material)
        told = note(campaign, self._request, material, rows)
        lines = codebook(material.tables)
        await asyncio.to_thread(file.finish, lines, told)
        size, digest = await asyncio.to_thread(_measured, path)
        return _Written(
            path,
            sum(rows.values()),
            size,
            digest,
            material,
            campaign.code,
            campaign.erased_at,
        )

    async def _gathered(self, session: AsyncSession, campaign: Campaign) -> Material:
        caller = self._running.caller
        if isinstance(self._request, ResponsesExportIn):
            return await responses.gathered(session, caller, campaign, self._request)
        return await results.gathered(session, caller, campaign, self._request)

    async def _write_tables(self, file: Writer, material: Material) -> dict[str, int]:
        rows: dict[str, int] = {}
        done = noted = 0
        for table in material.tables:
            rows[table.name] = 0
            await asyncio.to_thread(file.begin, table)
            async with aclosing(material.rows(table)) as batches:
                async for batch in batches:
                    await asyncio.to_thread(file.write, batch)
                    rows[table.name] += len(batch[0])
                    done += len(batch[0])
                    if done >= noted + _NOTED:
                        noted = done
                        await self._note(done, material.total)
        return rows

    async def _note(self, done: int, total: int | None) -> None:
        # Never back: rows that were read before are no progress that would earn another try.
        async with self._database.sessions.begin() as session:
            await self._running.advance(session, done=max(done, self._running.done), total=total)

    async def _keep(self, written: _Written) -> dict[str, Any]:
        running = self._running
        assert running.campaign_id is not None
        expires_at = clock.now() + KEPT
        async with self._database.sessions.begin() as session:
            await running.advance(session, done=written.rows, total=written.rows)
            await self._store(session, written, expires_at)
            # Held from here on: an erasure comes before and is seen, or after and finds the file.
            campaign = await queries.held(session, running.campaign_id)
            if campaign.erased_at != written.erased_at:
                raise RuntimeError("the campaign was erased meanwhile: once more")
            await queries.forget_all_but(session, running.caller.id, most=MOST_KEPT)
            audit.record(
                session,
                running.caller,
                "export.make",
                str(running.id),
                campaign=campaign.code,
                **self._request.model_dump(mode="json", exclude_none=True),
                rows=written.rows,
            )
        return {
            "export": url_of(running.id),
            "file": f"{url_of(running.id)}/file",
            "rows": written.rows,
            "size": written.size,
            "sha256": written.sha256.hex(),
            "expires_at": expires_at.isoformat(),
        }

    async def _store(self, session: AsyncSession, written: _Written, expires_at: datetime) -> None:
        running, material = self._running, written.material
        await queries.keep(
            session,
            {
                "id": running.id,
                "client_id": running.caller.id,
                "campaign_id": running.campaign_id,
                "content": self._request.content,
                "format": self._request.format,
                "exact": material.exact,
                "file_name": self._file_name(written),
                "rows": written.rows,
                "size": written.size,
                "sha256": written.sha256,
                "as_of": material.as_of,
                "expires_at": expires_at,
            },
        )
        for number in range(-(-written.size // CHUNK)):
            body = await asyncio.to_thread(_piece, written.path, number)
            await queries.keep_chunk(session, running.id, number, body)

    def _file_name(self, written: _Written) -> str:
        ending = "xlsx" if self._request.format == "xlsx" else f"{self._request.format}.zip"
        day = clock.day_of(written.material.as_of).strftime("%Y%m%d")
        return f"{written.campaign}-{self._request.content}-{day}.{ending}"


@asynccontextmanager
async def _folder(data_dir: Path) -> AsyncIterator[Path]:
    """A folder for what is being made, made and removed beside the loop."""
    context = folder(data_dir)
    place = await asyncio.to_thread(context.__enter__)
    try:
        yield place
    finally:
        await asyncio.shield(asyncio.to_thread(context.__exit__, None, None, None))


def _measured(path: Path) -> tuple[int, bytes]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.digest()


def _piece(path: Path, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek(number * CHUNK)
        return file.read(CHUNK)
