"""SQL of running counts: folding, recounting, beginning anew.

Bare asyncpg, and SQL put together from layouts: every number in it is ours.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import Connection
from app.counts import sums
from app.counts.tables import CHANNEL
from app.questionnaires.layout import Layout

BEFORE_ALL = -(1 << 63)
"""Below every transaction."""
DAY_SQL = f"(answered_at AT TIME ZONE '{clock.SHANGHAI.key}')::date"
_LOCK = "hashtext('folding')"
# A lower bound alone is taken for a third of the table, and the table read whole: so both.
UNFOLDED = f"""
    transaction_id >> 4 BETWEEN (SELECT folded_below >> 4 FROM folding) AND {(1 << 59) - 1}
    AND transaction_id >= (SELECT folded_below FROM folding)
"""
IN_RANGE = """
    transaction_id >> 4 BETWEEN $3::bigint >> 4 AND $4::bigint >> 4
    AND transaction_id >= $3 AND transaction_id < $4
"""


def votes_sql(layout: Layout, condition: str) -> str:
    """SQL of the ledger's rows with their votes, p and v as `sums` has them."""
    # The offset keeps p and v from being worked out anew for each sum that they are in.
    return f"""
        SELECT unit_id, channel, quality IS NOT NULL AS flagged, answered_at, sign, answers,
            {sums.positive_sql(layout)} AS positive, {sums.counted_sql(layout)} AS counted
        FROM responses WHERE {condition} OFFSET 0
    """


def _spread(layout: Layout, condition: str) -> str:
    """Sums of ledger rows, as `running_counts` has them."""
    return f"""
        WITH fresh AS MATERIALIZED (
            SELECT unit_id, channel, flagged, {DAY_SQL} AS day, {sums.array_sql(layout)} AS sums
            FROM ({votes_sql(layout, condition)}) AS one GROUP BY 1, 2, 3, 4
        ),
        placed AS (
            SELECT line.ancestor_id AS unit_id, line.depth > 0 AS below, channel, flagged, day,
                sums
            FROM fresh JOIN unit_ancestors AS line USING (unit_id)
        )
        SELECT unit_id, coalesce(day, 'infinity') AS day, below, channel, flagged,
            {sums.total_sql(layout)} AS sums
        FROM placed GROUP BY GROUPING SETS (
            (unit_id, below, channel, flagged, day), (unit_id, below, channel, flagged)
        )
    """


_ADD = """
    INSERT INTO running_counts AS standing (
        campaign_id, population, unit_id, day, below, channel, flagged, sums
    )
    SELECT $1, $2, unit_id, day, below, channel, flagged, sums FROM ({spread}) AS spread
    ON CONFLICT (campaign_id, unit_id, day, below, population, channel, flagged) DO UPDATE
    SET sums = ARRAY(SELECT a + b FROM unnest(standing.sums, excluded.sums) AS each (a, b))
"""
OF_POPULATION = "campaign_id = $1 AND population = $2 AND "


async def fold(
    connection: Connection,
    campaign_id: int,
    population: int,
    layout: Layout,
    *,
    since: int,
    below: int,
) -> None:
    """Add the rows of the transactions from `since` to before `below` to the running counts."""
    spread = _spread(layout, OF_POPULATION + IN_RANGE)
    await connection.execute(_ADD.format(spread=spread), campaign_id, population, since, below)


async def lock_folding(session: AsyncSession) -> bool:
    """Let nobody else fold until this transaction ends; False where somebody does just now."""
    return bool(await session.scalar(text(f"SELECT pg_try_advisory_xact_lock({_LOCK})")))


async def without_time_limit(session: AsyncSession) -> None:
    """Let the statements of this transaction take as long as they need."""
    await session.execute(text("SET LOCAL statement_timeout = 0"))


async def state(connection: Connection) -> Any:
    """How far the ledger is folded, and the transactions that are finished, and begun, by now."""
    return await connection.fetchrow("""
        SELECT folding.*, now() AS now,
            pg_snapshot_xmin(present)::text::bigint AS finished_below,
            pg_snapshot_xmax(present)::text::bigint AS begun_below
        FROM folding, pg_current_snapshot() AS present
    """)


async def end_folding(
    connection: Connection,
    *,
    folded_below: int,
    seen_below: int,
    seen_at: datetime,
    folded_until: datetime,
) -> None:
    """Note how far the ledger is folded."""
    await connection.execute(
        "UPDATE folding SET folded_below = $1, seen_below = $2, seen_at = $3, folded_until = $4",
        folded_below,
        seen_below,
        seen_at,
        folded_until,
    )


async def announce(connection: Connection, campaign_id: int) -> None:
    """Tell all who listen, when this transaction commits, that a campaign's counts have changed."""
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, str(campaign_id))


async def nth_unfolded(connection: Connection, since: int, n: int) -> int | None:
    """The transaction of about the nth row from `since` on; None where there are fewer."""
    found: int | None = await connection.fetchval(
        "SELECT ((transaction_id >> 4) + 1) << 4 FROM responses "
        f"WHERE transaction_id >> 4 BETWEEN $1::bigint >> 4 AND {(1 << 59) - 1} "
        "ORDER BY transaction_id >> 4 OFFSET $2 LIMIT 1",
        since,
        n,
    )
    return found


async def present_in(connection: Connection, *, since: int, below: int) -> list[tuple[int, int]]:
    """(campaign, population) of the rows of these transactions."""
    condition = IN_RANGE.replace("$3", "$1").replace("$4", "$2")
    rows = await connection.fetch(
        f"SELECT DISTINCT campaign_id, population FROM responses WHERE {condition}", since, below
    )
    return [(row["campaign_id"], row["population"]) for row in rows]


