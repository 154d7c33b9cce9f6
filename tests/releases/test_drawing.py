"""What may be shown of a cell: properties over random series of releases."""

import itertools
import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.counts import sums
from app.counts.cells import Cell
from app.releases.drawing import UNSEEN, Showing, drawn, left_over, pooled

LEAST = 10


def figures(respondents: int, *votes: int) -> list[int]:
    """Sums of so many respondents, with these votes in their cells."""
    return [respondents, *[0] * (sums.CELLS - 1), *votes]


def test_a_cell_is_hidden_until_it_has_enough() -> None:
    assert drawn(figures(LEAST - 1), UNSEEN, least=LEAST) is None
    assert drawn(figures(LEAST), UNSEEN, least=LEAST) == figures(LEAST)
    assert drawn(None, UNSEEN, least=LEAST) is None


def test_a_cell_keeps_its_figures_until_it_has_gained_enough() -> None:
    before = figures(12, 7)
    shown = Showing(before, [12])
    for respondents in range(12, 22):
        assert drawn(figures(respondents, 9), shown, least=LEAST) == before
    assert drawn(figures(22, 9), shown, least=LEAST) == figures(22, 9)


def test_a_cell_that_loses_many_is_shown_anew() -> None:
    assert drawn(figures(300), Showing(figures(500), [500]), least=LEAST) == figures(300)


def test_a_cell_that_shrinks_below_the_least_is_hidden_and_does_not_return_by_one() -> None:
    assert drawn(figures(9), Showing(figures(12), [12]), least=LEAST) is None
    assert drawn(figures(13), Showing(None, [12]), least=LEAST) is None
    assert drawn(figures(22), Showing(None, [12]), least=LEAST) == figures(22)


@given(
    numbers=st.lists(st.integers(0, 80), min_size=1, max_size=30),
    least=st.integers(5, 12),
)
def test_any_two_showings_of_a_cell_differ_by_enough_persons(
    numbers: list[int], least: int
) -> None:
    now: Sequence[int] | None = None
    ever: list[int] = []
    for respondents in numbers:
        live = figures(respondents, random.Random(respondents).randint(0, respondents))
        former = now
        now = drawn(live if respondents else None, Showing(now, ever), least=least)
        if now is not None and now != former:
            ever.append(now[sums.RESPONDENTS])
    shown = sorted(ever)
    assert all(one >= least for one in shown)
    assert all(b - a >= least for a, b in itertools.pairwise(shown))


LINES: Mapping[int, Sequence[int]] = {
    # A city 1 with counties 2 and 3; schools 4, 5 in 2 and 6 in 3; a class 7 in school 4.
    2: [1],
    3: [1],
    4: [2, 1],
    5: [2, 1],
    6: [3, 1],
    7: [4, 2, 1],
}


def test_what_is_left_over_is_pooled_as_low_as_it_makes_enough() -> None:
    rests = {
        Cell(7, 0, 1): figures(4, 1),
        Cell(4, 0, 1): figures(3, 1),
        Cell(5, 0, 1): figures(6, 2),
        Cell(6, 0, 1): figures(9, 3),
        Cell(6, 0, 4): figures(9, 3),
        Cell(1, 0, 1): figures(8, 3),
    }
    # The class' go up to the county with the two schools'; county 3's have nobody to join.
    assert pooled(rests, LINES, least=LEAST) == {Cell(2, 0, 1): figures(13, 4)}


def test_what_is_shown_already_is_not_left_over() -> None:
    live = {Cell(4, 0, 1): figures(14, 9), Cell(5, 0, 1): figures(9, 9), Cell(6, 0, 1): figures(8)}
    shown = {Cell(4, 0, 1): figures(12, 8), Cell(6, 0, 1): figures(11)}
    assert left_over(live, shown) == {
        Cell(4, 0, 1): figures(2, 1),
        Cell(5, 0, 1): figures(9, 9),
    }


@pytest.mark.parametrize("seed", range(20))
def test_pools_hold_each_person_once_and_enough_of_them(seed: int) -> None:
    rng = random.Random(seed)
    rests = {
        Cell(unit, population, channel): figures(rng.randint(1, LEAST - 1))
        for unit in LINES
        for population in range(2)
        for channel in (1, 4)
        if rng.random() < 0.7
    }
    pools = pooled(rests, LINES, least=LEAST)
    assert all(one[sums.RESPONDENTS] >= LEAST for one in pools.values())
    for population in range(2):
        for channel in (1, 4):
            of = [
                sum(one[0] for cell, one in some.items() if cell[1:] == (population, channel))
                for some in (rests, pools)
            ]
            assert of[0] - LEAST * len(LINES) < of[1] <= of[0]
