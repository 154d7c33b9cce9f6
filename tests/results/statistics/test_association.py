"""The association of two questions, against scipy on random tables."""

import random
import warnings

import pytest
from scipy.stats import chi2, chi2_contingency
from scipy.stats.contingency import association as of_scipy

from app.results.statistics.association import association, tail


def random_table(dice: random.Random) -> list[list[int]]:
    rows, columns = dice.randint(1, 7), dice.randint(1, 7)
    most = dice.choice((1, 3, 40, 5000))
    table = [[dice.randint(0, most) for _ in range(columns)] for _ in range(rows)]
    if dice.random() < 0.3:
        table[dice.randrange(rows)] = [0] * columns
    if dice.random() < 0.3:
        empty = dice.randrange(columns)
        table = [[0 if j == empty else n for j, n in enumerate(row)] for row in table]
    return table


def without_nothing(table: list[list[int]]) -> list[list[int]]:
    """The table without its empty rows and columns, which scipy refuses."""
    rows = [row for row in table if any(row)]
    return [
        list(row) for row in zip(*(one for one in zip(*rows, strict=True) if any(one)), strict=True)
    ]


def test_thousands_of_random_tables_are_as_scipy_says() -> None:
    dice = random.Random(21)
    computed = 0
    for number in range(2500):
        table = random_table(dice)
        found = association(table)
        rest = without_nothing(table)
        if len(rest) < 2 or len(rest[0]) < 2:
            assert found is None
            continue
        computed += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = chi2_contingency(rest, correction=False)
        assert found is not None
        assert found.chi_square == pytest.approx(expected.statistic, abs=1e-9)
        assert found.df == expected.dof
        assert found.p == pytest.approx(expected.pvalue, rel=1e-8, abs=1e-300)
        if number % 5 == 0:  # it computes all of that once more
            v = of_scipy(rest, method="cramer")
            assert found.cramers_v == pytest.approx(v, abs=1e-9)
        few = expected.expected_freq
        assert found.low_expected == ((few < 5).mean() > 0.2 or few.min() < 1)
    assert computed > 1500


def test_the_tail_is_right_far_out_and_for_many_degrees() -> None:
    for df in (1, 2, 3, 10, 99, 100, 2500, 9801):
        for share in (0.0, 0.01, 0.5, 0.9, 1, 1.1, 2, 5):
            expected = chi2.sf(share * df, df)
            assert tail(share * df, df) == pytest.approx(expected, rel=1e-8, abs=1e-250), (
                df,
                share,
            )


def test_a_perfect_association_is_one_and_none_is_nothing() -> None:
    perfect, none = association([[10, 0], [0, 10]]), association([[5, 10], [10, 20]])
    assert perfect is not None
    assert none is not None
    assert (perfect.chi_square, perfect.cramers_v) == (20, 1)
    assert (none.chi_square, none.p, none.cramers_v) == (0, 1, 0)
    assert association([]) is None
    assert association([[0, 0], [0, 0]]) is None
    assert association([[3, 4]]) is None
