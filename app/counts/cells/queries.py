"""SQL of counts by cell, beside that of the running counts."""

from collections.abc import Mapping
from typing import Any

from app.core.database import Connection
from app.counts import sums
from app.counts.queries import UNFOLDED, votes_sql
from app.questionnaires.layout import Layout


async def cells(
    connection: Connection, campaign_id: int, layouts: Mapping[int, Layout]
) -> list[Any]:
    """Unit id, population, channel and sums; several rows a cell, all of one instant."""
    parts = [
        part(population, layout)
        for population, layout in layouts.items()
        for part in (_unfolded, _tallies)
    ]
    rows: list[Any] = await connection.fetch(
        f"""
        SELECT unit_id, population, channel, sums FROM running_counts
        WHERE campaign_id = $1 AND day = 'infinity' AND NOT below
        AND population = ANY ($2::smallint[])
        {"".join(f"UNION ALL {one}" for one in parts)}
        """,
        campaign_id,
        list(layouts),
    )
    return rows


def _unfolded(population: int, layout: Layout) -> str:
    condition = f"{UNFOLDED} AND campaign_id = $1 AND population = {population:d}"
    return f"""
        SELECT unit_id, {population:d}, channel, {sums.array_sql(layout)}
        FROM ({votes_sql(layout, condition)}) AS fresh GROUP BY unit_id, channel
    """


def _tallies(population: int, layout: Layout) -> str:
    return f"""
        SELECT unit_id, {population:d}, channel, {sums.tally_sql(layout)}::bigint[]
        FROM tally_rows WHERE live AND campaign_id = $1 AND population = {population:d}
        GROUP BY unit_id, channel
    """
