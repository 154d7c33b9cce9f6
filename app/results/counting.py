"""From counted slots to the figures of a row."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from app.questionnaires.layout import Layout, Place
from app.results import rates


class Tallied(NamedTuple):
    """How often a slot has a value in one group. What is not grouped by is None."""

    unit: str | None
    """The code of the unit at the asked level; None also for what was given to a unit above."""
    unit_name: str | None
    population: int
    """Always grouped by: a slot means something only within one population's layout."""
    channel: int | None
    day: date | None
    slot: int | None
    """None: the row counts the respondents themselves."""
    value: int | None
    n: int


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

    @property
    def values(self) -> list[str]:
        """The option values that it is counted by, in order."""
        places = (place for places in self.places.values() for place in places)
        return list(dict.fromkeys(value for place in places for value in place.values))


class Figures(NamedTuple):
    """The figures of one row; for their meaning see `schemas.ResultRow`."""

    respondents: int
    answered: int
    missing: int
    counts: dict[str, int]
    rate: float | None
    dont_know_share: float | None


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


def slots(asked: Iterable[Asked], populations: Iterable[int]) -> list[tuple[int, int | None]]:
    """What has to be counted: each population's respondents, and each slot that is asked for."""
    needed: dict[tuple[int, int | None], None] = {(one, None): None for one in populations}
    for one in asked:
        for population, places in one.places.items():
            for place in places:
                for slot in range(place.slot, place.slot + place.size):
                    needed[population, slot] = None
    return list(needed)


class Count:
    """Counted slots, laid out so that each row's figures are quickly summed."""

    def __init__(self, tallied: Iterable[Tallied], asked: Sequence[Asked], *, by_population: bool):
        first = {
            (population, slot): place.slot
            for one in asked
            for population, places in one.places.items()
            for place in places
            for slot in range(place.slot, place.slot + place.size)
        }
        self._persons: dict[_Key, dict[int, int]] = defaultdict(dict)
        self._votes: dict[tuple[_Key, int, int], dict[tuple[int, int], int]] = defaultdict(dict)
        # Plain tuples: there can be a hundred thousand rows.
        for unit, _, population, channel, day, slot, value, n in tallied:
            group = unit, population if by_population else None, channel, day
            if slot is None or value is None:
                self._persons[group][population] = n
            else:
                self._votes[group, population, first[population, slot]][slot, value] = n

    def figures(self, group: Group, asked: Asked) -> Figures:
        """The figures of one row."""
        persons = self._persons.get(group, {})
        respondents = asked_in_all = answered = 0
        sides = {"positive": 0, "negative": 0, "excluded": 0}
        counts: dict[str, int] = {}
        for population, places in asked.places.items():
            if group.population not in (None, population):
                continue
            here = persons.get(population, 0)
            respondents += here
            asked_in_all += here * len(places)
            for place in places:
                counted = self._votes.get((group, population, place.slot), {})
                answered += place.answered(counted)
                for value, votes in place.counts(counted).items():
                    counts[value] = counts.get(value, 0) + votes
                    side = place.counts_as.get(value)
                    if side is not None:
                        sides[side] += votes
        return Figures(
            respondents=respondents,
            answered=answered,
            missing=asked_in_all - answered,
            counts=counts,
            rate=rates.rate(sides["positive"], sides["negative"]),
            dont_know_share=rates.share(sides["excluded"], answered),
        )
