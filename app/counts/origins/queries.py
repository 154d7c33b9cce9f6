"""SQL of counts by origin: bare asyncpg, beside that of the running counts."""

from collections.abc import Collection
from typing import Any

from app.core.database import Connection
from app.counts.queries import IN_RANGE, OF_POPULATION, UNFOLDED

_OF_ORIGINS = "campaign_id = $1 AND channel = ANY ($2::smallint[]) AND origin_id = ANY ($3::int[])"


async def answered(
    connection: Connection, campaign_id: int, channels: Collection[int], origin_ids: Collection[int]
) -> dict[int, int]:
    """Counted responses of those origins that have rows; folded or not, in one statement."""
    rows = await connection.fetch(
        f"""
        SELECT origin_id, sum(responses)::bigint AS responses
        FROM (
            SELECT origin_id, responses FROM origin_counts WHERE {_OF_ORIGINS}
            UNION ALL
            SELECT origin_id, sign FROM responses WHERE {UNFOLDED} AND {_OF_ORIGINS}
        ) AS both_parts GROUP BY 1
        """,
        campaign_id,
        list(channels),
        list(origin_ids),
    )
    return {row["origin_id"]: row["responses"] for row in rows}


async def fold(
    connection: Connection, campaign_id: int, population: int, *, since: int, below: int
) -> None:
    """Add the rows of the transactions from `since` to before `below` to the counts."""
    await connection.execute(
        f"""
        INSERT INTO origin_counts AS standing (
            campaign_id, population, channel, origin_id, responses
        )
        SELECT $1, $2, channel, origin_id, sum(sign) FROM responses
        WHERE {OF_POPULATION} {IN_RANGE} AND origin_id IS NOT NULL
        GROUP BY channel, origin_id HAVING sum(sign) <> 0
        ON CONFLICT (campaign_id, origin_id, channel, population) DO UPDATE
        SET responses = standing.responses + excluded.responses
        """,
        campaign_id,
        population,
        since,
        below,
    )


async def drop(connection: Connection, campaign_id: int, population: int) -> None:
    """Throw a population's counts away."""
    await connection.execute(
        "DELETE FROM origin_counts WHERE campaign_id = $1 AND population = $2",
        campaign_id,
        population,
    )


async def recounted(connection: Connection, campaign_id: int, population: int) -> list[Any]:
    """Origins whose counts are not the sums of their folded rows: `rows` and `running`."""
    rows: list[Any] = await connection.fetch(
        f"""
        WITH expected AS (
            SELECT channel, origin_id, sum(sign) AS responses FROM responses
            WHERE {OF_POPULATION} transaction_id < (SELECT folded_below FROM folding)
            AND origin_id IS NOT NULL GROUP BY 1, 2
        ),
        standing AS (
            SELECT channel, origin_id, responses FROM origin_counts
            WHERE campaign_id = $1 AND population = $2
        )
        SELECT channel, origin_id, coalesce(expected.responses, 0)::bigint AS rows,
            coalesce(standing.responses, 0) AS running
        FROM expected FULL JOIN standing USING (channel, origin_id)
        WHERE coalesce(expected.responses, 0) <> coalesce(standing.responses, 0)
        ORDER BY channel, origin_id
        """,
        campaign_id,
        population,
    )
    return rows
