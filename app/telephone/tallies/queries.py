"""SQL of tallies, and of the guard that keeps a source from telling of the same people twice."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from asyncpg.exceptions import UniqueViolationError
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import Client
from app.core.database import Connection
from app.telephone.tallies.checking import Row
from app.telephone.tallies.tables import Tally

_COLUMNS = (
    "tally_id",
    "unit_id",
    "population",
    "campaign_id",
    "source_id",
    "channel",
    "day",
    "live",
    "respondents",
    "cells",
)
_MOST_REVISIONS = 1000
_PIECE = 1000
Pairs = Collection[tuple[int, int]]
"""(unit id, position of a population)."""


async def lock_source(connection: Connection, campaign_id: int, source_id: int) -> None:
    """Let one delivery of tallies of a source to a campaign at a time go on."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext('tallies'), hashtext($1))",
        f"{campaign_id}/{source_id}",
    )


async def take(
    connection: Connection, campaign_id: int, source_id: int, pairs: Pairs, kind: str
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Have a source tell of these by `interviews`, or by `tallies`, and no longer in both ways.

    Returns those that it tells of in the other way, and those that are new. Another transaction
    that is just taking one of them is waited for.
    """
    arguments = campaign_id, source_id, *_columns(pairs), kind
    new = await connection.fetch(
        """
        INSERT INTO source_kinds (campaign_id, source_id, unit_id, population, kind)
        SELECT $1, $2, unit_id, population, $5
        FROM unnest($3::int[], $4::smallint[]) AS pair (unit_id, population)
        ORDER BY unit_id, population
        ON CONFLICT DO NOTHING RETURNING unit_id, population
        """,
        *arguments,
    )
    other = await connection.fetch(
        """
        SELECT unit_id, population FROM source_kinds
        JOIN unnest($3::int[], $4::smallint[]) AS pair (unit_id, population)
            USING (unit_id, population)
        WHERE campaign_id = $1 AND source_id = $2 AND kind <> $5
        """,
        *arguments,
    )
    return {tuple(row) for row in other}, {tuple(row) for row in new}


async def give_back(connection: Connection, campaign_id: int, source_id: int, pairs: Pairs) -> None:
    """Take back what `take` has said in this transaction is new."""
    await connection.execute(
        """
        DELETE FROM source_kinds
        USING unnest($3::int[], $4::smallint[]) AS pair (unit_id, population)
        WHERE campaign_id = $1 AND source_id = $2 AND source_kinds.unit_id = pair.unit_id
        AND source_kinds.population = pair.population
        """,
        campaign_id,
        source_id,
        *_columns(pairs),
    )


async def release(connection: Connection, retired_id: int) -> None:
    """Free what a revision that was retired told of, and no live row of its source does.

    Its source must be locked, or a row could come meanwhile.
    """
    await connection.execute(
        """
        DELETE FROM source_kinds AS kept USING tally_rows AS retired
        WHERE retired.tally_id = $1 AND kept.kind = 'tallies'
        AND kept.campaign_id = retired.campaign_id AND kept.source_id = retired.source_id
        AND kept.unit_id = retired.unit_id AND kept.population = retired.population
        AND (
            SELECT true FROM tally_rows AS standing
            WHERE standing.live AND standing.campaign_id = retired.campaign_id
            AND standing.population = retired.population AND standing.unit_id = retired.unit_id
            AND standing.source_id = retired.source_id LIMIT 1
        ) IS NULL
        """,
        retired_id,
    )


def _columns(pairs: Pairs) -> tuple[list[int], list[int]]:
    return [unit_id for unit_id, _ in pairs], [population for _, population in pairs]


async def latest(
    session: AsyncSession, campaign_id: int, source_id: int, batch: str
) -> Tally | None:
    """The latest revision of a batch."""
    found: Tally | None = await session.scalar(_revisions(campaign_id, source_id, batch).limit(1))
    return found


async def revisions(
    session: AsyncSession, campaign_id: int, source_id: int, batch: str
) -> list[Tally]:
    """The revisions of a batch, the latest first."""
    statement = _revisions(campaign_id, source_id, batch).limit(_MOST_REVISIONS)
    return list(await session.scalars(statement))


def _revisions(campaign_id: int, source_id: int, batch: str) -> Select[Any]:
    return (
        select(Tally)
        .where(Tally.campaign_id == campaign_id, Tally.source_id == source_id, Tally.batch == batch)
        .order_by(Tally.revision.desc())
    )


async def retire(connection: Connection, tally_id: int) -> None:
    """Have the rows of a revision count no longer."""
    await connection.execute("UPDATE tally_rows SET live = false WHERE tally_id = $1", tally_id)


async def insert_tally(session: AsyncSession, columns: Mapping[str, Any]) -> Tally:
    """Store a revision, without its rows."""
    tally = Tally(**columns)
    session.add(tally)
    await session.flush()
    return tally


async def insert_rows(connection: Connection, tally: Tally, day: date, rows: Sequence[Row]) -> bool:
    """Store a revision's rows, live; False where another live row is about the same."""
    shared = tally.campaign_id, tally.source_id, tally.channel, day, True
    records = [
        (tally.id, one.unit_id, one.population, *shared, one.respondents, one.cells) for one in rows
    ]
    try:
        async with connection.transaction():
            # In pieces, since each is encoded without a pause.
            for start in range(0, len(records), _PIECE):
                await connection.copy_records_to_table(
                    "tally_rows", records=records[start : start + _PIECE], columns=_COLUMNS
                )
    except UniqueViolationError:
        return False
    return True


async def overlapping(connection: Connection, tally: Tally, pairs: Pairs) -> set[tuple[int, int]]:
    """Those of which a live row of the same source and channel tells already."""
    rows = await connection.fetch(
        """
        SELECT unit_id, population FROM tally_rows
        JOIN unnest($4::int[], $5::smallint[]) AS pair (unit_id, population)
            USING (unit_id, population)
        WHERE live AND campaign_id = $1 AND source_id = $2 AND channel = $3
        """,
        tally.campaign_id,
        tally.source_id,
        tally.channel,
        *_columns(pairs),
    )
    return {tuple(row) for row in rows}


async def nested(connection: Connection, campaign_id: int, source_id: int, most: int) -> list[str]:
    """Codes of units that a source counts below others that it counts too."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT units.code
        FROM tally_rows AS low
        JOIN unit_ancestors AS line ON line.unit_id = low.unit_id AND line.depth > 0
        JOIN units ON units.id = low.unit_id
        WHERE low.live AND low.campaign_id = $1 AND low.source_id = $2
        -- Looked up for each unit above, whatever the planner thinks.
        AND (
            SELECT true FROM tally_rows AS high
            WHERE high.live AND high.campaign_id = $1 AND high.population = low.population
            AND high.unit_id = line.ancestor_id AND high.channel = low.channel
            AND high.source_id = $2
        )
        ORDER BY 1 LIMIT $3
        """,
        campaign_id,
        source_id,
        most,
    )
    return [row["code"] for row in rows]