async def populations_present(connection: Connection) -> list[tuple[int, int]]:
    """(campaign, population) of everything that has rows or running counts."""
    rows = await connection.fetch("""
        SELECT campaign_id, population FROM responses
        UNION SELECT campaign_id, population FROM running_counts
        UNION SELECT campaign_id, population FROM origin_counts ORDER BY 1, 2
    """)
    return [(row["campaign_id"], row["population"]) for row in rows]


async def moved(connection: Connection) -> list[int]:
    """Campaigns whose sums below were made for another shape of the tree."""
    rows = await connection.fetch("""
        SELECT campaign_id FROM folded_campaigns JOIN unit_tree ON moves <> tree_moves
        ORDER BY 1
    """)
    return [row["campaign_id"] for row in rows]


async def note_tree(connection: Connection, campaign_id: int) -> None:
    """Note that a campaign's sums below are made for the present tree."""
    await connection.execute(
        """
        INSERT INTO folded_campaigns SELECT $1, moves FROM unit_tree
        ON CONFLICT (campaign_id) DO UPDATE SET tree_moves = excluded.tree_moves
        """,
        campaign_id,
    )


async def sum_below(
    connection: Connection, campaign_id: int, layouts: Mapping[int, Layout]
) -> None:
    """Make a campaign's sums below anew, from those of the units by themselves."""
    await connection.execute(
        "DELETE FROM running_counts WHERE campaign_id = $1 AND below", campaign_id
    )
    for population, layout in layouts.items():
        await connection.execute(
            f"""
            INSERT INTO running_counts
                (campaign_id, population, unit_id, day, below, channel, flagged, sums)
            SELECT $1, $2, ancestor_id, day, true, channel, flagged, {sums.total_sql(layout)}
            FROM running_counts JOIN unit_ancestors USING (unit_id)
            WHERE campaign_id = $1 AND population = $2 AND NOT below AND depth > 0
            GROUP BY ancestor_id, day, channel, flagged
            """,
            campaign_id,
            population,
        )


async def drop(connection: Connection, campaign_id: int, population: int) -> None:
    """Throw a population's running counts away."""
    await connection.execute(
        "DELETE FROM running_counts WHERE campaign_id = $1 AND population = $2",
        campaign_id,
        population,
    )


async def recounted(
    connection: Connection, campaign_id: int, population: int, layout: Layout
) -> list[Any]:
    """Groups whose running counts are not the sums of their folded rows: `rows` and `running`."""
    condition = OF_POPULATION + "transaction_id < (SELECT folded_below FROM folding)"
    rows: list[Any] = await connection.fetch(
        f"""
        WITH expected AS ({_spread(layout, condition)}),
        standing AS (
            SELECT unit_id, day, below, channel, flagged, sums FROM running_counts
            WHERE campaign_id = $1 AND population = $2
        ),
        nothing AS (SELECT array_fill(0::bigint, ARRAY[$3::int]) AS sums)
        SELECT units.code AS unit, nullif(day, 'infinity') AS day, below, channel, flagged,
            coalesce(expected.sums, nothing.sums) AS rows,
            coalesce(standing.sums, nothing.sums) AS running
        FROM expected FULL JOIN standing USING (unit_id, day, below, channel, flagged)
        CROSS JOIN nothing JOIN units ON units.id = unit_id
        WHERE coalesce(expected.sums, nothing.sums) <> coalesce(standing.sums, nothing.sums)
        ORDER BY unit_id, below, channel, flagged, day DESC
        """,
        campaign_id,
        population,
        sums.width(layout),
    )
    return rows


async def responses(connection: Connection, campaign_id: int, population: int) -> int:
    """Responses of a population that the running counts have."""
    found: int = await connection.fetchval(
        "SELECT coalesce(sum(sums[1]), 0)::bigint FROM running_counts "
        "WHERE campaign_id = $1 AND population = $2 AND day = 'infinity' AND NOT below",
        campaign_id,
        population,
    )
    return found


async def lag(session: AsyncSession, *, most: int) -> dict[str, Any]:
    """`seconds` since everything was folded, and `rows` that are not, counted up to `most`."""
    statement = f"""
        SELECT extract(epoch FROM now() - folded_until)::float AS seconds, (
            SELECT count(*) FROM (SELECT FROM responses WHERE {UNFOLDED} LIMIT :most) AS unfolded
        ) AS rows
        FROM folding
    """
    return dict((await session.execute(text(statement), {"most": most})).mappings().one())


async def moved_here(session: AsyncSession) -> bool:
    """Whether the rows name transactions of another PostgreSQL cluster than the present one."""
    return bool(
        await session.scalar(
            text("SELECT server <> system_identifier FROM folding, pg_control_system()")
        )
    )


_OURS = "claims", "responses", "response_texts"
_COUNTED = "running_counts", "origin_counts", "folded_campaigns"
_PUT_BEFORE = """
    UPDATE {table} SET transaction_id = transaction_id - (1::bigint << 62)
    WHERE transaction_id >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
"""


async def begin_anew(session: AsyncSession) -> None:
    """Throw all running counts away, and make every row one that is to be folded."""
    for statement in (
        # While nobody writes: what is being written has its proper transaction.
        f"LOCK TABLE {', '.join(_OURS)} IN SHARE ROW EXCLUSIVE MODE",
        # Before all transactions of here; together, since they find each other by it.
        *(_PUT_BEFORE.format(table=table) for table in _OURS),
        *(f"DELETE FROM {table}" for table in _COUNTED),
        f"UPDATE folding SET folded_below = {BEFORE_ALL}, seen_below = {BEFORE_ALL}, "
        "server = (SELECT system_identifier FROM pg_control_system())",
    ):
        await session.execute(text(statement))
