"""What the demonstration's people think: made from a seed, so that figures repeat everywhere.

Only `Random.random` is drawn from, the one method whose numbers Python promises to keep.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from app.demonstration.places import School

Population = Literal["parent", "teacher"]
Answers = dict[str, str]

INVITED_SCHOOL = "-S06"
"""Each county invites parents of one school; its code ends so."""
INVITATIONS = 40
_ANSWERED_INVITATIONS = 26

_SEED = "xinsheng/2026-autumn"
NOT_BEGUN, HARDLY_BEGUN = "370786", "370724"
_TURNOUT = {NOT_BEGUN: 0.0, HARDLY_BEGUN: 0.04}
# Some schools elsewhere have nobody yet, or a handful.
_FEW: dict[str, int] = {"370703-S07": 0, "370782-S04": 0, "370705-S09": 3, "370784-S03": 6}

_LIKED = {
    "overall": 0.01,
    "ethics": 0.03,
    "teaching": 0.01,
    "workload": -0.07,
    "conditions": -0.03,
    "safety": 0.02,
}
_UNKNOWN = {"ethics": 0.05, "safety": 0.04, "workload": 0.03}


@dataclass(frozen=True)
class Person:
    """Somebody who answers online."""

    submission_id: UUID
    school: School
    population: Population
    invitation: int | None
    """The serial of the invitation that is answered by; None: by the school's link."""
    answers: Answers
    seconds: int


def respondents(school: School, population: Population) -> Iterator[Person]:
    """Everybody of a school who answers online, always the same."""
    random = seeded(school.code, population)
    school_mood = mood(school)
    invited = population == "parent" and school.code.endswith(INVITED_SCHOOL)
    for number in range(_turnout(school, population, random)):
        yield Person(
            submission_id=uuid5(NAMESPACE_URL, f"{_SEED}/{school.code}/{population}/{number}"),
            school=school,
            population=population,
            invitation=number if invited and number < _ANSWERED_INVITATIONS else None,
            answers=opinion(school, population, school_mood, random),
            seconds=between(random, 35, 190),
        )


def seeded(*parts: str) -> Random:
    """Chance of one's own for each part of the demonstration, so that none disturbs another."""
    return Random("/".join((_SEED, *parts)))  # nosec B311 # not for secrets


def between(random: Random, low: int, high: int) -> int:
    """A whole number from `low` up to, not including, `high`."""
    return low + int(random.random() * (high - low))  # nosec B311 # not for secrets


def _turnout(school: School, population: Population, random: Random) -> int:
    eager = 0.45 + 1.2 * random.random()  # nosec B311 # not for secrets
    eager *= _TURNOUT.get(school.county, 1.0)
    if population == "teacher":
        return min(round(6 * eager), school.teachers)
    if school.code in _FEW:
        return _FEW[school.code]
    return min(round(40 * eager), school.students)


def mood(school: School) -> float:
    """The share of people at a school who are pleased, in the middle of all indicators."""
    county = seeded(school.county).random() * 0.08 - 0.05
    own = seeded(school.code).random() * 0.16 - 0.10
    return min(0.98, 0.92 + county + own)


def opinion(school: School, population: Population, school_mood: float, random: Random) -> Answers:
    """One person's answers to satisfaction-six."""
    # Who is pleased with one thing is more likely to be pleased with the next.
    temper = random.random() * 0.2 - 0.1  # nosec B311 # not for secrets
    answers = {}
    for indicator, liked in _LIKED.items():
        unknown = 0.02 + _UNKNOWN.get(indicator, 0.0)
        if indicator == "workload" and school.stage == "kindergarten":
            unknown = 0.2
        if population == "teacher":
            unknown /= 3
        pleased = min(0.99, school_mood + liked + temper)
        answers[indicator] = _vote(random, unknown, pleased)
    return answers


def _vote(random: Random, unknown: float, pleased: float) -> str:
    if random.random() < unknown:  # nosec B311 # not for secrets
        return "dont_know"
    drawn = random.random()  # nosec B311 # not for secrets
    if drawn < pleased * 0.7:
        return "satisfied"
    return "basically_satisfied" if drawn < pleased else "dissatisfied"
