"""Coverage: how far each unit is with each target."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.schemas import Target
from app.campaigns.tables import Campaign, CampaignPopulation
from app.core import clock
from app.counts import sums
from app.counts.layouts import layouts_of
from app.counts.reading import counted
from app.counts.selection import Selection
from app.responses.tables import Channel
from app.results import ordering, queries, rates
from app.results.ordering import Order
from app.results.schemas import CoverageOut, CoverageQuery, CoverageRow
from app.results.service import scope
from app.units.schemas import UnitRef

Responded = Counter[tuple[str | None, int, int | None]]
"""Respondents by (unit code, population, channel); channel None for all."""


async def coverage(
    session: AsyncSession, caller: Principal, campaign: Campaign, query: CoverageQuery
) -> CoverageOut:
    """A row for each unit at the level and each target. Errors: NotFound, InvalidInput."""
    as_of = clock.now()
    beyond = ordering.after(query.cursor, Order)
    root_id = await scope(session, caller, campaign, query.within)
    populations = await campaigns.populations(session, campaign.id)
    responded = await _responded(session, campaign, root_id, query.level, populations)
    bases = await queries.bases(session, root_id, level=query.level, period=campaign.period)
    units = await queries.units_at(session, root_id, query.level)
    rows, following = ordering.page(
        _rows(units, populations, bases, responded), beyond=beyond, limit=query.limit
    )
    found = CoverageOut(campaign=campaign.code, as_of=as_of, rows=rows, next=following)
    if campaign.sandbox_of is not None:
        found.sandbox = True
    return found


async def _responded(
    session: AsyncSession,
    campaign: Campaign,
    root_id: int,
    level: str,
    populations: Sequence[CampaignPopulation],
) -> Responded:
    selection = Selection(
        campaign_id=campaign.id,
        root_id=root_id,
        layouts=await layouts_of(session, populations),
        level=level,
        by_channel=True,
        respondents_only=True,
    )
    responded: Responded = Counter()
    for row in await counted(session, selection):
        n = row.sums[sums.RESPONDENTS]
        responded[row.unit, row.population, row.channel] += n
        responded[row.unit, row.population, None] += n
    return responded


def _rows(
    units: Mapping[str, str],
    populations: Sequence[CampaignPopulation],
    bases: Mapping[tuple[str, str], int],
    responded: Responded,
) -> Iterator[tuple[Order, CoverageRow]]:
    targets = [
        (population, line, Target.model_validate(stored))
        for population in populations
        for line, stored in enumerate(population.targets)
    ]
    for code, name in sorted(units.items()):
        for population, line, target in targets:
            order = Order(False, code, population.position, channel=0, day=0, line=line)
            channel = Channel[target.channel] if target.channel else None
            yield (
                order,
                _row(
                    UnitRef(code=code, name=name),
                    population.code,
                    target,
                    basis=bases.get((code, target.basis)),
                    responded=responded[code, population.position, channel],
                ),
            )


def _row(
    unit: UnitRef, population: str, target: Target, *, basis: int | None, responded: int
) -> CoverageRow:
    required = None if basis is None else rates.required(target.share, basis)
    return CoverageRow(
        unit=unit,
        population=population,
        target=target.name,
        basis=basis,
        required=required,
        responded=responded,
        share=None if basis is None else rates.share(responded, basis),
        met=None if required is None else responded >= required,
    )
