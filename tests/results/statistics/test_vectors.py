"""The statistics against the vectors of the field, and at their edges."""

import math
from fractions import Fraction

import pytest

from app.results.statistics import clusters, mixing, proportions, ranks, spread
from app.results.statistics.clusters import Votes


@pytest.mark.parametrize(
    ("heads", "deff", "expected"),
    [
        (None, 1.0, (0.786398, 0.956524)),
        (1000, 1.0, (0.789883, 0.955648)),
        (60, 1.0, (0.860458, 0.929258)),
        (1000, 1.5, (0.758269, 0.962718)),
    ],
)
def test_the_interval_of_45_of_50(
    heads: int | None, deff: float, expected: tuple[float, float]
) -> None:
    found = proportions.interval(0.9, 50, heads, design_effect=deff)
    assert found == pytest.approx(expected, abs=5e-7)


def test_everybody_is_a_point_and_more_than_everybody_no_interval() -> None:
    assert proportions.interval(0.9, 50, 50) == (0.9, 0.9)
    assert proportions.interval(0.9, 50, 50, design_effect=3) == (0.9, 0.9)
    assert proportions.interval(1.0, 1, 1) == (1, 1)
    assert proportions.interval(0.9, 50, 49) is None
    assert proportions.interval(0.9, 50, 0) is None
    assert proportions.interval(0.0, 0, 50) is None
    assert proportions.interval(0.0, 0) is None


def test_unanimity_leaves_room_on_one_side_alone() -> None:
    low, high = proportions.wilson(1.0, 10)
    assert (round(low, 4), high) == (0.7225, 1.0)
    assert proportions.wilson(0.0, 10) == pytest.approx((0.0, 1 - low))


def test_changes_between_waves() -> None:
    far = proportions.difference(0.85, 1000, 0.88, 1000)
    near = proportions.difference(0.8393, 1000, 0.8516, 1000)
    assert far is not None
    assert near is not None
    assert (round(far.z, 3), round(far.p, 4), far.significant) == (1.963, 0.0496, True)
    assert (round(near.z, 3), round(near.p, 3), near.significant) == (0.761, 0.447, False)
    back = proportions.difference(0.88, 1000, 0.85, 1000)
    assert back is not None
    assert back == pytest.approx((-far.z, far.p))


@pytest.mark.parametrize("same", [0.0, 1.0])
def test_where_nothing_varies_no_change_is_tested(same: float) -> None:
    assert proportions.difference(same, 100, same, 50) is None
    assert proportions.difference(0.5, 0, 0.5, 50) is None
    assert proportions.difference(0.3, 7, 0.3, 11) == (0, 1)


def test_the_design_effect_of_unequal_weights() -> None:
    assert clusters.kish_design_effect([1] * 50 + [3] * 50) == 1.25
    assert clusters.kish_design_effect([2] * 7) == 1
    assert clusters.kish_design_effect([]) is None
    assert clusters.kish_design_effect([0, 0]) is None


def test_the_variation_among_schools() -> None:
    schools = [(45, 279), (37, 137), (89, 935), (76, 160), (55, 402)]
    books = [held / students for students, held in schools]
    found = spread.coefficient_of_variation(books, [students for students, _ in schools])
    assert found == pytest.approx(0.5153, abs=5e-5)


def test_one_school_does_not_vary_and_none_has_no_variation() -> None:
    assert spread.coefficient_of_variation([0.9], [100]) == 0
    assert spread.coefficient_of_variation([], []) is None
    assert spread.coefficient_of_variation([0.9, 0.8], [0, 0]) is None
    assert spread.coefficient_of_variation([0, 0], [5, 5]) is None


def persons(*votes: tuple[int, int]) -> Votes:
    """The sums over persons of (positive, counted) votes."""
    return Votes(
        sum(p for p, _ in votes),
        sum(v for _, v in votes),
        sum(p * p for p, _ in votes),
        sum(p * v for p, v in votes),
        sum(v * v for _, v in votes),
    )


def test_people_who_always_agree_with_themselves_count_once_each() -> None:
    votes = persons(*[(6, 6)] * 90, *[(0, 6)] * 10)
    assert votes.persons == 100
    assert clusters.design_effect(votes) == pytest.approx(6)
    assert clusters.effective(votes) == pytest.approx(100)
    assert clusters.pooled_interval(votes, 820) == pytest.approx(
        proportions.interval(0.9, 100, 820)
    )


def test_one_vote_each_is_a_single_proportion() -> None:
    votes = persons(*[(1, 1)] * 45, *[(0, 1)] * 5, *[(0, 0)] * 20)
    assert votes.persons == 50
    assert clusters.design_effect(votes) == pytest.approx(1)
    assert clusters.pooled_interval(votes, 60) == pytest.approx(proportions.interval(0.9, 50, 60))


def test_a_single_person_is_no_certainty() -> None:
    mixed = clusters.pooled_interval(persons((5, 6)))
    alike = clusters.pooled_interval(persons((6, 6)))
    assert mixed is not None
    assert alike is not None
    assert mixed[1] - mixed[0] > 0.6
    assert alike[1] - alike[0] > 0.6


