"""Reading the counts: all that was committed, folded or not, and tallies."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import driver_connection
from app.counts import sums
from app.counts.reading import queries
from app.counts.selection import Counted, Selection

_Group = tuple[str | None, str | None, int, int | None, date | None]


async def counted(session: AsyncSession, selection: Selection) -> list[Counted]:
    """The sums that a selection asks for: one for each group that has any, in any order.

    Exact at the instant of the statement: every acknowledged response is in them, once.
    """
    if not selection.layouts:
        return []
    parts: dict[_Group, list[Sequence[int]]] = defaultdict(list)
    for *group, numbers in await queries.counted(await driver_connection(session), selection):
        parts[tuple(group)].append(numbers)
    added = (Counted(*group, sums.added(some)) for group, some in parts.items())
    # What was withdrawn leaves zeros behind.
    return [one for one in added if any(one.sums)]
