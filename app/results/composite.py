"""The composite: the rates of a campaign's populations, weighed as the campaign says."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction

from app.campaigns.tables import CampaignPopulation
from app.counts import sums
from app.counts.selection import Counted
from app.results.counting import Asked
from app.results.estimates import Estimate, estimate, kind_of, mixed
from app.results.heads import Heads
from app.results.schemas import Composite, CompositePart
from app.results.statistics import mixing


def composite_of(
    populations: Sequence[CampaignPopulation], asked: Asked, found: Iterable[Counted], heads: Heads
) -> Composite:
    """The composite of all that was counted, with what it is made of."""
    numbers: dict[int, Sequence[int]] = {}
    channels: set[int] = set()
    for one in found:
        if one.population not in asked.places:
            continue
        standing = numbers.get(one.population)
        numbers[one.population] = sums.added((standing, one.sums)) if standing else one.sums
        if one.channel is not None and one.sums[sums.RESPONDENTS]:
            channels.add(one.channel)
    estimates = {
        position: estimate(asked, position, numbers[position], heads.of(None, position))
        for position in asked.places
        if position in numbers
    }
    return _composite(populations, estimates, channels)


def _composite(
    populations: Sequence[CampaignPopulation],
    estimates: Mapping[int, Estimate],
    channels: Collection[int],
) -> Composite:
    shared = shares_of(populations, estimates.values())
    voting = [estimates[position] for position in shared]
    interval = mixed(voting, list(shared.values()))
    rate = rate_of(voting, shared)
    return Composite(
        rate=None if rate is None else float(rate),
        interval=interval,
        interval_kind="none" if interval is None else kind_of(channels),
        populations=[_part(one, estimates.get(one.position), shared) for one in populations],
    )


def _part(
    population: CampaignPopulation, found: Estimate | None, shared: Mapping[int, Fraction]
) -> CompositePart:
    rate = found.rate if found else None
    return CompositePart(
        population=population.code,
        weight=population.weight,
        share=float(shared.get(population.position, 0)),
        respondents=found.respondents if found else 0,
        rate=None if rate is None else float(rate),
        interval=found.interval if found else None,
    )


def shares_of(
    populations: Iterable[CampaignPopulation], estimates: Iterable[Estimate]
) -> dict[int, Fraction]:
    """The share of each population that has votes, by position: their weights made to sum to 1.

    Where the campaign gives no weight at all, all weigh the same; else one without has none.
    """
    weights = {one.position: one.weight for one in populations}
    alike = not any(weights.values())
    voting = [one.population for one in estimates if one.votes.v]
    # As the decimal number that was written, so that equal composites are equal.
    given = [Fraction(1) if alike else Fraction(str(weights[one] or 0)) for one in voting]
    return dict(zip(voting, mixing.shares(given), strict=True))


def rate_of(estimates: Sequence[Estimate], shared: Mapping[int, Fraction]) -> Fraction | None:
    """The composite of populations that have votes, exactly; None where none has weight."""
    rates = [one.rate or Fraction() for one in estimates]
    return mixing.mixed_rate([shared[one.population] for one in estimates], rates)