_CHANGED = """
    WITH changed AS (
        SELECT units.code AS unit, campaign_populations.code AS population,
            former.respondents AS before, present.respondents AS after, (
                SELECT count(*) FROM unnest(former.cells, present.cells) AS cell (old, new)
                WHERE coalesce(old, 0) <> coalesce(new, 0)
            ) AS counts_changed
        FROM (SELECT * FROM tally_rows WHERE tally_id = $1) AS former
        FULL JOIN (SELECT * FROM tally_rows WHERE tally_id = $2) AS present
            USING (campaign_id, unit_id, population)
        JOIN units ON units.id = unit_id
        JOIN campaign_populations USING (campaign_id)
        WHERE campaign_populations.position = population
        AND (former.respondents IS DISTINCT FROM present.respondents
            OR former.cells IS DISTINCT FROM present.cells)
    )
"""


async def changed_in_all(
    connection: Connection, former_id: int | None, tally_id: int
) -> tuple[int, int]:
    """How many rows of a revision are others than in the former one, and how many counts."""
    row = await connection.fetchrow(
        _CHANGED + "SELECT count(*), coalesce(sum(counts_changed), 0)::bigint FROM changed",
        former_id,
        tally_id,
    )
    return row[0], row[1]


async def changed(
    connection: Connection,
    former_id: int | None,
    tally_id: int,
    *,
    after: tuple[str, str] = ("", ""),
    most: int,
) -> list[Any]:
    """Rows of a revision that are others than in the former one, in order of unit and population
    from after a place on: codes, respondents `before` and `after`, `counts_changed`."""
    rows: list[Any] = await connection.fetch(
        _CHANGED + "SELECT * FROM changed WHERE (unit, population) > ($3, $4) "
        "ORDER BY unit, population LIMIT $5",
        former_id,
        tally_id,
        *after,
        most,
    )
    return rows


async def rows_of(
    connection: Connection, tally_id: int, *, after: tuple[str, str], most: int
) -> list[Any]:
    """Rows of a revision in the same order: codes, `position`, `respondents` and `cells`."""
    rows: list[Any] = await connection.fetch(
        """
        SELECT units.code AS unit, campaign_populations.code AS population, position,
            respondents, cells
        FROM tally_rows JOIN units ON units.id = unit_id
        JOIN campaign_populations USING (campaign_id)
        WHERE tally_id = $1 AND position = population
        AND (units.code, campaign_populations.code) > ($2, $3)
        ORDER BY units.code, campaign_populations.code LIMIT $4
        """,
        tally_id,
        *after,
        most,
    )
    return rows


async def batches(
    session: AsyncSession, campaign_id: int, *, source_id: int | None, after: int, limit: int
) -> list[Any]:
    """The latest revision of each batch with its source, in order of arrival: `limit + 1` of them.

    `source_id` None: of all sources.
    """
    newest = select(func.max(Tally.id)).where(Tally.campaign_id == campaign_id)
    if source_id is not None:
        newest = newest.where(Tally.source_id == source_id)
    statement = (
        select(Tally.id, Tally, Client)
        .join(Client, Client.id == Tally.source_id)
        .where(Tally.id.in_(newest.group_by(Tally.source_id, Tally.batch)), Tally.id > after)
    )
    return list(await session.execute(statement.order_by(Tally.id).limit(limit + 1)))


async def note_delivery(connection: Connection, tally: Tally, status: str, sent: int) -> None:
    """Put a delivery on file; `status` is what became of all its rows."""
    await connection.execute(
        """
        INSERT INTO deliveries (campaign_id, source_id, kind, form, name, finished_at,
            sent, accepted, replayed, updated)
        SELECT $1, $2, 'tallies', 'json', $3, now(), $5,
            CASE WHEN $4 = 'accepted' THEN $5 ELSE 0 END,
            CASE WHEN $4 = 'replayed' THEN $5 ELSE 0 END,
            CASE WHEN $4 = 'updated' THEN $5 ELSE 0 END
        """,
        tally.campaign_id,
        tally.source_id,
        tally.batch,
        status,
        sent,
    )
