"""The arithmetic, against the vectors of the field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.results import rates


def test_dont_know_is_not_in_the_denominator() -> None:
    assert rates.rate(60 + 30, 5) == 0.9473684210526315


def test_nobody_who_took_a_side_makes_no_rate() -> None:
    assert rates.rate(0, 0) is None


@pytest.mark.parametrize(("positive", "negative", "expected"), [(1, 0, 1.0), (0, 1, 0.0)])
def test_unanimous_votes_make_whole_rates(positive: int, negative: int, expected: float) -> None:
    assert rates.rate(positive, negative) == expected


def test_the_share_of_dont_know_is_of_those_who_answered() -> None:
    assert rates.share(5, 100) == 0.05
    assert rates.share(0, 0) is None


def test_a_share_may_exceed_the_whole() -> None:
    assert rates.share(150, 100) == 1.5


@pytest.mark.parametrize(
    ("target", "basis", "expected"),
    [
        (0.05, 400_000, 20_000),
        (0.05, 820, 41),
        (0.05, 821, 42),
        (0.07, 100, 7),  # 0.07 * 100 is 7.000000000000001 in binary
        (0.1, 30, 3),  # and the binary 0.1 itself is a little more than a tenth
        (0.29, 100, 29),
        (0.0015, 400_000, 600),
        (0.5, 1, 1),
        (1.0, 100, 100),
        (1e-05, 100_000, 1),
        (0.5, 0, 0),
    ],
)
def test_what_a_target_requires_is_rounded_up_from_the_decimal_share(
    target: float, basis: int, expected: int
) -> None:
    assert rates.required(target, basis) == expected


@given(st.integers(1, 10_000), st.integers(0, 2_000_000_000))
def test_what_is_required_is_the_least_that_reaches_the_share(parts: int, basis: int) -> None:
    required = rates.required(parts / 10_000, basis)
    assert required * 10_000 >= parts * basis
    assert (required - 1) * 10_000 < parts * basis
