"""Coverage over a school year: campaign by campaign, and what follows for persons."""

from collections import defaultdict
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns.schemas import Target
from app.campaigns.tables import Campaign, CampaignPopulation
from app.core import clock
from app.core.problems import FieldError, InvalidInput
from app.results import ordering
from app.results.coverage import queries
from app.results.coverage.reach import Line, Standing, reached
from app.results.coverage.school_year.bounds import Reached, bounds, met
from app.results.coverage.school_year.schemas import (
    CampaignShare,
    SchoolYearOut,
    SchoolYearQuery,
    SchoolYearRow,
)
from app.results.released import View
from app.results.service import units_at
from app.units import service as units
from app.units.schemas import UnitRef

MAX_CAMPAIGNS = 50


class Place(NamedTuple):
    """Where a row stands."""

    unit: str


async def school_year(
    session: AsyncSession, caller: Principal, year: int, query: SchoolYearQuery
) -> SchoolYearOut:
    """A row for each unit at the level, over all campaigns of the year that ask in it.

    Errors: NotFound for `within`; InvalidInput for a cursor, and for more units than `MAX_ROWS` or
    more campaigns than `MAX_CAMPAIGNS`.
    """
    beyond = ordering.after(query.cursor, Place)
    as_of = clock.now()
    names: dict[str, str] = {}
    shares: dict[str, list[CampaignShare]] = defaultdict(list)
    taken: set[str] = set()
    for root_id in await _roots(session, caller, query.within):
        at_level = await units_at(session, root_id, query.level)
        names |= at_level
        if not at_level:
            continue
        for campaign, population in await _asking(session, year, query, root_id):
            taken.add(campaign.code)
            found = await _shares(session, campaign, population, query, root_id)
            for code, share in found.items():
                shares[code].append(share)
    rows, following = await ordering.page(
        (
            (Place(code), _row(UnitRef(code=code, name=name), shares[code], query.share))
            for code, name in sorted(names.items())
        ),
        beyond=beyond,
        limit=query.limit,
    )
    return SchoolYearOut(
        year=year,
        population=query.population,
        basis=query.basis,
        share=query.share,
        as_of=as_of,
        campaigns=sorted(taken),
        rows=rows,
        next=following,
    )


async def _roots(session: AsyncSession, caller: Principal, within: str | None) -> list[int]:
    if within is not None:
        return [(await units.visible(session, caller, within)).id]
    return await queries.roots(session) if caller.unit_id is None else [caller.unit_id]


async def _asking(
    session: AsyncSession, year: int, query: SchoolYearQuery, root_id: int
) -> list[tuple[Campaign, CampaignPopulation]]:
    """The year's campaigns that ask in one tree, by code. Errors: InvalidInput for too many."""
    found = await queries.campaigns_asking(
        session,
        root_id,
        population=query.population,
        periods=[f"{year}-autumn", f"{year + 1}-spring"],
        most=MAX_CAMPAIGNS + 1,
    )
    if len(found) > MAX_CAMPAIGNS:
        message = f"More than {MAX_CAMPAIGNS} campaigns ask there: name a unit below."
        raise InvalidInput(errors=[FieldError("?within", "too_many_campaigns", message)])
    return found


async def _shares(
    session: AsyncSession,
    campaign: Campaign,
    population: CampaignPopulation,
    query: SchoolYearQuery,
    root_id: int,
) -> dict[str, CampaignShare]:
    """What a campaign has reached of each unit of one tree that it asks in."""
    line = _everybody(population, query)
    reach = await reached(
        session,
        campaign,
        [population],
        root_id=root_id,
        level=query.level,
        view=View(clock.now(), None),
        asked=[line],
    )
    touched = await queries.touched(session, campaign.region_id, root_id, query.level)
    return {code: _share(campaign, reach.standing(code, line)) for code in touched}


def _share(campaign: Campaign, standing: Standing) -> CampaignShare:
    return CampaignShare(
        campaign=campaign.code,
        basis=standing.basis,
        basis_missing=standing.missing,
        responded=standing.responded,
        share=standing.share,
    )


def _everybody(population: CampaignPopulation, query: SchoolYearQuery) -> Line:
    """What is asked for, as if it were a target of the population."""
    target = Target(name="school-year", basis=query.basis, share=query.share)
    return Line(population, 0, target)


def _row(unit: UnitRef, shares: list[CampaignShare], share: float) -> SchoolYearRow:
    found = bounds([Reached(one.responded, one.basis, not one.basis_missing) for one in shares])
    return SchoolYearRow(
        unit=unit,
        campaigns=shares,
        bounds=found and (float(found[0]), float(found[1])),
        exact=found is not None and found[0] == found[1],
        met=met(found, Fraction(str(share))),
    )
