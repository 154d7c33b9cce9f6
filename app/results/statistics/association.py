"""Whether two questions go together: Pearson's chi-square of a table, and Cramér's V.

Sources: K. Pearson (1900), On the criterion…; H. Cramér (1946), Mathematical methods of statistics,
chapter 21, for V; W. G. Cochran (1954), Some methods for strengthening the common χ² tests, for
what may be expected in a cell.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

_FEW = 5
_SHARE_OF_FEW = 0.2
"""Cochran's rule: no more of the cells may expect fewer than five, and none fewer than one."""


class Association(NamedTuple):
    """How far a table is from one of two independent questions."""

    chi_square: float
    """Pearson's, without Yates's correction."""
    df: int
    p: float
    """How probable a table at least as far is where they are independent."""
    cramers_v: float
    """0 to 1, without correction for its bias."""
    low_expected: bool
    """Whether too few are expected in some cells for p to be trusted, by Cochran's rule."""


def association(table: Sequence[Sequence[int]]) -> Association | None:
    """The association of a table of counts; its rows are equally long.

    Rows and columns without anybody are left out; None where fewer than two of either remain.
    """
    rows = [sum(row) for row in table]
    columns = [sum(column) for column in zip(*table, strict=True)]
    n = sum(rows)
    cells = [
        (table[i][j], row * column / n)
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
        if row and column
    ]
    smaller = min(sum(map(bool, rows)), sum(map(bool, columns))) - 1
    if smaller < 1:
        return None
    df = (sum(map(bool, rows)) - 1) * (sum(map(bool, columns)) - 1)
    chi_square = math.fsum((seen - expected) ** 2 / expected for seen, expected in cells)
    few = sum(expected < _FEW for _, expected in cells)
    return Association(
        chi_square,
        df,
        tail(chi_square, df),
        min(math.sqrt(chi_square / (n * smaller)), 1.0),
        few > _SHARE_OF_FEW * len(cells) or any(expected < 1 for _, expected in cells),
    )


def tail(chi_square: float, df: int) -> float:
    """How probable it is that a chi-square of `df` degrees of freedom is at least so large.

    The finite sums for whole and half degrees (Abramowitz and Stegun, 26.4.4 and 26.4.5): their
    terms are positive, so nothing cancels out.
    """
    if chi_square <= 0:
        return 1.0
    half = chi_square / 2
    first = 0.5 if df % 2 else 0.0
    terms = (
        math.exp((first + i) * math.log(half) - half - math.lgamma(first + i + 1))
        for i in range(df // 2)
    )
    odd = math.erfc(math.sqrt(half)) if df % 2 else 0.0
    return min(odd + math.fsum(terms), 1.0)
