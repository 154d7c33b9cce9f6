"""Results once more, from an exported table and by other people's statistics.

pandas, scipy and statsmodels; nothing of the product's own arithmetic, and no running counts.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from tests.results.wide_region import DEFINITIONS, REGION, SCALE, TARGETS, WEIGHTS

Interval = tuple[float, float]
BASIS = {"parent": "parents", "student": "students", "resident": "residents", "teacher": "teachers"}


@dataclass(frozen=True)
class Group:
    """Persons who are alike: one response, or of a tally all that is known of so many."""

    unit: str
    population: str
    channel: str
    day: date
    answers: dict[str, Any]
    clean: bool = True
    respondents: int = 1
    counts: dict[str, dict[str, int]] | None = None
    """Of a tally."""

    def votes(self, question: str) -> dict[str, int]:
        """How often each option of a question was given."""
        if self.counts is not None:
            return self.counts.get(question, {})
        answer = self.answers.get(question)
        if answer is None:
            return {}
        return dict.fromkeys(map(str, answer if isinstance(answer, list) else [answer]), 1)

    def answered(self, question: str) -> int:
        """How many answered it; a tally says so of multiple choices no better than their most."""
        if self.counts is None:
            return int(question in self.answers)
        votes = self.votes(question).values()
        return max(votes, default=0) if kind_of(question) == "multiple_choice" else sum(votes)


@cache
def line(unit: str) -> list[str]:
    """A unit and all above it."""
    parent = REGION[unit].parent
    return [unit, *(line(parent) if parent else [])]


def below(unit: str) -> list[str]:
    """The units directly below."""
    return [code for code, place in REGION.items() if place.parent == unit]


def of_kind(kind: str, within: str = "W") -> list[str]:
    """The units of a kind within one, by code."""
    return sorted(one for one in REGION if REGION[one].kind == kind and within in line(one))


@cache
def at_level(unit: str, kind: str) -> str | None:
    """The unit of a kind that a unit lies in."""
    return next((one for one in line(unit) if REGION[one].kind == kind), None)


def stated(unit: str, basis: str) -> int | None:
    """What a unit itself states."""
    place = REGION[unit]
    return place.residents if basis == "residents" else place.heads.get(basis)


@cache
def heads(unit: str, basis: str) -> int | None:
    """What it states, else the sum of those below that are known."""
    own = stated(unit, basis)
    if own is not None:
        return own
    known = [n for one in below(unit) if (n := heads(one, basis)) is not None]
    return sum(known) if known else None


@cache
def persons_of(unit: str, population: str) -> int | None:
    """The persons of a population: by its own name, else by what its targets are shares of."""
    bases = [BASIS[population], *(target["basis"] for target in TARGETS[population])]
    known = [basis for basis in bases if heads(unit, basis) is not None]
    return heads(unit, known[0]) if known and not lacking(unit, known[0]) else None


@cache
def lacking(unit: str, basis: str) -> list[str]:
    """The topmost units below of which the sum knows nothing."""
    if stated(unit, basis) is not None or heads(unit, basis) is None:
        return []
    found = []
    for one in below(unit):
        if heads(one, basis) is not None:
            found += lacking(one, basis)
        elif basis != "residents" or REGION[one].kind not in ("school", "grade", "class"):
            found.append(one)
    return found


@cache
def questions_of(population: str) -> dict[str, tuple[str, list[dict[str, Any]], bool]]:
    """Type, options and whether it is an indicator, by code, of all questions."""
    found: dict[str, tuple[str, list[dict[str, Any]], bool]] = {}
    for one in DEFINITIONS[population]["questions"]:
        options = one.get("options", SCALE if one["type"] == "matrix" else [])
        if one["type"] == "rating":
            options = [{"value": str(n)} for n in range(one["min"], one["max"] + 1)]
        kind = "single_choice" if one["type"] == "matrix" else one["type"]
        codes = [f"{one['code']}.{row['value']}" for row in one.get("rows", [])] or [one["code"]]
        found |= dict.fromkeys(codes, (kind, options, one.get("indicator", False)))
    return found


@cache
def kind_of(question: str) -> str:
    """A question's type, which is the same wherever it is asked."""
    return next(asked[question][0] for asked in map(questions_of, DEFINITIONS) if question in asked)


@cache
def asked_of(population: str, question: str | None) -> list[str]:
    """The codes behind a question, or behind the pool, of a population."""
    asked = questions_of(population)
    if question is None:
        return [code for code, (_, _, indicator) in asked.items() if indicator]
    return [question] if question in asked else []


