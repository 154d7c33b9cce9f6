"""Describing numbers: mean, spread, sum and quantiles.

Quantiles are interpolated as Hyndman and Fan's type 7, which spreadsheets call PERCENTILE.INC.
Source: R. J. Hyndman and Y. Fan (1996), Sample quantiles in statistical packages.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Description(NamedTuple):
    """What is said of numbers; all but `n` and `sum` is None where there are none."""

    n: int
    sum: float
    mean: float | None
    sd: float | None
    """Of a sample, over n - 1; None of fewer than two."""
    min: float | None
    max: float | None
    quantiles: tuple[float, ...] | None
    """At `QUANTILES`."""


def describe(counted: Mapping[float, int]) -> Description:
    """Describe numbers, given as how often each of them occurs, once or more."""
    values = sorted(counted)
    often = [counted[value] for value in values]
    n = sum(often)
    if not n:
        return Description(0, 0.0, None, None, None, None, None)
    total = math.fsum(value * times for value, times in zip(values, often, strict=True))
    mean = total / n
    squares = math.fsum(
        times * (value - mean) ** 2 for value, times in zip(values, often, strict=True)
    )
    upto = list(accumulate(often))
    return Description(
        n,
        total,
        mean,
        math.sqrt(squares / (n - 1)) if n > 1 else None,
        values[0],
        values[-1],
        tuple(_quantile(values, upto, share) for share in QUANTILES),
    )


def _quantile(values: Sequence[float], upto: Sequence[int], share: float) -> float:
    place = share * (upto[-1] - 1)
    whole = math.floor(place)
    low = values[bisect_right(upto, whole)]
    high = values[bisect_right(upto, min(whole + 1, upto[-1] - 1))]
    return low + (high - low) * (place - whole)
