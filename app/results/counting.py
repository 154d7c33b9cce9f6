"""From counted sums to the figures of a row."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

from app.counts import sums
from app.counts.selection import Counted
from app.questionnaires.comparing import reasons
from app.questionnaires.layout import Layout, Place
from app.results import rates


class Group(NamedTuple):
    """What a row is about; None is summed over."""

    unit: str | None
    population: int | None
    channel: int | None
    day: date | None


_Key = tuple[str | None, int | None, int | None, date | None]
"""A group as a plain tuple, which is equal to it."""


@dataclass(frozen=True)
class Asked:
    """One line of a table: a question, or the indicator questions pooled."""

    question: str | None
    """None: pooled."""
    places: Mapping[int, Sequence[Place]]
    """Where it is stored, for each population that is asked it."""

    @cached_property
    def comparable(self) -> bool:
        """Whether the question is the same thing to every population, so that their votes add up.

        Pooled votes always do: each counts as its own version says.
        """
        if self.question is None:
            return True
        [first, *others] = (place for places in self.places.values() for place in places)
        return not any(reasons(first, one) for one in others)

    @cached_property
    def several(self) -> bool:
        """Whether one person can choose several of its options."""
        places = (place for places in self.places.values() for place in places)
        return any(place.type == "multiple_choice" for place in places)

    @property
    def values(self) -> list[str]:
        """The option values that it is counted by, in order."""
        places = (place for places in self.places.values() for place in places)
        return list(dict.fromkeys(value for place in places for value in place.values))


class Figures(NamedTuple):
    """The figures of one row; for their meaning see `schemas.ResultRow`."""

    respondents: int
    included: int
    answered: int | None
    missing: int | None
    counts: dict[str, int] | None
    rate: float | None
    dont_know_share: float | None
    suppressed: bool


def pooled(layouts: Mapping[int, Layout]) -> Asked:
    """The indicator questions of every population, as one."""
    return Asked(
        None,
        {
            population: [place for place in layout.places if place.indicator]
            for population, layout in layouts.items()
        },
    )


def questions(layouts: Mapping[int, Layout]) -> list[Asked]:
    """Every question, in the order of the questionnaires; equal codes are one question."""
    found: dict[str, dict[int, list[Place]]] = {}
    for population, layout in layouts.items():
        for place in layout.places:
            found.setdefault(place.code, {})[population] = [place]
    return [Asked(code, places) for code, places in found.items()]


class Columns(NamedTuple):
    """The option values that lines of a table can have, in order."""

    votes: list[str]
    """All of them."""
    shares: list[str]
    """Those of multiple choices."""


def columns_of(asked: Iterable[Asked]) -> Columns:
    """The columns that tables of these lines have."""
    votes: dict[str, None] = {}
    shares: dict[str, None] = {}
    for one in asked:
        votes |= dict.fromkeys(one.values)
        shares |= dict.fromkeys(one.values if one.several else ())
    return Columns(list(votes), list(shares))


class Respondents(NamedTuple):
    """How many persons of a population responded in a group, whether their answers are shown."""

    unit: str | None
    population: int
    channel: int | None
    respondents: int


class Count:
    """The counted sums, laid out so that each row's figures are quickly had."""

    def __init__(
        self,
        counted: Iterable[Counted],
        layouts: Mapping[int, Layout],
        *,
        by_population: bool,
        by_channel: bool,
        respondents: Iterable[Respondents] | None = None,
    ):
        """`respondents`: of a release, where the sums are only of those whose answers are shown."""
        self._nothing: dict[int, Sequence[int]] = {
            population: [0] * sums.width(layout) for population, layout in layouts.items()
        }
        self._sums: dict[_Key, dict[int, Sequence[int]]] = defaultdict(self._nothing.copy)
        self._channels: dict[_Key, set[tuple[int, int]]] = defaultdict(set)
        # Plain tuples: there can be a hundred thousand.
        for unit, _, population, channel, day, numbers in counted:
            group = (
                unit,
                population if by_population else None,
                channel if by_channel else None,
                day,
            )
            standing = self._sums[group]
            if standing[population] is self._nothing[population]:
                standing[population] = numbers
            else:
                standing[population] = sums.added((standing[population], numbers))
            if channel is not None and numbers[sums.RESPONDENTS]:
                self._channels[group].add((population, channel))
        self._respondents = (
            None
            if respondents is None
            else _by_group(respondents, by_population=by_population, by_channel=by_channel)
        )

    def numbers(self, group: Group, asked: Asked) -> dict[int, Sequence[int]]:
        """The sums of one row, by each population that is asked it."""
        counted = self._sums.get(group, self._nothing)
        return {
            population: counted[population]
            for population in asked.places
            if group.population in (None, population)
        }

    def channels(self, group: Group, asked: Asked) -> Collection[int]:
        """The channels through which one row's responses came."""
        used = self._channels.get(group, ())
        return {channel for population, channel in used if population in asked.places}

    def figures(self, group: Group, asked: Asked) -> Figures:
        """The figures of one row."""
        counted = self._sums.get(group, self._nothing)
        respondents = included = asked_in_all = answered = 0
        sides = {"positive": 0, "negative": 0, "excluded": 0}
        counts: dict[str, int] = {}
        for population, places in asked.places.items():
            if group.population not in (None, population):
                continue
            numbers = counted[population]
            cells = numbers[sums.CELLS :]
            included += numbers[sums.RESPONDENTS]
            respondents += self._all(group, population, numbers)
            asked_in_all += numbers[sums.RESPONDENTS] * len(places)
            for place in places:
                answered += place.answered(cells)
                for value, votes in place.counts(cells).items():
                    counts[value] = counts.get(value, 0) + votes
                    side = place.counts_as.get(value)
                    if side is not None:
                        sides[side] += votes
        if respondents and not included:
            return Figures(respondents, 0, None, None, None, None, None, suppressed=True)
        return Figures(
            respondents=respondents,
            included=included,
            answered=answered,
            missing=asked_in_all - answered,
            counts=counts,
            rate=rates.rate(sides["positive"], sides["negative"]),
            dont_know_share=rates.share(sides["excluded"], answered),
            suppressed=False,
        )

    def _all(self, group: Group, population: int, numbers: Sequence[int]) -> int:
        if self._respondents is None:
            return numbers[sums.RESPONDENTS]
        return self._respondents[group, population]


def _by_group(
    respondents: Iterable[Respondents], *, by_population: bool, by_channel: bool
) -> Counter[tuple[_Key, int]]:
    """How many persons responded, by group and population."""
    found: Counter[tuple[_Key, int]] = Counter()
    for unit, population, channel, n in respondents:
        group = unit, population if by_population else None, channel if by_channel else None, None
        found[group, population] += n
    return found
