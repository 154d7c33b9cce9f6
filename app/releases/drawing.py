"""Which figures of a cell may be shown, and how what is left over is pooled. Pure functions.

Why nothing else needs hiding: a figure that is released is a sum of cells that are shown, each
of `least` persons or more, and what is not shown is in no figure. Whatever is subtracted from
whatever, within a release or between two, leaves whole cells, or the difference of two showings
of a cell: and these differ by `least` persons or more, always.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from app.counts import sums
from app.counts.cells import Cell

Figures = Sequence[int]
"""Sums, as `counts.sums` describes them."""


class Showing(NamedTuple):
    """What has been shown of a cell."""

    now: Figures | None
    """None: it is hidden."""
    ever: Collection[int]
    """The numbers of respondents of all figures that were ever shown of it."""


UNSEEN = Showing(None, ())


def drawn(live: Figures | None, shown: Showing, *, least: int) -> Figures | None:
    """What a new release shows of a cell; None hides it.

    `live` are its sums now, None where nobody is left.
    """
    respondents = live[sums.RESPONDENTS] if live is not None else 0
    if live is None or respondents < least:
        return None
    if all(abs(respondents - former) >= least for former in shown.ever):
        return live
    return shown.now


def left_over(
    live: Mapping[Cell, Figures], shown: Mapping[Cell, Figures | None]
) -> dict[Cell, list[int]]:
    """What cells have that is not shown of them, where that is persons gained."""
    rests: dict[Cell, list[int]] = {}
    for cell, now in live.items():
        before = shown.get(cell) or [0] * len(now)
        rest = [a - b for a, b in zip(now, before, strict=True)]
        if rest[sums.RESPONDENTS] > 0:
            rests[cell] = rest
    return rests


def pooled(
    rests: Mapping[Cell, Figures], lines: Mapping[int, Sequence[int]], *, least: int
) -> dict[Cell, list[int]]:
    """What is left over, put together at the lowest units where it makes `least` persons.

    `lines`: by unit the ids of the units above it, the nearest first. What does not make enough
    anywhere is left out. Channels and populations stay apart.
    """
    pools: dict[Cell, list[int]] = {}
    waiting = dict(rests)
    highest = max((len(line) for line in lines.values()), default=0)
    # From the bottom up: a unit takes what the units below it had no use for.
    for above in range(highest - 1, -1, -1):
        gathered: dict[Cell, list[Cell]] = defaultdict(list)
        for cell in waiting:
            line = lines.get(cell.unit_id, ())
            if above < len(line):
                # Counted from the top, so that siblings of unlike depth meet.
                gathered[cell._replace(unit_id=line[len(line) - 1 - above])].append(cell)
        for place, some in gathered.items():
            total = sums.added([waiting[cell] for cell in some])
            if total[sums.RESPONDENTS] >= least:
                pools[place] = total
                for cell in some:
                    del waiting[cell]
    return pools
