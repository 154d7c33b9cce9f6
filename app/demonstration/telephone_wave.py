"""The demonstration's contractor: one wave of telephone interviews, made from a seed."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.demonstration.opinions import NOT_BEGUN, between, mood, opinion, seeded
from app.demonstration.places import School, schools
from app.telephone.dispositions import ANSWERED, PARTIAL

FIRST = "WF26A-0001"
"""The id of the wave's first interview."""
_IN_A_SCHOOL = 5
_ANSWERED_IN_PART = 3
_DISPOSITIONS = (
    ("1.1", 0.70),
    ("1.2", 0.04),
    ("2.11", 0.10),
    ("2.12", 0.02),
    ("2.20", 0.03),
    ("3.12", 0.03),
    ("3.13", 0.06),
    ("4.32", 0.01),
    ("4.70", 0.01),
)


def interviews(opens_at: datetime) -> list[dict[str, Any]]:
    """The wave as its contractor sends it: the same whenever the campaign opened then."""
    made: list[dict[str, Any]] = []
    for school in schools():
        if school.county == NOT_BEGUN:
            continue
        random = seeded(school.code, "telephone")
        for _ in range(between(random, 1, _IN_A_SCHOOL + 1)):
            made.append(_interview(school, len(made) + 1, opens_at, random))
    return made


def _interview(school: School, number: int, opens_at: datetime, random: Random) -> dict[str, Any]:
    disposition = _disposition(random)
    # On the third to ninth evening: campaigns open at eight in the morning.
    began = opens_at + timedelta(
        days=between(random, 3, 10), hours=10, minutes=between(random, 0, 150)
    )
    lasted = between(random, 100, 420) if disposition in ANSWERED else between(random, 10, 45)
    interview = {
        "interview_id": f"WF26A-{number:04}",
        "unit": school.code,
        "population": "parent",
        # No mobile number of mainland China begins with 120: nobody has these.
        "phone": f"+86120{number:08}",
        "disposition": disposition,
        "attempts": between(random, 1, 5),
        "interviewer": f"A{between(random, 1, 13):02}",
        "started_at": began.isoformat(),
        "ended_at": (began + timedelta(seconds=lasted)).isoformat(),
    }
    if disposition in ANSWERED:
        answers = opinion(school, "parent", mood(school), random)
        answered = list(answers.items())
        if disposition == PARTIAL:
            answered = answered[:_ANSWERED_IN_PART]
        interview["answers"] = dict(answered)
    return interview


def _disposition(random: Random) -> str:
    drawn = random.random()  # nosec B311 # not for secrets
    for code, share in _DISPOSITIONS:
        drawn -= share
        if drawn < 0:
            return code
    return _DISPOSITIONS[0][0]