@cache
def side(population: str, question: str, value: str) -> str | None:
    """What an option counts as."""
    options = questions_of(population)[question][1]
    return next((one.get("counts_as") for one in options if one["value"] == value), None)


def wilson(
    rate: float, n: float, of: float | None = None, persons: float | None = None
) -> Interval:
    """Wilson's interval of `n` observations by `persons`, all different, of so many."""
    persons = n if persons is None else persons
    if of is not None:
        if persons == of:
            return rate, rate
        n = n * (of - 1) / (of - persons)
    low, high = proportion_confint(rate * n, n, alpha=0.05, method="wilson")
    return float(low), float(high)


@dataclass
class Estimate:
    """What one population says to a question or to the pool."""

    population: str
    groups: Sequence[Group]
    question: str | None
    of: int | None

    def __post_init__(self) -> None:
        codes = asked_of(self.population, self.question)
        weights: list[float] = []
        positive: list[float] = []
        counted: list[float] = []
        for one in self.groups:
            p = self._votes(one, codes, ("positive",))
            v = self._votes(one, codes, ("positive", "negative"))
            if one.counts is None:
                weights, positive, counted = [*weights, 1.0], [*positive, p], [*counted, v]
            else:  # as if each had voted alike on all
                k = len(codes)
                weights += [p / k, (v - p) / k] if k else []
                positive += [k, 0] if k else []
                counted += [k, k] if k else []
        self.w, self.p, self.v = np.array(weights), np.array(positive), np.array(counted)
        self.positive = round(float(self.w @ self.p)) if len(self.w) else 0
        self.total = round(float(self.w @ self.v)) if len(self.w) else 0
        self.persons = self.total**2 / float(self.w @ self.v**2) if self.total else 0.0

    def _votes(self, one: Group, codes: Iterable[str], sides: Sequence[str]) -> int:
        return sum(
            times
            for code in codes
            for value, times in one.votes(code).items()
            if side(self.population, code, value) in sides
        )

    @property
    def rate(self) -> Fraction | None:
        """Positive votes among those that count."""
        return Fraction(self.positive, self.total) if self.total else None

    @property
    def respondents(self) -> int:
        """Persons."""
        return sum(one.respondents for one in self.groups)

    @property
    def lack(self) -> str | None:
        """Why it has no interval."""
        if not self.total:
            return "no_votes"
        if self.question and kind_of(self.question) == "multiple_choice":
            return "several_answers"
        many = self.of is not None and max(self.respondents, self.persons) > self.of + 1e-9
        return "more_than_heads" if many else None

    @property
    def effective(self) -> float:
        """Independent votes: by Taylor's series over persons, two of them made up."""
        if not self.total:
            return 0.0
        each = float(self.w @ self.v**2) / self.total
        w = np.append(self.w, [1.0, 1.0])
        p, v = np.append(self.p, [each, 0.0]), np.append(self.v, [each, each])
        ratio = (w @ p) / (w @ v)
        variance = w @ (p - ratio * v) ** 2 / (w @ v) ** 2
        return self.total / max(float(variance / (ratio * (1 - ratio) / (w @ v))), 1.0)

    @property
    def interval(self) -> Interval | None:
        """Of the rate."""
        if self.lack or self.rate is None:
            return None
        n = self.total if self.question else self.effective
        persons = self.total if self.question else self.persons
        return wilson(float(self.rate), n, self.of, persons)

    @property
    def took_sides(self) -> int:
        """Persons who took a side, on the question on which most did."""
        most = 0
        for code in asked_of(self.population, self.question):
            taken = sum(self._votes(one, [code], ("positive", "negative")) for one in self.groups)
            most = max(most, min(taken, sum(one.answered(code) for one in self.groups)))
        return most


def mover(parts: Sequence[tuple[float, float, Interval]]) -> Interval:
    """Weights, rates and intervals in one: half-widths as if each side were a normal's."""
    total = sum(weight for weight, _, _ in parts)
    z = norm.ppf(0.975)
    rate = sum(weight / total * one for weight, one, _ in parts)
    below, above = (
        sum((weight / total * (one - bounds[end]) / z) ** 2 for weight, one, bounds in parts)
        for end in (0, 1)
    )
    return max(rate - z * math.sqrt(below), 0.0), min(rate + z * math.sqrt(above), 1.0)