def test_unanimous_persons_count_once_each() -> None:
    found = clusters.pooled_interval(persons(*[(6, 6)] * 100))
    assert found == pytest.approx(proportions.wilson(1.0, 100))


def test_one_dissenting_vote_does_not_make_the_rest_more_certain() -> None:
    all_alike = clusters.pooled_interval(persons(*[(6, 6)] * 100))
    but_one = clusters.pooled_interval(persons(*[(6, 6)] * 99, (5, 6)))
    assert all_alike is not None
    assert but_one is not None
    assert but_one[0] < all_alike[0] + 0.005


def test_people_of_whom_each_says_the_same_mixture_are_no_more_than_their_votes() -> None:
    votes = persons(*[(5, 6)] * 100)
    assert clusters.linearised_variance(votes) == pytest.approx(0, abs=1e-12)
    assert clusters.design_effect(votes) == 1
    assert clusters.pooled_interval(votes) == pytest.approx(proportions.wilson(5 / 6, 600))


def test_votes_that_were_counted_elsewhere_are_votes_by_the_number_of_indicators() -> None:
    tally = Votes(540, 600, 540 * 6, 540 * 6, 600 * 6)  # as the counts keep them
    assert tally.persons == 100
    assert clusters.effective(tally) == pytest.approx(100)
    assert clusters.pooled_interval(tally, 820) == pytest.approx(
        proportions.interval(0.9, 100, 820)
    )
    single = Votes(*map(sum, zip(persons(*[(4, 6)] * 30), tally, strict=True)))
    assert 100 < clusters.effective(single) < 780
    assert clusters.pooled_interval(single, 129) is None


def test_nobody_has_no_interval() -> None:
    assert clusters.pooled_interval(persons()) is None
    assert clusters.pooled_interval(persons((0, 0), (0, 0)), 10) is None
    assert clusters.effective(persons()) == 0
    assert persons().persons == 0


def test_ties_share_a_rank_and_the_next_is_passed_over() -> None:
    rates = [Fraction(9, 10), Fraction(8, 10), Fraction(18, 20), Fraction(95, 100), Fraction(1, 2)]
    assert ranks.ranks(rates) == [2, 4, 2, 1, 5]
    assert ranks.ranks([]) == []


def test_the_bottom_keeps_ties_at_the_cut() -> None:
    rates = [Fraction(n, 100) for n in (90, 50, 60, 60, 60, 70)]
    assert ranks.bottom(rates, 2) == [1, 2, 3, 4]
    assert ranks.bottom(rates, 4) == [1, 2, 3, 4]
    assert ranks.bottom(rates, 5) == [1, 2, 3, 4, 5]
    assert ranks.bottom(rates, 10) == [1, 2, 3, 4, 5, 0]
    assert ranks.bottom([], 10) == []


def test_a_range_is_what_intervals_leave_open() -> None:
    intervals = [(0.9, 0.99), (0.8, 0.95), (0.5, 0.6), (0.55, 0.7)]
    assert ranks.rank_ranges(intervals) == [(1, 2), (1, 2), (3, 4), (3, 4)]
    assert ranks.rank_ranges([(0.9, 1.0), None, (0.1, 0.2)]) == [(1, 2), None, (2, 3)]
    assert ranks.rank_ranges([(0.5, 0.5)]) == [(1, 1)]
    assert ranks.rank_ranges([(0.5, 0.6), (0.6, 0.7)]) == [(1, 2), (1, 2)]
    assert ranks.rank_ranges([]) == []


def test_populations_are_weighed_and_those_without_weight_drop_out() -> None:
    weights = [Fraction(2, 5), Fraction(3, 10)]
    assert mixing.shares(weights) == [Fraction(4, 7), Fraction(3, 7)]
    assert mixing.mixed_rate(weights, [Fraction(1), Fraction(0)]) == Fraction(4, 7)
    assert mixing.mixed_rate([Fraction()], [Fraction(1)]) is None
    assert mixing.mixed_rate([], []) is None
    assert mixing.shares([Fraction(), Fraction()]) == [0, 0]
    assert mixing.mixed_interval([]) is None
    assert mixing.mixed_interval([mixing.Part(0, 0.5, (0.1, 0.9))]) is None


def test_the_variances_of_populations_add() -> None:
    parts = [mixing.Part(2, 0.5, (0.4, 0.6)), mixing.Part(1, 0.8, (0.7, 0.95))]
    low, high = mixing.mixed_interval(parts) or (0, 0)
    assert low == pytest.approx(0.6 - math.sqrt((0.2 / 3) ** 2 + (0.1 / 3) ** 2))
    assert high == pytest.approx(0.6 + math.sqrt((0.2 / 3) ** 2 + (0.15 / 3) ** 2))
    assert mixing.mixed_interval(parts[:1]) == pytest.approx((0.4, 0.6))
