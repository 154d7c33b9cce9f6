"""What must hold of the statistics whatever the numbers are."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from app.results.statistics import clusters, mixing, proportions, ranks
from app.results.statistics.clusters import Votes
from app.results.statistics.proportions import Interval

NEARLY = 1e-9
SIZES = st.integers(1, 10_000_000)


@st.composite
def proportion(draw: st.DrawFn) -> tuple[int, int]:
    """How many are positive, and of how many."""
    n = draw(SIZES)
    return draw(st.integers(0, n)), n


PERSONS = st.lists(st.integers(0, 6).flatmap(lambda v: st.tuples(st.integers(0, v), st.just(v))))
DEFF = st.floats(1, 20)


def sums(persons: list[tuple[int, int]], *, turned: bool = False) -> Votes:
    votes = [(v - p if turned else p, v) for p, v in persons]
    return Votes(
        sum(p for p, _ in votes),
        sum(v for _, v in votes),
        sum(p * p for p, _ in votes),
        sum(p * v for p, v in votes),
        sum(v * v for _, v in votes),
    )


def close(one: Interval, other: Interval) -> bool:
    return all(abs(a - b) < NEARLY for a, b in zip(one, other, strict=True))


@given(proportion(), SIZES, DEFF)
def test_an_interval_contains_the_rate_and_stays_a_rate(
    votes: tuple[int, int], more: int, deff: float
) -> None:
    positive, n = votes
    low, high = proportions.interval(positive / n, n, n + more - 1, design_effect=deff) or (2, -1)
    assert 0 <= low <= positive / n <= high <= 1


@given(proportion(), SIZES, DEFF)
def test_an_interval_turned_around_is_that_of_the_contrary(
    votes: tuple[int, int], more: int, deff: float
) -> None:
    positive, n = votes
    found = proportions.interval(positive / n, n, n + more, design_effect=deff)
    contrary = proportions.interval((n - positive) / n, n, n + more, design_effect=deff)
    assert found is not None
    assert contrary is not None
    assert close(found, (1 - contrary[1], 1 - contrary[0]))


@given(proportion(), SIZES, DEFF)
def test_more_positive_votes_move_both_bounds_up(
    votes: tuple[int, int], more: int, deff: float
) -> None:
    positive, n = votes
    if positive == n:
        return
    low, high = proportions.interval(positive / n, n, n + more, design_effect=deff) or (2, 2)
    above = proportions.interval((positive + 1) / n, n, n + more, design_effect=deff) or (-1, -1)
    assert above[0] >= low - NEARLY
    assert above[1] >= high - NEARLY


@given(proportion(), SIZES, SIZES)
def test_a_larger_part_of_the_population_is_more_certain(
    votes: tuple[int, int], more: int, others: int
) -> None:
    positive, n = votes
    small = proportions.interval(positive / n, n, n + more) or (0, 0)
    large = proportions.interval(positive / n, n, n + more + others) or (2, -1)
    endless = proportions.wilson(positive / n, n)
    assert large[0] - NEARLY <= small[0]
    assert small[1] <= large[1] + NEARLY
    assert endless[0] - NEARLY <= large[0]
    assert large[1] <= endless[1] + NEARLY


@given(PERSONS)
def test_pooled_votes_are_worth_their_persons_at_the_least_and_themselves_at_the_most(
    persons: list[tuple[int, int]],
) -> None:
    votes = sums([(p, 6) for p, _ in persons])
    if votes.v:
        assert votes.persons == len(persons)
        assert votes.persons - NEARLY <= clusters.effective(votes) <= votes.v + NEARLY


@given(PERSONS, SIZES)
def test_a_pooled_interval_contains_the_rate_and_turns_around(
    persons: list[tuple[int, int]], more: int
) -> None:
    votes, turned = sums(persons), sums(persons, turned=True)
    found = clusters.pooled_interval(votes, len(persons) + more)
    contrary = clusters.pooled_interval(turned, len(persons) + more)
    if not votes.v:
        assert (found, contrary) == (None, None)
        return
    assert found is not None
    assert contrary is not None
    assert 0 <= found[0] <= votes.p / votes.v <= found[1] <= 1
    assert close(found, (1 - contrary[1], 1 - contrary[0]))
    assert votes.persons <= len([v for _, v in persons if v]) + NEARLY


@given(st.lists(st.integers(0, 1)), SIZES)
def test_one_vote_each_makes_pooled_and_single_intervals_one(votes: list[int], more: int) -> None:
    if not votes:
        return
    pooled = clusters.pooled_interval(sums([(p, 1) for p in votes]), len(votes) + more)
    single = proportions.interval(sum(votes) / len(votes), len(votes), len(votes) + more)
    assert pooled is not None
    assert single is not None
    assert close(pooled, single)


@st.composite
def parts(draw: st.DrawFn) -> list[mixing.Part]:
    found = []
    for positive, n in draw(st.lists(proportion(), min_size=1, max_size=5)):
        weight = draw(st.floats(0.001, 1000))
        found.append(mixing.Part(weight, positive / n, proportions.wilson(positive / n, n)))
    return found


@given(parts())
def test_a_composite_lies_among_its_parts_and_is_no_less_certain(mixed: list[mixing.Part]) -> None:
    low, high = mixing.mixed_interval(mixed) or (2, -1)
    total = sum(part.weight for part in mixed)
    rate = sum(part.weight * part.rate for part in mixed) / total
    assert 0 <= low <= rate + NEARLY
    assert rate - NEARLY <= high <= 1
    # Certainties that point the same way add less than they would if all erred together.
    assert low >= sum(part.weight * part.interval[0] for part in mixed) / total - NEARLY
    assert high <= sum(part.weight * part.interval[1] for part in mixed) / total + NEARLY


@given(st.lists(st.fractions(0, 1, max_denominator=30), max_size=60))
def test_ranks_count_who_is_higher_and_the_bottom_who_is_lower(rates: list[Fraction]) -> None:
    found = ranks.ranks(rates)
    assert found == [1 + sum(other > rate for other in rates) for rate in rates]
    lowest = ranks.bottom(rates, 10)
    left = [place for place in range(len(rates)) if place not in lowest]
    assert len(lowest) >= min(10, len(rates))
    for place in lowest:
        assert sum(rates[other] < rates[place] for other in range(len(rates))) < 10
        assert all(rates[other] > rates[place] for other in left)


@given(st.lists(st.none() | proportion(), max_size=40))
def test_a_rank_lies_in_its_range(counted: list[tuple[int, int] | None]) -> None:
    known = [one for one in counted if one is not None]
    intervals = [one and proportions.wilson(one[0] / one[1], one[1]) for one in counted]
    ranges = ranks.rank_ranges(intervals)
    placed = dict(zip(map(id, known), ranks.ranks([Fraction(*one) for one in known]), strict=True))
    unknown = len(counted) - len(known)
    for one, interval, found in zip(counted, intervals, ranges, strict=True):
        if one is None or interval is None:
            assert found is None
            continue
        assert found is not None
        best, worst = found
        assert 1 <= best <= worst <= len(counted)
        assert best <= placed[id(one)] + unknown
        assert placed[id(one)] <= worst
        others = [other for other in intervals if other is not None]
        assert best == 1 + sum(low > interval[1] for low, _ in others)
        assert worst == len(counted) - sum(high < interval[0] for _, high in others)
