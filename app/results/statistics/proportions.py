"""Intervals of a proportion, and whether two of them differ.

Sources: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference;
for the finite population correction L. Kish (1965), Survey Sampling, chapter 2.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

Z = NormalDist().inv_cdf(0.975)
"""1.96: of 95 % on both sides together."""
SIGNIFICANT = 0.05

Interval = tuple[float, float]
"""The lower and the upper bound, 0 to 1, at 95 %."""


class Difference(NamedTuple):
    """How far a proportion has moved from another one."""

    z: float
    """In standard errors; positive where the second is larger."""
    p: float
    """How probable a move at least as far is where nothing has changed."""

    @property
    def significant(self) -> bool:
        """Whether it is at the level of 5 %."""
        return self.p < SIGNIFICANT


def wilson(proportion: float, n: float) -> Interval:
    """Wilson's score interval: `n` > 0 independent observations, not necessarily a whole number."""
    square = Z * Z
    divisor = 1 + square / n
    centre = (proportion + square / (2 * n)) / divisor
    reach = Z * math.sqrt(proportion * (1 - proportion) / n + square / (4 * n * n)) / divisor
    # At 0 and 1 a bound is the proportion itself, but for the rounding.
    return max(min(centre - reach, proportion), 0.0), min(max(centre + reach, proportion), 1.0)


def interval(
    proportion: float, n: float, heads: int | None = None, *, design_effect: float = 1.0
) -> Interval | None:
    """Wilson's interval with finite population correction: n* = (n / deff) (N - 1) / (N - n).

    `n` persons of a population of `heads`; None is a population without end. All of them: the
    point. None where there is no observation, or more of them than heads.
    """
    if n <= 0 or (heads is not None and n > heads):
        return None
    effective = n / design_effect
    if heads is None:
        return wilson(proportion, effective)
    if n == heads:
        return proportion, proportion
    return wilson(proportion, effective * (heads - 1) / (heads - n))


def difference(before: float, n_before: float, after: float, n_after: float) -> Difference | None:
    """The z test of two independent proportions, with their pooled variance.

    Of votes in clusters, `n` is their effective number. None where an `n` is 0, and where the two
    are alike 0 or alike 1, so that nothing varies.
    """
    if n_before <= 0 or n_after <= 0:
        return None
    # Half-way between equals, rounding would leave a difference.
    pooled = before + (after - before) * n_after / (n_before + n_after)
    if not 0 < pooled < 1:
        return None
    error = math.sqrt(pooled * (1 - pooled) * (1 / n_before + 1 / n_after))
    z = (after - before) / error
    return Difference(z, math.erfc(abs(z) / math.sqrt(2)))
