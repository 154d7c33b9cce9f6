"""The guard against counting twice, from the side of interviews."""

from collections.abc import Iterable

from app.core.database import Connection
from app.core.problems import FieldError
from app.telephone.items import Item
from app.telephone.tallies import queries
from app.telephone.tallies.problems import DoubleCount

Pair = tuple[int, int]
"""(unit id, position of a population)."""


class Guard:
    """What a delivery of interviews takes for its source, within one transaction."""

    def __init__(self, connection: Connection, campaign_id: int, source_id: int) -> None:
        self._place = connection, campaign_id, source_id
        self._tallied: set[Pair] = set()
        self._taken: set[Pair] = set()

    async def open(self, items: Iterable[Item]) -> None:
        """Take all that these items are about; only those with answers count."""
        pairs = _pairs(items)
        if pairs:
            self._tallied, self._taken = await queries.take(*self._place, pairs, "interviews")

    def check(self, item: Item) -> None:
        """Errors: DoubleCount where the source sends tallies for the item's unit and population."""
        if not self._tallied.isdisjoint(_pairs([item])):
            message = "Your tallies count the people of this unit and population already."
            raise DoubleCount(errors=[FieldError("/unit", "tallied", message)])

    async def close(self, filed: Iterable[Item]) -> None:
        """Give back what no item that was filed is about."""
        unused = self._taken - _pairs(filed)
        if unused:
            await queries.give_back(*self._place, unused)


def _pairs(items: Iterable[Item]) -> set[Pair]:
    return {(one.unit_id, one.population.position) for one in items if one.encoded is not None}
