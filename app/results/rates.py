"""The arithmetic of results: what a rate, a share and a target are. Pure functions.

Nothing is rounded: whoever shows a figure rounds it.
"""

import math
from fractions import Fraction


def rate(positive: int, negative: int) -> float | None:
    """The satisfaction rate: positive votes among those that took a side.

    Excluded votes ("don't know") and unanswered questions are in neither number. None where
    nobody took a side: never 0, never 1.
    """
    return share(positive, positive + negative)


def share(part: int, whole: int) -> float | None:
    """A part of a whole, which may be more than 1. None where the whole is 0."""
    return part / whole if whole else None


def required(target: float, basis: int, at_least: int | None = None) -> int:
    """How many respondents a target asks for: the share of the basis, rounded up, or its floor.

    The share is taken as the decimal number that was written, so 0.07 of 100 is 7 and not the 8
    that binary fractions would make of it.
    """
    return max(math.ceil(Fraction(str(target)) * basis), at_least or 0)
