"""Recounting: whether the running counts are what the rows say, and making them so."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

from asyncpg.exceptions import SerializationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import service as campaigns
from app.core.database import Database, driver_connection
from app.counts import queries
from app.counts.folding import at_one_instant
from app.counts.layouts import layouts_of
from app.counts.origins import queries as by_origin
from app.questionnaires.layout import Layout
from app.responses.tables import Channel

_PATIENCE = 0.2


@dataclass(frozen=True)
class Difference:
    """One group whose running counts are not the sums of its rows."""

    unit: str
    day: date | None
    """None: all days together."""
    below: bool
    channel: int
    flagged: bool
    rows: list[int]
    running: list[int]

    def __str__(self) -> str:
        where = f"below {self.unit}" if self.below else f"given to {self.unit}"
        what = f"{self.day or 'all days'}, {Channel(self.channel).name}"
        doubtful = ", flagged" if self.flagged else ""
        return f"{where}, {what}{doubtful}: the rows say {self.rows}, the counts {self.running}"


@dataclass(frozen=True)
class OriginDifference:
    """A link, batch or contractor whose count is not the sum of the rows that came through it."""

    channel: int
    origin_id: int
    rows: int
    running: int

    def __str__(self) -> str:
        origin = f"through {Channel(self.channel).name} {self.origin_id}"
        return f"{origin}: the rows say {self.rows}, the counts {self.running}"


@dataclass(frozen=True)
class Recount:
    """What was found for one population of a campaign."""

    campaign: str
    population: str
    responses: int
    """How many the running counts have; what is not folded yet is not among them."""
    differences: list[Difference | OriginDifference]


async def check(database: Database) -> AsyncIterator[Recount]:
    """Compare all running counts with the rows, as of one instant; a Recount a population.

    Works beside a running server and changes nothing.
    """
    async with at_one_instant(database) as session:
        for campaign_id, population in await _present(session):
            yield await _recount(session, campaign_id, population)


async def repair(database: Database) -> AsyncIterator[Recount]:
    """The same, and put right what differs, a population at a time; folding waits meanwhile."""
    async with at_one_instant(database) as session:
        present = await _present(session)
    for campaign_id, population in present:
        yield await _repaired(database, campaign_id, population)


async def _repaired(database: Database, campaign_id: int, population: int) -> Recount:
    while True:
        try:
            async with at_one_instant(database) as session:
                if await queries.lock_folding(session):
                    recount = await _recount(session, campaign_id, population)
                    if recount.differences:
                        await _replace(session, campaign_id, population)
                    return recount
        except SerializationError:
            pass  # a folding ended between our first look and our lock
        await asyncio.sleep(_PATIENCE)


async def _replace(session: AsyncSession, campaign_id: int, population: int) -> None:
    connection = await driver_connection(session)
    layout = (await _asked(session, campaign_id, population))[1]
    below = (await queries.state(connection))["folded_below"]
    await queries.drop(connection, campaign_id, population)
    since = queries.BEFORE_ALL
    await queries.fold(connection, campaign_id, population, layout, since=since, below=below)
    await by_origin.drop(connection, campaign_id, population)
    await by_origin.fold(connection, campaign_id, population, since=since, below=below)


async def _present(session: AsyncSession) -> list[tuple[int, int]]:
    return await queries.populations_present(await driver_connection(session))


async def _recount(session: AsyncSession, campaign_id: int, population: int) -> Recount:
    connection = await driver_connection(session)
    code, layout = await _asked(session, campaign_id, population)
    rows = await queries.recounted(connection, campaign_id, population, layout)
    # What lies below what is due to be made anew after a move, and readers don't use it.
    moved = campaign_id in await queries.moved(connection)
    found = [Difference(**row) for row in rows if not (moved and row["below"])]
    of_origins = await by_origin.recounted(connection, campaign_id, population)
    return Recount(
        campaign=await campaigns.code_of(session, campaign_id),
        population=code,
        responses=await queries.responses(connection, campaign_id, population),
        differences=[*found, *(OriginDifference(**row) for row in of_origins)],
    )


async def _asked(session: AsyncSession, campaign_id: int, population: int) -> tuple[str, Layout]:
    populations = await campaigns.populations(session, campaign_id)
    layouts = await layouts_of(session, populations)
    [code] = [one.code for one in populations if one.position == population]
    return code, layouts[population]
