"""From counted sums to rates with their intervals, one population after the other."""

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from app.counts import sums
from app.questionnaires.layout import Place
from app.responses.tables import Channel
from app.results.counting import Asked
from app.results.schemas import IntervalKind, Lack
from app.results.statistics import clusters, mixing, proportions
from app.results.statistics.clusters import Votes
from app.results.statistics.proportions import Interval


class Estimate(NamedTuple):
    """What one population says."""

    population: int
    respondents: int
    votes: Votes
    heads: int | None
    interval: Interval | None
    lack: Lack | None
    """Why there is no interval."""

    @property
    def rate(self) -> Fraction | None:
        """Positive votes among those that count, exactly; None without any."""
        return Fraction(self.votes.p, self.votes.v) if self.votes.v else None


class Joined(NamedTuple):
    """The interval of a row."""

    interval: Interval | None
    kind: IntervalKind
    heads: int | None
    lack: Lack | None


def estimate(asked: Asked, population: int, numbers: Sequence[int], heads: int | None) -> Estimate:
    """What the sums of one population say, which is asked it."""
    places = asked.places[population]
    respondents = numbers[sums.RESPONDENTS]
    votes = Votes(*numbers[sums.RESPONDENTS + 1 : sums.CELLS])
    if asked.question is not None:
        votes = _single(places[0], numbers)
    interval, lack = None, _lack(places, votes, respondents, heads)
    if lack is None and asked.question is not None:
        # What `pooled_interval` would say of one vote each, without its arithmetic.
        interval = proportions.interval(votes.p / votes.v, votes.v, heads)
    elif lack is None:
        interval = clusters.pooled_interval(votes, heads)
    return Estimate(population, respondents, votes, heads, interval, lack)


def _lack(
    places: Sequence[Place], votes: Votes, respondents: int, heads: int | None
) -> Lack | None:
    if not votes.v:
        return "no_votes"
    if any(place.type == "multiple_choice" for place in places):
        return "several_answers"
    if heads is not None and max(respondents, votes.persons) > heads:
        return "more_than_heads"
    return None


def _single(place: Place, numbers: Sequence[int]) -> Votes:
    positive, counted = _sides(place, numbers)
    return Votes(positive, counted, positive, positive, counted)


def _sides(place: Place, numbers: Sequence[int]) -> tuple[int, int]:
    positive = counted = 0
    for value, votes in place.counts(numbers[sums.CELLS :]).items():
        side = place.counts_as.get(value)
        positive += votes if side == "positive" else 0
        counted += votes if side in ("positive", "negative") else 0
    return positive, counted


class Shares(NamedTuple):
    """How many of those who answered a multiple choice chose each of its options."""

    shares: dict[str, float] | None
    """None where nobody answered, or nothing is shown."""
    share_intervals: dict[str, Interval] | None
    share_interval_kind: IntervalKind


def shares(
    asked: Asked,
    numbers: Mapping[int, Sequence[int]],
    heads: Mapping[int, int | None],
    channels: Collection[int],
) -> Shares:
    """What the sums of each population, asked a multiple choice, say together.

    The intervals are those of rates: each population by itself a sample of its heads.
    """
    parts, overfull = [], False
    for population, one in numbers.items():
        [place] = asked.places[population]
        cells = one[sums.CELLS :]
        if answered := place.answered(cells):
            known = heads[population]
            overfull |= known is not None and one[sums.RESPONDENTS] > known
            parts.append((answered, place.counts(cells), known))
    whole = sum(answered for answered, _, _ in parts)
    if not whole:
        return Shares(None, None, "none")
    found = {
        value: sum(votes.get(value, 0) for _, votes, _ in parts) / whole for value in asked.values
    }
    if overfull:
        return Shares(found, None, "none")
    return Shares(
        found,
        {
            value: _together([(votes.get(value, 0), n, known) for n, votes, known in parts])
            for value in asked.values
        },
        kind_of(channels),
    )


def _together(parts: Sequence[tuple[int, int, int | None]]) -> Interval:
    """The interval of persons among those who answered, of so many heads; several add up."""
    found = [
        mixing.Part(answered, chosen / answered, interval)
        for chosen, answered, heads in parts
        if (interval := proportions.interval(chosen / answered, answered, heads))
    ]
    mixed = found[0].interval if len(parts) == 1 else mixing.mixed_interval(found)
    assert mixed is not None  # all have answers, and no more than heads
    return mixed


def took_sides(asked: Asked, population: int, numbers: Sequence[int]) -> int:
    """How many persons took a side; pooled, on the question on which most did."""
    cells = numbers[sums.CELLS :]
    return max(
        # Of several answers to one question there are more than persons.
        (
            min(_sides(place, numbers)[1], place.answered(cells))
            for place in asked.places[population]
        ),
        default=0,
    )


def joined(estimates: Sequence[Estimate], channels: Collection[int]) -> Joined:
    """The interval of all their votes together, each population by itself a sample.

    `channels` are those that they answered through: of nothing but the telephone it is a sample's,
    else indicative.
    """
    voting = [one for one in estimates if one.votes.v]
    known = [one.heads for one in voting or estimates if one.heads is not None]
    heads = sum(known) if len(known) == len(voting or estimates) and known else None
    lack: Lack | None = next((one.lack for one in voting if one.lack), None)
    if not voting:
        lack = "no_votes"
    if lack is not None:
        return Joined(None, "none", heads, lack)
    if len(voting) == 1:
        return Joined(voting[0].interval, kind_of(channels), heads, None)
    interval = mixed(voting, [one.votes.v for one in voting])
    return Joined(interval, kind_of(channels), heads, None)


def mixed(estimates: Sequence[Estimate], weights: Sequence[Fraction | int]) -> Interval | None:
    """The interval of the weighted mean of the rates of populations that have votes.

    None where one with weight has none.
    """
    parts = []
    for one, weight in zip(estimates, weights, strict=True):
        if not weight:
            continue
        if one.interval is None:
            return None
        parts.append(mixing.Part(float(weight), one.votes.p / one.votes.v, one.interval))
    return mixing.mixed_interval(parts)


def kind_of(channels: Collection[int]) -> IntervalKind:
    """What an interval is of answers through these channels: only the telephone asks a sample."""
    return "sample" if set(channels) == {Channel.phone} else "indicative"
