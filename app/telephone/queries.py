"""SQL of the telephone: bare asyncpg where a delivery's thousand rows go in at once."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Connection
from app.units.tables import Unit, subtree

_COLUMNS = (
    "campaign_id",
    "source_id",
    "interview_id",
    "revision",
    "content_mac",
    "submission_id",
    "unit_id",
    "population",
    "disposition",
    "attempts",
    "child",
    "sample_id",
    "interviewer",
    "started_at",
    "ended_at",
    "status",
)


async def lock_deliveries(connection: Connection, campaign_id: int, source_id: int) -> None:
    """Let one delivery of a source to a campaign at a time go on."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext('interviews'), hashtext($1))",
        f"{campaign_id}/{source_id}",
    )


async def unit_ids(
    session: AsyncSession, codes: Collection[str], *, region_id: int, seen_from: int | None
) -> dict[str, int]:
    """The ids, by code, of units in a campaign's region and in the caller's subtree."""
    statement = select(Unit.code, Unit.id).where(
        Unit.code == func.any(list(codes)), Unit.id.in_(subtree(region_id))
    )
    if seen_from is not None:
        statement = statement.where(Unit.id.in_(subtree(seen_from)))
    return {row.code: row.id for row in await session.execute(statement)}


async def revisions(
    connection: Connection, campaign_id: int, source_id: int, interview_ids: Collection[str]
) -> list[Any]:
    """Every stored revision of these interviews of one source, in order of revision."""
    rows: list[Any] = await connection.fetch(
        "SELECT interview_id, revision, content_mac, status FROM interviews "
        "WHERE campaign_id = $1 AND source_id = $2 AND interview_id = ANY($3) ORDER BY revision",
        campaign_id,
        source_id,
        list(interview_ids),
    )
    return rows


async def insert_interviews(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store new revisions of interviews; each row has every column but `received_at`."""
    records = [tuple(row[name] for name in _COLUMNS) for row in rows]
    await connection.copy_records_to_table("interviews", records=records, columns=_COLUMNS)
