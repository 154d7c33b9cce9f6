"""Rates of independent populations in one, with weights.

Source: G. Y. Zou and A. Donner (2008), Construction of confidence limits about effect measures: a
general approach (MOVER), which adds the variances on each side of the rates by themselves.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from app.results.statistics.proportions import Interval


class Part(NamedTuple):
    """One population in it."""

    weight: float
    rate: float
    interval: Interval


def shares(weights: Sequence[Fraction]) -> list[Fraction]:
    """The weights made to sum to 1; where all are 0, they stay so."""
    total = sum(weights, Fraction())
    return [weight / total if total else Fraction() for weight in weights]


def mixed_rate(weights: Sequence[Fraction], rates: Sequence[Fraction]) -> Fraction | None:
    """The weighted mean, exactly, so that ties are ties; None where nothing has weight."""
    if not any(weights):
        return None
    pairs = zip(shares(weights), rates, strict=True)
    return sum((share * rate for share, rate in pairs), Fraction())


def mixed_interval(parts: Sequence[Part]) -> Interval | None:
    """The interval of the weighted mean: on each side the root of the squares of the parts' reach.

    It never leaves [0, 1], and of one part is its own. None where nothing has weight.
    """
    total = math.fsum(part.weight for part in parts)
    if total <= 0:
        return None
    rate = math.fsum(part.weight * part.rate for part in parts) / total
    below = (part.weight / total * (part.rate - part.interval[0]) for part in parts)
    above = (part.weight / total * (part.interval[1] - part.rate) for part in parts)
    return max(rate - math.hypot(*below), 0.0), min(rate + math.hypot(*above), 1.0)
