"""Coverage: how far each unit is with each target, and when it is met at this pace."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign, CampaignPopulation
from app.core import clock
from app.counts.layouts import layouts_of
from app.counts.reading import counted
from app.counts.selection import Selection
from app.results import ordering, queries
from app.results.coverage.pace import Window, window
from app.results.coverage.reach import (
    Line,
    Reach,
    Responded,
    added,
    lines,
    reached,
    respondents,
)
from app.results.coverage.schemas import CoverageOut, CoverageRow
from app.results.ordering import Order
from app.results.released import View
from app.results.schemas import RowsQuery
from app.results.service import scope
from app.units.schemas import UnitRef


async def coverage(
    session: AsyncSession,
    caller: Principal,
    campaign: Campaign,
    query: RowsQuery,
    *,
    view: View | None = None,
) -> CoverageOut:
    """A row for each unit at the level and each target, live or as of a view's release.

    Releases are not told by day, so of one there is no pace. Errors: NotFound, InvalidInput.
    """
    view = view or View(clock.now(), None)
    beyond = ordering.after(query.cursor, Order)
    root_id = await scope(session, caller, campaign, query.within)
    populations = await campaigns.populations(session, campaign.id)
    reach = await reached(
        session, campaign, populations, root_id=root_id, level=query.level, view=view
    )
    days, recent = None, None
    if view.exact and campaign.state == "open":
        days = window(campaign.opens_at, campaign.closes_at, view.as_of)
    if days is not None:
        recent = await _recent(session, campaign, populations, root_id, query.level, days)
    units = await queries.units_at(session, root_id, query.level)
    rows, following = await ordering.page(
        _rows(units, lines(populations), reach, recent), beyond=beyond, limit=query.limit
    )
    return CoverageOut(
        campaign=campaign.code,
        sandbox=campaign.sandbox_of is not None,
        as_of=view.as_of,
        pace_since=days and days.since,
        rows=rows,
        next=following,
    )


@dataclass(frozen=True)
class _Recent:
    """What came in over the last days."""

    days: Window
    responded: Responded


async def _recent(
    session: AsyncSession,
    campaign: Campaign,
    populations: Sequence[CampaignPopulation],
    root_id: int,
    level: str,
    days: Window,
) -> _Recent:
    selection = Selection(
        campaign_id=campaign.id,
        root_id=root_id,
        layouts=await layouts_of(session, populations),
        level=level,
        by_channel=True,
        by_day=True,
        since=days.since,
        respondents_only=True,
    )
    found = await counted(session, selection)
    past = (one for one in found if one.day is not None and one.day <= days.today)
    return _Recent(days, added(respondents(past)))


def _rows(
    units: Mapping[str, str], asked: Sequence[Line], reach: Reach, recent: _Recent | None
) -> Iterator[tuple[Order, CoverageRow]]:
    for code, name in sorted(units.items()):
        unit = UnitRef(code=code, name=name)
        for line in asked:
            position = line.population.position
            order = Order(False, code, position, channel=0, day=0, line=line.number)
            yield order, _row(unit, line, reach, recent)


def _row(unit: UnitRef, line: Line, reach: Reach, recent: _Recent | None) -> CoverageRow:
    standing = reach.standing(unit.code, line)
    pace = expected_on = on_time = None
    if recent is not None:
        position = line.population.position
        came = sum(recent.responded[unit.code, position, one] for one in reach.channels(line))
        pace = recent.days.pace(came)
        # A basis that moves with the answers, or is not known in full, is met on no known day.
        if standing.gap and not standing.missing and line.target.basis != "respondents":
            expected_on = recent.days.expected_on(standing.gap, pace)
        on_time = expected_on and expected_on <= recent.days.last
    return CoverageRow(
        unit=unit,
        population=line.population.code,
        target=line.target.name,
        basis=standing.basis,
        basis_missing=standing.missing,
        required=standing.required,
        responded=standing.responded,
        share=standing.share,
        met=standing.met,
        gap=standing.gap,
        pace=None if pace is None else float(pace),
        expected_on=expected_on,
        on_time=on_time,
    )
