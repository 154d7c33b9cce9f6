"""Ranks: with ties, with the range that intervals allow, and the bottom of them.

Source of the range: M. Klein, T. Wright and J. Wieczorek (2020), A joint confidence region for an
overall ranking of populations; here of single intervals, so of 95 % for each unit and not for all
of them at once.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction

from app.results.statistics.proportions import Interval


def ranks(rates: Sequence[Fraction]) -> list[int]:
    """The rank of each, the highest first: 1 and how many are higher. Ties share it: 1, 2, 2, 4."""
    ascending = sorted(rates)
    return [1 + len(ascending) - bisect_right(ascending, rate) for rate in rates]


def rank_ranges(intervals: Sequence[Interval | None]) -> list[tuple[int, int] | None]:
    """The best and the worst rank of each: who lies wholly above it or below is surely so.

    One without an interval has no range, and stands for the others anywhere.
    """
    known = [one for one in intervals if one is not None]
    lows = sorted(low for low, _ in known)
    highs = sorted(high for _, high in known)
    return [
        None
        if one is None
        else (
            1 + len(lows) - bisect_right(lows, one[1]),
            len(intervals) - bisect_left(highs, one[0]),
        )
        for one in intervals
    ]


def bottom(rates: Sequence[Fraction], most: int) -> list[int]:
    """The places of the lowest, from the lowest up: `most` of them, and who ties with the last."""
    if not rates:
        return []
    cut = sorted(rates)[min(most, len(rates)) - 1]
    lowest = [place for place, rate in enumerate(rates) if rate <= cut]
    return sorted(lowest, key=lambda place: rates[place])
