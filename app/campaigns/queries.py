"""SQL of campaigns."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.tables import Campaign, CampaignKey, CampaignPopulation
from app.questionnaires.tables import Questionnaire
from app.units.tables import Unit, line, subtree


def _seen_from(unit_id: int) -> ColumnElement[bool]:
    region = Campaign.region_id
    return or_(region.in_(line(unit_id)), region.in_(subtree(unit_id)))


async def campaign_by_code(
    session: AsyncSession, code: str, *, seen_from: int | None
) -> Campaign | None:
    """The campaign with this code, if its region is above or below a unit (None: anywhere)."""
    statement = select(Campaign).where(Campaign.code == code)
    if seen_from is not None:
        statement = statement.where(_seen_from(seen_from))
    # Asked again once it is locked, it must not come from the session's memory.
    return await session.scalar(statement.execution_options(populate_existing=True))


async def sandbox_of(session: AsyncSession, campaign_id: int) -> Campaign | None:
    """The sandbox of a campaign, if it has one."""
    statement = select(Campaign).where(Campaign.sandbox_of == campaign_id)
    return await session.scalar(statement.execution_options(populate_existing=True))


async def code_taken(session: AsyncSession, code: str) -> bool:
    """Whether there is a campaign with this code, whoever may see it."""
    return await session.scalar(select(Campaign.id).where(Campaign.code == code)) is not None


async def lock_campaign(session: AsyncSession, campaign_id: int, *, shared: bool) -> None:
    """Hold the campaign as it is until this transaction ends; shared: others may hold it too."""
    await session.execute(
        select(Campaign.id)
        .where(Campaign.id == campaign_id)
        # Key share, the weakest, still keeps out the full lock that every change takes.
        .with_for_update(read=shared, key_share=shared)
    )


async def list_campaigns(
    session: AsyncSession,
    *,
    seen_from: int | None,
    within: int | None,
    state: str | None,
    sandbox: bool,
    after: str | None,
    limit: int,
) -> list[Campaign]:
    """Campaigns in order of their codes: `limit + 1` of them, so that the end shows.

    `sandbox`: only sandboxes, else none of them.
    """
    is_one = Campaign.sandbox_of.is_not(None)
    statement = select(Campaign).where(is_one if sandbox else ~is_one)
    statement = statement.order_by(Campaign.code).limit(limit + 1)
    if seen_from is not None:
        statement = statement.where(_seen_from(seen_from))
    if within is not None:
        statement = statement.where(Campaign.region_id.in_(subtree(within)))
    if state is not None:
        statement = statement.where(Campaign.state == state)
    if after is not None:
        statement = statement.where(Campaign.code > after)
    return list(await session.scalars(statement))


async def unit_codes(session: AsyncSession, ids: Collection[int]) -> dict[int, str]:
    """The codes of units, by id."""
    rows = await session.execute(select(Unit.id, Unit.code).where(Unit.id.in_(ids)))
    return {row.id: row.code for row in rows}


async def populations_of(
    session: AsyncSession, campaign_ids: Collection[int]
) -> list[tuple[CampaignPopulation, str]]:
    """Populations of campaigns in order of position, each with its questionnaire's code."""
    rows = await session.execute(
        select(CampaignPopulation, Questionnaire.code)
        .join(Questionnaire, Questionnaire.id == CampaignPopulation.questionnaire_id)
        .where(CampaignPopulation.campaign_id.in_(campaign_ids))
        .order_by(CampaignPopulation.campaign_id, CampaignPopulation.position)
        .execution_options(populate_existing=True)
    )
    return [(population, code) for population, code in rows]


async def insert_campaign(session: AsyncSession, columns: Mapping[str, Any]) -> Campaign | None:
    """Store a new campaign; None where another took the code, if only this instant."""
    statement = insert(Campaign).values(**columns)
    return await session.scalar(
        statement.on_conflict_do_nothing(index_elements=["code"]).returning(Campaign)
    )


async def update_campaign(
    session: AsyncSession, campaign_id: int, columns: Mapping[str, Any]
) -> Campaign:
    """Change a campaign, and count its revision up."""
    statement = (
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(**columns, revision=Campaign.revision + 1)
        .returning(Campaign)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one()


async def insert_keys(
    session: AsyncSession, campaign_id: int, wrapped: Mapping[str, bytes]
) -> None:
    """Store a campaign's wrapped keys, by purpose."""
    for purpose, key in wrapped.items():
        session.add(CampaignKey(campaign_id=campaign_id, purpose=purpose, wrapped=key))
    await session.flush()


async def delete_populations(
    session: AsyncSession, campaign_id: int, positions: Collection[int]
) -> bool:
    """Drop populations; False where links or invitations refer to one of them."""
    statement = delete(CampaignPopulation).where(
        CampaignPopulation.campaign_id == campaign_id,
        CampaignPopulation.position.in_(positions),
    )
    try:
        async with session.begin_nested():
            await session.execute(statement)
    except IntegrityError:
        return False
    return True


async def upsert_populations(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Create or change populations by position; each row has every column."""
    statement = insert(CampaignPopulation)
    changed = {
        name: statement.excluded[name]
        for name in rows[0]
        if name not in ("campaign_id", "position")
    }
    await session.execute(
        statement.on_conflict_do_update(index_elements=["campaign_id", "position"], set_=changed),
        rows,
    )


async def copy_populations(session: AsyncSession, campaign_id: int, *, to: int) -> None:
    """Give a campaign the populations of another, at the same positions."""
    rows = await session.execute(
        select(*CampaignPopulation.__table__.columns).where(
            CampaignPopulation.campaign_id == campaign_id
        )
    )
    await upsert_populations(session, [{**row, "campaign_id": to} for row in rows.mappings()])