def estimates(
    groups: Sequence[Group], unit: str | None, question: str | None, populations: Iterable[str]
) -> list[Estimate]:
    """Of each population that is asked; `unit` None has no heads."""
    return [
        Estimate(
            population,
            [one for one in groups if one.population == population],
            question,
            None if unit is None else persons_of(unit, population),
        )
        for population in populations
        if question is None or question in questions_of(population)
    ]


def row_of(
    groups: Sequence[Group], unit: str | None, question: str | None, populations: Iterable[str]
) -> dict[str, Any]:
    """The figures of a row of results, of persons whose unit it is."""
    found = estimates(groups, unit, question, populations)
    counts: dict[str, int] = {}
    sides = {"positive": 0, "negative": 0, "excluded": 0}
    answered = asked = respondents = 0
    for each in found:
        codes = asked_of(each.population, question)
        respondents += each.respondents
        asked += each.respondents * len(codes)
        for code in codes:
            values = [one["value"] for one in questions_of(each.population)[code][1]]
            counts |= {value: counts.get(value, 0) for value in values}
            for one in each.groups:
                answered += one.answered(code)
                for value, times in one.votes(code).items() if values else ():
                    counts[value] += times
                    if as_ := side(each.population, code, value):
                        sides[as_] += times
    voting = [one for one in found if one.total]
    lack = next((one.lack for one in voting if one.lack), None) if voting else "no_votes"
    of = [one.of for one in voting or found]
    interval = None
    if lack is None:
        parts = [
            (float(one.total), float(one.rate or 0), one.interval)
            for one in voting
            if one.interval is not None
        ]
        interval = parts[0][2] if len(parts) == 1 else mover(parts)
    taken = sides["positive"] + sides["negative"]
    return {
        "respondents": respondents,
        "answered": answered,
        "missing": asked - answered,
        "counts": counts,
        "rate": sides["positive"] / taken if taken else None,
        "dont_know_share": sides["excluded"] / answered if answered else None,
        "interval": interval,
        "interval_kind": "none" if interval is None else kind_of_interval(found),
        "no_interval": lack,
        "heads": None if not of or None in of else sum(one for one in of if one is not None),
    }


def kind_of_interval(found: Iterable[Estimate]) -> str:
    """Of nothing but the telephone a sample's."""
    channels = {one.channel for each in found for one in each.groups if one.respondents}
    return "sample" if channels == {"phone"} else "indicative"


def shares_of(
    groups: Sequence[Group], unit: str | None, question: str, populations: Iterable[str]
) -> tuple[dict[str, float] | None, dict[str, Interval] | None]:
    """The shares of a multiple choice among those who answered, and their intervals."""
    found = [
        (sum(one.answered(question) for one in each.groups), each)
        for each in estimates(groups, unit, question, populations)
    ]
    found = [(n, each) for n, each in found if n]
    if not found:
        return None, None
    values = [one["value"] for one in questions_of(found[0][1].population)[question][1]]
    chosen = {
        value: [sum(one.votes(question).get(value, 0) for one in each.groups) for _, each in found]
        for value in values
    }
    whole = sum(n for n, _ in found)
    shares = {value: sum(times) / whole for value, times in chosen.items()}
    if any(each.of is not None and each.respondents > each.of for _, each in found):
        return shares, None
    intervals = {}
    for value, times in chosen.items():
        parts = [
            (float(n), t / n, wilson(t / n, n, each.of))
            for t, (n, each) in zip(times, found, strict=True)
        ]
        intervals[value] = parts[0][2] if len(parts) == 1 else mover(parts)
    return shares, intervals


def composite_of(
    found: Iterable[Estimate],
) -> tuple[Fraction | None, Interval | None, dict[str, Fraction]]:
    """The rate by weights, its interval and the shares of the populations that have votes."""
    voting = [one for one in found if one.total]
    weights = {one.population: Fraction(str(WEIGHTS[one.population])) for one in voting}
    total = sum(weights.values())
    shares = {code: weight / total if total else Fraction() for code, weight in weights.items()}
    if not total:
        return None, None, shares
    rate = sum((shares[one.population] * (one.rate or 0) for one in voting), Fraction())
    weighing = [one for one in voting if shares[one.population]]
    if any(one.interval is None for one in weighing):
        return rate, None, shares
    parts = [
        (float(shares[one.population]), float(one.rate or 0), one.interval)
        for one in weighing
        if one.interval
    ]
    return rate, parts[0][2] if len(parts) == 1 else mover(parts), shares
