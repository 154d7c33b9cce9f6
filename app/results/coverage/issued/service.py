"""Rules of what was handed out: who states it, and what follows for feedback rates."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.problems import CampaignState
from app.campaigns.tables import Campaign
from app.core.schemas import Page
from app.links import service as links
from app.responses.tables import Channel
from app.results import ordering
from app.results.coverage.issued import queries
from app.results.coverage.issued.schemas import IssuedIn, IssuedOut
from app.results.service import scope

RETURNED_BY: Mapping[int, tuple[int, ...]] = {
    Channel.link: (Channel.link, Channel.wechat),
    Channel.invitation: (Channel.invitation,),
    Channel.onsite: (Channel.onsite,),
    Channel.paper: (Channel.paper,),
}
"""The channels by which people answer what was handed out by one."""


class Place(NamedTuple):
    """Where a statement stands in the list."""

    unit: str
    population: int
    channel: int


async def state(
    session: AsyncSession, caller: Principal, code: str, wanted: IssuedIn
) -> tuple[IssuedOut, bool]:
    """Keep what a bureau states; returns it and whether it is new.

    Errors: CountyRequired; NotFound for a campaign or unit that is not visible; InvalidInput for
    an unknown population; CampaignState for one that is archived.
    """
    # A school that states how few it handed out would make its own feedback rate.
    await links.require_county(session, caller)
    campaign = await campaigns.locked(session, caller, code, shared=True)
    if campaign.state == "archived":
        raise CampaignState("The campaign is archived: its figures are final.")
    unit_id = await scope(session, caller, campaign, wanted.unit)
    population = await links.population_of(session, campaign, wanted.population, "/population")
    key = campaign.id, population.position, unit_id, Channel[wanted.channel]
    created = False
    if wanted.count is None:
        await queries.take_back(session, key)
    else:
        created = await queries.put(session, key, wanted.count)
    audit.record(session, caller, "issued.state", code, **wanted.model_dump())
    return IssuedOut(**wanted.model_dump()), created


async def stated(
    session: AsyncSession, caller: Principal, campaign: Campaign, *, cursor: str | None, limit: int
) -> Page[IssuedOut]:
    """What is stated within the part of a campaign that the caller sees. Errors: InvalidInput."""
    after = ordering.after(cursor, Place)
    root_id = await scope(session, caller, campaign, None)
    rows = await queries.stated(session, campaign.id, root_id=root_id, after=after, limit=limit)
    found, following = await ordering.page(
        (
            (
                Place(row.unit, row.position, row.channel),
                IssuedOut(
                    unit=row.unit,
                    population=row.population,
                    channel=Channel(row.channel).name,
                    count=row.count,
                ),
            )
            for row in rows
        ),
        beyond=after,
        limit=limit,
    )
    return Page[IssuedOut](items=found, next=following)


async def returning(
    session: AsyncSession, campaign_id: int, invited: Sequence[int]
) -> dict[int, set[int]]:
    """By population the channels that bring back what was handed out anywhere in the campaign.

    Everywhere the same ones, so that units add up. `invited`: populations with invitations.
    """
    handed_out = await queries.channels_stated(session, campaign_id)
    handed_out |= {(population, Channel.invitation) for population in invited}
    found: dict[int, set[int]] = defaultdict(set)
    for population, channel in handed_out:
        found[population].update(RETURNED_BY[channel])
    return found
