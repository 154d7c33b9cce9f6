"""SQL of posters: links in force, with what a poster says of them."""

from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.campaigns.tables import Campaign, CampaignPopulation
from app.links.tables import Link
from app.units.tables import Unit, subtree


def _shown() -> Select[*tuple[Any, ...]]:
    region = aliased(Unit)
    return (
        select(
            Link.id,
            Link.code,
            Unit.name.label("unit_name"),
            CampaignPopulation.code.label("population"),
            Campaign.title,
            Campaign.contact,
            Campaign.closes_at,
            region.name.label("region_name"),
        )
        .join(Unit, Unit.id == Link.unit_id)
        .join(Campaign, Campaign.id == Link.campaign_id)
        .join(region, region.id == Campaign.region_id)
        .join(
            CampaignPopulation,
            and_(
                CampaignPopulation.campaign_id == Link.campaign_id,
                CampaignPopulation.position == Link.population,
            ),
        )
        .where(Link.revoked_at.is_(None))
    )


async def of_link(session: AsyncSession, link_id: int) -> Any | None:
    """What the poster of a link says; None where it was revoked."""
    return (await session.execute(_shown().where(Link.id == link_id))).one_or_none()


async def of_campaign(
    session: AsyncSession,
    campaign_id: int,
    *,
    population: int,
    kind: str | None,
    roots: list[int],
    after: int,
    limit: int,
) -> list[Any]:
    """What the posters say of a population's links to units of a kind within all of some
    subtrees, oldest first, of ids above `after`: one more than `limit`, so that the end shows."""
    statement = _shown().where(
        Link.campaign_id == campaign_id, Link.population == population, Link.id > after
    )
    if kind is not None:
        statement = statement.where(Unit.kind == kind)
    for root in roots:
        statement = statement.where(Link.unit_id.in_(subtree(root)))
    return list(await session.execute(statement.order_by(Link.id).limit(limit + 1)))
