"""Rules of numeric answers: read one by one within a budget; ratings from the counts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.problems import FieldError, InvalidInput
from app.counts import sums
from app.counts.layouts import layouts_of
from app.counts.reading import counted
from app.counts.selection import Selection
from app.questionnaires.layout import Layout, Place
from app.responses.tables import Channel
from app.results import ordering, queries
from app.results.numbers.schemas import Numbers, NumbersOut, NumbersQuery, NumbersRow, Quantiles
from app.results.ordering import Order
from app.results.problems import TooManyResponses
from app.results.service import asked_about, chosen, scope, units_at
from app.results.statistics import description
from app.units.schemas import UnitRef

MAX_RESPONSES = 500_000
"""Of the campaign: so many are read in some seconds, wherever they were given."""
MAX_VALUES = 200_000
"""Different numbers, those of each unit by themselves."""

Histogram = Counter[float]
"""How often each number was given."""


async def numbers(
    session: AsyncSession, caller: Principal, campaign: Campaign, query: NumbersQuery
) -> NumbersOut:
    """Describe the answers to a number or rating, for all units of a kind and in all.

    Only for callers that may read exact results. Errors: NotFound for `within`; InvalidInput for
    an unknown population, or a question without numbers; TooManyResponses.
    """
    as_of = clock.now()
    beyond = ordering.after(query.cursor, Order)
    root_id = await scope(session, caller, campaign, query.within)
    populations = chosen(await campaigns.populations(session, campaign.id), query.population)
    layouts = await layouts_of(session, populations)
    asked = asked_about(query.question, layouts)
    places = {population: found[0] for population, found in asked.places.items()}
    if any(place.type not in ("number", "rating") for place in places.values()):
        message = "Name a number or a rating; results count all others."
        raise InvalidInput(errors=[FieldError("?question", "not_numeric", message)])
    reading = _Reading(session, campaign, root_id, query, layouts)
    found: dict[str | None, Histogram] = defaultdict(Histogram)
    await reading.add_ratings(found, _of_type("rating", places))
    await reading.add_numbers(found, _of_type("number", places))
    units = await units_at(session, root_id, query.level)
    rows, following = await ordering.page(_rows(found, units), beyond=beyond, limit=query.limit)
    reply = NumbersOut(
        campaign=campaign.code,
        sandbox=campaign.sandbox_of is not None,
        as_of=as_of,
        exact=True,
        question=query.question,
        total=Numbers(**_described(sum(found.values(), Histogram()))),
        rows=rows,
        next=following,
    )
    if not asked.comparable:
        reply.comparable = False
    return reply


def _of_type(kind: str, places: Mapping[int, Place]) -> dict[int, Place]:
    return {population: place for population, place in places.items() if place.type == kind}


@dataclass(frozen=True)
class _Reading:
    """Where the numbers of each population's question are read."""

    session: AsyncSession
    campaign: Campaign
    root_id: int
    query: NumbersQuery
    layouts: Mapping[int, Layout]

    @property
    def _channel(self) -> Channel | None:
        return Channel[self.query.channel] if self.query.channel else None

    async def add_ratings(
        self, found: Mapping[str | None, Histogram], places: Mapping[int, Place]
    ) -> None:
        """Add the ratings of each unit, from the counts."""
        selection = Selection(
            campaign_id=self.campaign.id,
            root_id=self.root_id,
            layouts={population: self.layouts[population] for population in places},
            level=self.query.level,
            channel=self._channel,
            clean=self.query.quality == "clean",
        )
        for one in await counted(self.session, selection):
            votes = places[one.population].counts(one.sums[sums.CELLS :])
            found[one.unit].update({float(value): times for value, times in votes.items() if times})

    async def add_numbers(
        self, found: Mapping[str | None, Histogram], places: Mapping[int, Place]
    ) -> None:
        """Add the numbers of each unit, from the responses. Errors: TooManyResponses."""
        await self._check_budget(places)
        left = MAX_VALUES
        for population, place in places.items():
            values = await queries.numbers(
                self.session,
                self.campaign.id,
                population,
                place.position,
                root_id=self.root_id,
                level=self.query.level,
                channel=self._channel,
                clean=self.query.quality == "clean",
                most=left + 1,
            )
            left -= len(values)
            if left < 0:
                raise TooManyResponses()
            for one in values:
                found[one.code][one.value] += one.times

    async def _check_budget(self, places: Mapping[int, Place]) -> None:
        whole = Selection(
            campaign_id=self.campaign.id,
            root_id=self.campaign.region_id,
            layouts={population: self.layouts[population] for population in places},
            respondents_only=True,
        )
        stored = sum(one.sums[sums.RESPONDENTS] for one in await counted(self.session, whole))
        if stored > MAX_RESPONSES:
            raise TooManyResponses()


def _rows(
    found: Mapping[str | None, Histogram], units: Mapping[str, str]
) -> Iterator[tuple[Order, NumbersRow]]:
    for code in sorted(units):
        unit = UnitRef(code=code, name=units[code])
        numbers = _described(found.get(code, Histogram()))
        yield Order(False, code, 0, 0, 0, 0), NumbersRow(unit=unit, **numbers)
    above = Histogram()
    for other, histogram in found.items():
        if other not in units:
            above.update(histogram)
    if above:
        yield Order(True, "", 0, 0, 0, 0), NumbersRow(unit=None, **_described(above))


def _described(histogram: Mapping[float, int]) -> dict[str, Any]:
    found = description.describe(histogram)
    quantiles = None
    if found.quantiles is not None:
        names = Quantiles.model_fields
        quantiles = Quantiles(**dict(zip(names, found.quantiles, strict=True)))
    return {
        "answered": found.n,
        "sum": found.sum,
        "mean": found.mean,
        "sd": found.sd,
        "min": found.min,
        "max": found.max,
        "quantiles": quantiles,
    }
