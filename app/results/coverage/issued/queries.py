"""SQL of what was handed out."""

from typing import Any

from sqlalchemy import delete, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.tables import CampaignPopulation
from app.results.coverage.issued.tables import IssuedQuestionnaires
from app.units.tables import Unit, subtree

Key = tuple[int, int, int, int]
"""Campaign, population, unit, channel."""


async def put(session: AsyncSession, key: Key, count: int) -> bool:
    """State a number, or another; whether there was none before."""
    campaign_id, population, unit_id, channel = key
    statement = insert(IssuedQuestionnaires).values(
        campaign_id=campaign_id,
        population=population,
        unit_id=unit_id,
        channel=channel,
        count=count,
    )
    created = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=["campaign_id", "population", "unit_id", "channel"],
            set_={"count": statement.excluded.count},
        ).returning(literal_column("xmax = 0"))
    )
    return bool(created)


async def take_back(session: AsyncSession, key: Key) -> None:
    """State nothing any more."""
    table = IssuedQuestionnaires
    columns = table.campaign_id, table.population, table.unit_id, table.channel
    await session.execute(
        delete(table).where(*(column == one for column, one in zip(columns, key, strict=True)))
    )


async def stated(
    session: AsyncSession,
    campaign_id: int,
    *,
    root_id: int,
    after: tuple[str, int, int] | None,
    limit: int,
) -> list[Any]:
    """What is stated within a unit's subtree, by unit code, population and channel: `limit + 1`
    rows, so that the end shows."""
    table = IssuedQuestionnaires
    order = Unit.code, table.population, table.channel
    statement = (
        select(
            Unit.code.label("unit"),
            table.population.label("position"),
            CampaignPopulation.code.label("population"),
            table.channel,
            table.count,
        )
        .join(Unit, Unit.id == table.unit_id)
        .join(
            CampaignPopulation,
            (CampaignPopulation.campaign_id == table.campaign_id)
            & (CampaignPopulation.position == table.population),
        )
        .where(table.campaign_id == campaign_id, table.unit_id.in_(subtree(root_id)))
        .order_by(*order)
        .limit(limit + 1)
    )
    if after is not None:
        code, population, channel = after
        later = table.population > population, table.channel > channel
        same_unit = Unit.code == code
        statement = statement.where(
            (Unit.code > code)
            | (same_unit & later[0])
            | (same_unit & (table.population == population) & later[1])
        )
    return list(await session.execute(statement))


async def channels_stated(session: AsyncSession, campaign_id: int) -> set[tuple[int, int]]:
    """(population, channel) of everything that any unit states."""
    table = IssuedQuestionnaires
    rows = await session.execute(
        select(table.population, table.channel).where(table.campaign_id == campaign_id).distinct()
    )
    return {(row.population, row.channel) for row in rows}
