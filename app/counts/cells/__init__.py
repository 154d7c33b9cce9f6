"""Counts by cell: what was given to each unit itself, by population and channel."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import driver_connection
from app.counts import sums
from app.counts.cells import queries
from app.questionnaires.layout import Layout


class Cell(NamedTuple):
    """The smallest group that is counted apart."""

    unit_id: int
    population: int
    channel: int


async def cells_of(
    session: AsyncSession, campaign_id: int, layouts: Mapping[int, Layout]
) -> dict[Cell, list[int]]:
    """The sums of every cell that has respondents, all of one instant; see `sums`."""
    if not layouts:
        return {}
    parts: dict[Cell, list[Sequence[int]]] = defaultdict(list)
    connection = await driver_connection(session)
    for *cell, numbers in await queries.cells(connection, campaign_id, layouts):
        parts[Cell(*cell)].append(numbers)
    added = {cell: sums.added(some) for cell, some in parts.items()}
    # What was withdrawn leaves zeros behind.
    return {cell: numbers for cell, numbers in added.items() if any(numbers)}
