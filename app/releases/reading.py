"""Reading a release: its figures, grouped as live results are."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import driver_connection
from app.counts.selection import Counted
from app.questionnaires.layout import Layout
from app.releases import queries
from app.releases.tables import Release


class Released(NamedTuple):
    """What a release says of one group."""

    counted: Counted
    """The sums of the cells that are shown; empty where none is. Never by day."""
    respondents: int
    """Of all cells, shown or hidden."""


async def released(
    session: AsyncSession,
    release: Release,
    *,
    root_id: int,
    level: str | None,
    layouts: Mapping[int, Layout],
) -> list[Released]:
    """A release's groups by unit at the level, population and channel, in any order.

    `level` None: all units of the root's subtree together.
    """
    connection = await driver_connection(session)
    found: list[Released] = []
    for population, layout in layouts.items():
        rows = await queries.groups(
            connection,
            release,
            root_id=root_id,
            level=level,
            population=population,
            layout=layout,
        )
        found += [
            Released(
                Counted(
                    row["code"],
                    row["name"],
                    population,
                    row["channel"],
                    None,
                    row["sums"] if row["sums"][0] is not None else (),
                ),
                row["respondents"],
            )
            for row in rows
        ]
    return found
