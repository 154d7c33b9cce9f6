"""A table of results: which rows it has, in which order, and what they say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

from app.responses.tables import Channel
from app.results.counting import Asked, Count, Group
from app.results.estimates import estimate, joined, shares
from app.results.heads import Heads
from app.results.ordering import Order
from app.results.schemas import ResultRow
from app.units.schemas import UnitRef


@dataclass(frozen=True)
class Table:
    """The dimensions of a table and the counts that fill it. What `by` lacks is summed over."""

    by: frozenset[str]
    units: Mapping[str, str]
    """Names by code."""
    populations: Mapping[int, str]
    """Codes by position."""
    channels: Sequence[int]
    days: Sequence[date]
    asked: Sequence[Asked]
    count: Count
    heads: Heads

    @property
    def size(self) -> int:
        """How many rows there are at most, but for those without a unit."""
        _, populations, channels, days = self._axes()
        places = max(len(self.units), 1) * len(populations) * len(channels) * len(days)
        return places * len(self.asked)

    def rows(self, beyond: Order | None) -> Iterator[tuple[Order, ResultRow]]:
        """All rows in order; with `beyond`, units that lie before it are passed over."""
        units, populations, channels, days = self._axes()
        for unit in units:
            if beyond is not None and (unit is None, unit or "") < beyond[:2]:
                continue
            for population, channel, day in product(populations, channels, days):
                yield from self._lines(Group(unit, population, channel, day))

    def _axes(
        self,
    ) -> tuple[list[str | None], Sequence[int | None], Sequence[int | None], Sequence[date | None]]:
        return (
            [*sorted(self.units), None] if "unit" in self.by else [None],
            sorted(self.populations) if "population" in self.by else [None],
            self.channels if "channel" in self.by else [None],
            self.days if "day" in self.by else [None],
        )

    def _lines(self, group: Group) -> Iterator[tuple[Order, ResultRow]]:
        about = self._about(group)
        heads = self._heads(group.unit)
        for line, asked in enumerate(self.asked):
            if group.population is not None and group.population not in asked.places:
                continue
            figures = self.count.figures(group, asked)
            nobody = not figures.respondents and not figures.included
            if nobody and group.unit is None and "unit" in self.by:
                continue
            comparable = group.population is not None or asked.comparable
            row = ResultRow(
                **about,
                **({} if comparable else {"comparable": False}),
                question=asked.question,
                **figures._asdict(),
                **self._interval(group, asked, heads, hidden=figures.suppressed),
                **(self._shares(group, asked, heads) if asked.several else {}),
            )
            yield _order(group, line), row

    def _interval(
        self, group: Group, asked: Asked, heads: Mapping[int, int | None], *, hidden: bool
    ) -> dict[str, Any]:
        estimates = [
            estimate(asked, population, numbers, heads[population])
            for population, numbers in self.count.numbers(group, asked).items()
        ]
        found = joined(estimates, self.count.channels(group, asked))
        return {
            "interval": found.interval,
            "interval_kind": found.kind,
            "no_interval": "suppressed" if hidden else found.lack,
            "heads": found.heads,
        }

    def _shares(
        self, group: Group, asked: Asked, heads: Mapping[int, int | None]
    ) -> dict[str, Any]:
        # What is hidden has no votes here.
        numbers = self.count.numbers(group, asked)
        return shares(asked, numbers, heads, self.count.channels(group, asked))._asdict()

    def _heads(self, unit: str | None) -> dict[int, int | None]:
        # What was given to units above the level has no population of its own.
        if unit is None and "unit" in self.by:
            return dict.fromkeys(self.populations)
        return {population: self.heads.of(unit, population) for population in self.populations}

    def _about(self, group: Group) -> dict[str, Any]:
        about: dict[str, Any] = {}
        if "unit" in self.by:
            about["unit"] = (
                UnitRef(code=group.unit, name=self.units[group.unit]) if group.unit else None
            )
        if group.population is not None:
            about["population"] = self.populations[group.population]
        if group.channel is not None:
            about["channel"] = Channel(group.channel).name
        if group.day is not None:
            about["day"] = group.day
        return about


def _order(group: Group, line: int) -> Order:
    return Order(
        unitless=group.unit is None,
        unit=group.unit or "",
        population=group.population or 0,
        channel=group.channel or 0,
        day=group.day.toordinal() if group.day else 0,
        line=line,
    )
