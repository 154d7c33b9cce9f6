"""SQL of releases."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.tables import Campaign
from app.core.database import Connection
from app.counts import sums
from app.counts.cells import Cell
from app.counts.tables import CHANNEL
from app.questionnaires.layout import Layout
from app.releases.tables import Release, ReleasedCell


async def lock(session: AsyncSession, campaign_id: int) -> None:
    """Let nobody else make a release of this campaign before this transaction ends."""
    statement = text("SELECT pg_advisory_xact_lock(hashtext('releases'), :id)")
    await session.execute(statement, {"id": campaign_id})


async def announce(session: AsyncSession, campaign_id: int) -> None:
    """Tell all who listen, when this transaction commits, that a campaign has changed."""
    statement = text("SELECT pg_notify(:channel, :message)")
    await session.execute(statement, {"channel": CHANNEL, "message": str(campaign_id)})


async def latest(session: AsyncSession, campaign_id: int) -> Release | None:
    """The release that the public sees."""
    return await session.scalar(
        select(Release)
        .where(Release.campaign_id == campaign_id)
        .order_by(Release.number.desc())
        .limit(1)
    )


async def releases(
    session: AsyncSession, campaign_id: int, *, before: int | None, limit: int
) -> list[Release]:
    """Releases, the newest first: `limit` of them and one more, with numbers below `before`."""
    statement = select(Release).where(Release.campaign_id == campaign_id)
    if before is not None:
        statement = statement.where(Release.number < before)
    found = await session.scalars(statement.order_by(Release.number.desc()).limit(limit + 1))
    return list(found)


_SHOWN = text("""
    SELECT unit_id, population, channel, respondents, last_release IS NULL AS present,
        sums[1] AS counted, CASE WHEN last_release IS NULL THEN sums END AS sums
    FROM released_cells WHERE campaign_id = :campaign_id AND NOT pooled
""")


async def shown(session: AsyncSession, campaign_id: int) -> list[Any]:
    """Every showing of every cell: unit_id, population, channel, respondents, whether it is the
    present one, how many respondents its figures are of (None: hidden), and of the present ones
    the sums."""
    return list(await session.execute(_SHOWN, {"campaign_id": campaign_id}))


_LINES_UP = text("""
    SELECT unit_id, array_agg(ancestor_id ORDER BY depth)
    FROM unit_ancestors
    WHERE unit_id = ANY (:unit_ids) AND depth > 0
    AND ancestor_id IN (SELECT unit_id FROM unit_ancestors WHERE ancestor_id = :region_id)
    GROUP BY 1
""")


async def lines_up(
    session: AsyncSession, unit_ids: Collection[int], region_id: int
) -> dict[int, list[int]]:
    """By unit, the ids of the units above it as far as the region, the nearest first."""
    parameters = {"unit_ids": list(unit_ids), "region_id": region_id}
    found = await session.execute(_LINES_UP, parameters)
    return {unit_id: list(line) for unit_id, line in found}


# As arrays: a province has more cells than a statement can name one by one.
_PUT_BY = text("""
    UPDATE released_cells SET last_release = :last
    FROM unnest(
        CAST(:unit_ids AS int[]), CAST(:populations AS smallint[]), CAST(:channels AS smallint[])
    ) AS gone (unit_id, population, channel)
    WHERE campaign_id = :campaign_id AND last_release IS NULL
    AND (released_cells.unit_id, released_cells.population, released_cells.channel)
        = (gone.unit_id, gone.population, gone.channel)
""")


async def put_by(
    session: AsyncSession, campaign_id: int, cells: Collection[Cell], last: int
) -> None:
    """Note that the present showings of these cells end with this release."""
    parameters = {
        "campaign_id": campaign_id,
        "last": last,
        "unit_ids": [cell.unit_id for cell in cells],
        "populations": [cell.population for cell in cells],
        "channels": [cell.channel for cell in cells],
    }
    await session.execute(_PUT_BY, parameters)


async def insert_cells(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Store new showings."""
    if rows:
        await session.execute(insert(ReleasedCell), rows)


async def due(session: AsyncSession, *, since: datetime) -> list[int]:
    """Ids of campaigns that have been opened, have no final release and none since `since`."""
    final_or_new = exists().where(
        Release.campaign_id == Campaign.id, or_(Release.final, Release.as_of >= since)
    )
    found = await session.scalars(
        select(Campaign.id).where(Campaign.state != "draft", ~final_or_new).order_by(Campaign.id)
    )
    return list(found)


def _group_sql(layout: Layout) -> str:
    return f"""
        WITH within AS MATERIALIZED (SELECT unit_id FROM unit_ancestors WHERE ancestor_id = $2),
        at_level AS MATERIALIZED (
            SELECT line.unit_id, units.code, units.name
            FROM unit_ancestors AS line
            JOIN within ON within.unit_id = line.ancestor_id
            JOIN units ON units.id = line.ancestor_id AND units.kind = $3
        )
        SELECT at_level.code, at_level.name, cells.channel,
            sum(cells.respondents)::bigint AS respondents, {sums.total_sql(layout)} AS sums
        FROM released_cells AS cells
        JOIN within ON within.unit_id = cells.unit_id
        LEFT JOIN at_level ON at_level.unit_id = cells.unit_id
        WHERE campaign_id = $1 AND population = $4 AND first_release <= $5
        AND (last_release IS NULL OR last_release >= $5)
        GROUP BY at_level.code, at_level.name, cells.channel
    """


async def groups(
    connection: Connection,
    release: Release,
    *,
    root_id: int,
    level: str | None,
    population: int,
    layout: Layout,
) -> list[Any]:
    """A release's figures of one population within a unit: unit code and name at the level (None
    for what was given above it), channel, respondents, and sums with nulls where all is hidden."""
    rows: list[Any] = await connection.fetch(
        _group_sql(layout), release.campaign_id, root_id, level, population, release.number
    )
    return rows
