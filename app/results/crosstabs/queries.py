"""SQL of cross-tabs."""

from collections.abc import Sequence
from typing import Any

from asyncpg.exceptions import QueryCanceledError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

Line = tuple[int, int, int, int]
"""A line's number, and when a response is in it: the byte among the question's, mask, value."""

# Grouped by what the questions' bytes hold, then one question after the other is told apart into
# its lines: a person who chose several is in several. What was taken back cancels itself out.
_TABLE = text("""
    WITH
    within AS MATERIALIZED (SELECT unit_id FROM unit_ancestors WHERE ancestor_id = :root_id),
    said AS (
        SELECT substring(answers, :row_from, :row_size) AS row_bytes,
            substring(answers, :column_from, :column_size) AS column_bytes, sum(sign) AS times
        FROM responses
        WHERE campaign_id = :campaign_id AND population = :population
        AND unit_id IN (SELECT unit_id FROM within)
        AND (CAST(:channel AS smallint) IS NULL OR channel = :channel)
        AND (NOT :clean OR quality IS NULL)
        GROUP BY 1, 2 HAVING sum(sign) <> 0
    ),
    half AS (
        SELECT lines.number AS row_line, column_bytes, sum(times) AS times
        FROM said JOIN unnest(
            CAST(:row_numbers AS int[]), CAST(:row_bytes AS int[]),
            CAST(:row_masks AS int[]), CAST(:row_values AS int[])
        ) AS lines (number, byte, mask, value) ON get_byte(row_bytes, byte) & mask = value
        GROUP BY 1, 2
    )
    SELECT row_line, lines.number AS column_line, sum(times)::bigint AS times
    FROM half JOIN unnest(
        CAST(:column_numbers AS int[]), CAST(:column_bytes AS int[]),
        CAST(:column_masks AS int[]), CAST(:column_values AS int[])
    ) AS lines (number, byte, mask, value) ON get_byte(column_bytes, byte) & mask = value
    GROUP BY 1, 2
""")


async def limit_time(session: AsyncSession, seconds: float) -> None:
    """Let this transaction's statements take no longer."""
    statement = text("SELECT set_config('statement_timeout', :limit, true)")
    await session.execute(statement, {"limit": f"{seconds * 1000:.0f}ms"})


async def table(
    session: AsyncSession,
    campaign_id: int,
    population: int,
    *,
    rows: tuple[int, int, Sequence[Line]],
    columns: tuple[int, int, Sequence[Line]],
    root_id: int,
    channel: int | None,
    clean: bool,
) -> list[Any]:
    """How many are in each line of `rows` and of `columns`: `row_line`, `column_line`, `times`.

    Each question: its first slot, its slots, its lines. Reads every response of the population.
    Errors: TimeoutError for what takes longer than it may.
    """
    parameters: dict[str, Any] = {
        "campaign_id": campaign_id,
        "population": population,
        "root_id": root_id,
        "channel": channel,
        "clean": clean,
    }
    for name, (slot, size, lines) in (("row", rows), ("column", columns)):
        numbers, places, masks, values = (list(part) for part in zip(*lines, strict=True))
        parameters |= {
            f"{name}_from": slot + 1,
            f"{name}_size": size,
            f"{name}_numbers": numbers,
            f"{name}_bytes": places,
            f"{name}_masks": masks,
            f"{name}_values": values,
        }
    try:
        return list(await session.execute(_TABLE, parameters))
    except DBAPIError as error:
        if error.orig is not None and isinstance(error.orig.__cause__, QueryCanceledError):
            raise TimeoutError from error
        raise
