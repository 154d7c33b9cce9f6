"""A region with everything that makes results hard, written through the API and the ledger.

Schools directly under the city, under a county and under a district; one that moved; classes;
schools without enrolment, and with fewer parents than answered; two semesters; four populations,
with one question that is not the same to all of them and one that only some are asked.
"""

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.clock import SHANGHAI
from app.counts.folding import fold
from app.responses.tables import Channel
from tests.factories import Api, invitations, link, open_campaign
from tests.results.ledger import Entry, insert
from tests.telephone.deliveries import ago, delivered, phone

WHY = {"reason": "有人代答"}


@dataclass(frozen=True)
class Place:
    """A unit, where it stands in the end, and what it states in each period."""

    kind: str
    parent: str | None
    heads: dict[str, int] = field(default_factory=dict)
    residents: int | None = None


def heads(students: int, parents: int | None, teachers: int | None = None) -> dict[str, int]:
    """What an enrolment states."""
    stated = {"students": students, "parents": parents, "teachers": teachers}
    return {basis: n for basis, n in stated.items() if n is not None}


REGION = {
    "W": Place("city", None, residents=4000),
    "A": Place("county", "W", {"students": 500}, residents=900),
    "B": Place("county", "W"),
    "C": Place("county", "W"),
    "AD": Place("district", "A"),
    "BD": Place("district", "B", residents=700),
    "A1": Place("school", "AD", heads(120, None, 9)),
    "A2": Place("school", "AD", heads(80, 150)),
    "A3": Place("school", "A", heads(60, 110, 5)),
    "B1": Place("school", "BD", heads(90, 170, 8)),
    "B2": Place("school", "B", heads(0, 7)),
    "B3": Place("school", "B"),
    "C1": Place("school", "C"),
    "M1": Place("school", "B", heads(70, 130, 6)),
    "W1": Place("school", "W", heads(50, 95, 4)),
    "A1-1": Place("grade", "A1", heads(60, 100)),
    "A1-2": Place("grade", "A1", heads(60, 110)),
    "A1-1-1": Place("class", "A1-1", heads(30, 55)),
    "A1-1-2": Place("class", "A1-1"),
}
ANSWERING = ["W", "A", "AD", "A1", "A2", "A3", "B1", "B2", "B3", "C1", "M1", "W1", "A1-1-1", "A1-2"]
PERIODS = {"autumn": "2026-autumn", "spring": "2027-spring"}

_LABEL = {"zh-CN": "题"}


def _options(**counts_as: str | None) -> list[dict[str, Any]]:
    return [
        {"value": value, "label": _LABEL, **({"counts_as": side} if side else {})}
        for value, side in counts_as.items()
    ]


SCALE = _options(good="positive", fair="positive", bad="negative", unsure="excluded")
FIVE = _options(best="positive", good="positive", so="excluded", bad="negative", worst="negative")
MANY = _options(m0=None, m1=None, m2=None, m3=None, m4=None, m5=None, m6=None, m7=None, m8=None)


def _choice(code: str, options: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return {"code": code, "type": "single_choice", "options": options, "label": _LABEL, **fields}


_MANY = {"code": "many", "type": "multiple_choice", "options": MANY, "label": _LABEL}
_STARS = {"code": "stars", "type": "rating", "min": 1, "max": 7, "label": _LABEL}
_ROOMS = [{"value": "hall", "label": _LABEL}, {"value": "yard", "label": _LABEL}]
_MATRIX = {"code": "rooms", "type": "matrix", "scale": "s", "rows": _ROOMS, "label": _LABEL}


def _asking(*questions: dict[str, Any]) -> dict[str, Any]:
    return {"title": _LABEL, "scales": {"s": SCALE}, "questions": list(questions)}


DEFINITIONS: dict[str, dict[str, Any]] = {
    "parent": _asking(
        _choice("a", SCALE, indicator=True),
        _MANY,
        {**_MATRIX, "indicator": True},
        _STARS,
        {"code": "hours", "type": "number", "min": -5, "max": 500, "label": _LABEL},
        _choice("c", FIVE),
    ),
    "student": _asking(
        _choice("only", FIVE, indicator=True),
        _MANY,
        _choice("a", SCALE[::-1], indicator=True),
        {"code": "hours", "type": "number", "min": -5, "max": 500, "label": _LABEL},
    ),
    "resident": _asking(_choice("a", FIVE, indicator=True), _STARS),
    # Without any indicator: they have no pooled rate, and drop out of the composite.
    "teacher": _asking(_choice("c", FIVE)),
}
WEIGHTS = {"parent": 0.4, "student": 0.3, "resident": 0.3, "teacher": 0.0}
TARGETS: dict[str, list[dict[str, Any]]] = {
    "parent": [
        {"name": "semester", "basis": "students", "share": 0.2},
        {"name": "telephone", "basis": "parents", "share": 0.02, "channel": "phone"},
        {"name": "feedback", "basis": "issued", "share": 0.25},
        {"name": "by paper", "basis": "issued", "share": 0.07, "channel": "paper"},
        {"name": "sample", "basis": "respondents", "share": 0.3},
    ],
    "student": [{"name": "interviews", "basis": "students", "share": 0.01, "channel": "onsite"}],
    "resident": [{"name": "inspection", "basis": "residents", "share": 0.0015, "at_least": 20}],
    "teacher": [{"name": "all", "basis": "teachers", "share": 0.1}],
}
QUESTIONS = ("a", "many", "rooms.hall", "rooms.yard", "stars", "hours", "c", "only")
TALLIES: list[dict[str, Any]] = [
    {"unit": "A2", "population": "parent", "respondents": 21,
     "counts": {"a": {"good": 9, "bad": 5, "unsure": 2}, "stars": {"7": 4, "2": 1},
                "rooms.hall": {"fair": 11, "bad": 4}}},
    {"unit": "C", "population": "parent", "respondents": 4, "counts": {"a": {"good": 4}}},
    {"unit": "A1-2", "population": "student", "respondents": 12,
     "counts": {"many": {"m0": 12, "m8": 3}, "only": {"best": 5, "so": 7}}},
]  # fmt: skip
# (unit, population, channel, count)
ISSUED = [
    ("A", "parent", "paper", 150),
    ("A1", "parent", "paper", 999),
    ("B1", "parent", "paper", 40),
    ("B2", "parent", "link", 30),
    ("W1", "parent", "onsite", 0),
]


def _answers(dice: random.Random, population: str, taste: float) -> dict[str, Any]:
    def vote(options: list[dict[str, Any]]) -> str:
        wanted = "excluded" if dice.random() < 0.1 else None
        wanted = wanted or ("positive" if dice.random() < taste else "negative")
        return str(dice.choice([one["value"] for one in options if one["counts_as"] == wanted]))

    drawn: dict[str, Any] = {
        "many": [one["value"] for one in dice.sample(MANY, dice.randint(1, 5))],
        "stars": dice.randint(1, 7),
        "hours": dice.choice([dice.randint(0, 12), round(dice.uniform(-5, 500), 2)]),
    }
    found: dict[str, Any] = {}
    for question in DEFINITIONS[population]["questions"]:
        code = question["code"]
        if question["type"] == "matrix":
            found |= {f"{code}.{row['value']}": vote(SCALE) for row in question["rows"]}
        else:
            found[code] = vote(question["options"]) if code not in drawn else drawn[code]
    return {code: answer for code, answer in found.items() if dice.random() < 0.85}


def _entries(dice: random.Random, size: int) -> tuple[list[Entry], list[Entry]]:
    """What is written to a ledger, and what stands of it."""
    written: list[Entry] = []
    standing: list[Entry] = []
    tastes = {unit: dice.choice([0.3, 0.6, 0.8, 1.0]) for unit in ANSWERING}
    midnight = datetime.now(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(size):
        unit = dice.choice(ANSWERING)
        population = dice.choices(list(DEFINITIONS), [6, 3, 3, 1])[0]
        taste = min(max(dice.gauss(tastes[unit], 0.3), 0.0), 1.0)
        called = (unit, population) == ("B1", "parent")
        channels = [Channel.phone] if called else list(Channel)
        entry = Entry(
            unit=unit,
            population=population,
            channel=dice.choice(channels),
            quality=dice.choice([0, 0, 0, 1]),
            # Many within minutes of a midnight in Shanghai.
            answered_at=(midnight - timedelta(days=dice.randint(0, 12))).astimezone(UTC)
            + timedelta(seconds=dice.choice([-1, 0, 1, -4000, 4000])),
            answers=_answers(dice, population, taste),
        )
        if dice.random() < 0.15:
            former = entry
            minus, entry = former.revised(answers=_answers(dice, population, taste))
            written += [former, minus]
        written.append(entry)
        if dice.random() < 0.1:
            written.append(entry.withdrawn())
        else:
            standing.append(entry)
    return written, standing


async def build(admin: Api, size: int, seed: int) -> dict[str, list[Entry]]:
    """The region with both campaigns; what stands of what was written, by campaign.

    In autumn's campaign half is folded into the counts, half is not, and a school moves between.
    """
    dice = random.Random(seed)
    await _units(admin)
    populations = {}
    for code, definition in DEFINITIONS.items():
        await admin.made("PUT", f"/v1/questionnaires/for-{code}", definition)
        await admin.made("POST", f"/v1/questionnaires/for-{code}/publish")
        populations[code] = {
            "questionnaire": f"for-{code}",
            "version": 1,
            "weight": WEIGHTS[code],
            "targets": TARGETS[code],
        }
    standing = {}
    now = datetime.now(UTC)
    for code, period in PERIODS.items():
        await open_campaign(
            admin,
            code,
            period=period,
            populations=populations,
            on_duplicate="keep_last",
            min_rank=12,
            opens_at=(now - timedelta(days=9)).isoformat(),
            closes_at=(now + timedelta(days=7)).isoformat(),
        )
        written, standing[code] = _entries(dice, size)
        half = len(written) // 2
        await insert(admin, written[:half], definitions=DEFINITIONS, campaign=code)
        while await fold(admin.app.state.database) is None:
            pass
        await insert(admin, written[half:], definitions=DEFINITIONS, campaign=code)
    moved = {"name": "M1", "kind": "school", "parent": REGION["M1"].parent}
    await admin.made("PUT", "/v1/units/M1", moved)
    standing["autumn"] += await _in_person(admin)
    return standing


async def _units(admin: Api) -> None:
    for code, place in REGION.items():
        parent = "A" if code == "M1" else place.parent
        body = {"name": code, "kind": place.kind, "parent": parent, "residents": place.residents}
        await admin.made("PUT", f"/v1/units/{code}", body)
        for period in PERIODS.values():
            if place.heads:
                await admin.made(
                    "PUT", f"/v1/units/{code}/enrolment", {"period": period, **place.heads}
                )


async def _in_person(admin: Api) -> list[Entry]:
    """What comes through the API: replaced, withdrawn, voided, by telephone, and as tallies."""
    said = {"a": "good", "rooms.hall": "bad"}
    code = await link(admin, "A3", campaign="autumn")
    proof = (await admin.made("GET", f"/v1/links/{code}"))["device_proof"]
    for answers in ({"a": "bad"}, said):
        body = {"submission_id": str(uuid.uuid4()), "answers": answers, "device_proof": proof}
        await admin.made("POST", f"/v1/links/{code}/responses", body)
    voided = await link(admin, "A2", campaign="autumn")
    proof = (await admin.made("GET", f"/v1/links/{voided}"))["device_proof"]
    body = {"submission_id": str(uuid.uuid4()), "answers": said, "device_proof": proof}
    await admin.made("POST", f"/v1/links/{voided}/responses", body)
    await admin.made("POST", f"/v1/links/{voided}/void", WHY)
    tokens = await invitations(admin, 9, "A1", campaign="autumn")
    receipts = []
    for token in tokens[:4]:
        body = {"submission_id": str(uuid.uuid4()), "answers": said}
        receipts.append(await admin.made("POST", f"/v1/invitations/{token}/responses", body))
    await admin.made("POST", "/v1/receipts/withdraw", {"receipt": receipts[0]["receipt"]})
    # Revoked, but for those that were used.
    [batch] = (await admin.made("GET", "/v1/campaigns/autumn/invitations"))["items"]
    await admin.made("POST", f"/v1/campaigns/autumn/invitations/{batch['batch']}/revoke")
    await invitations(admin, 6, "B1", campaign="autumn")
    call = {"unit": "W1", "population": "parent", "attempts": 1, "ended_at": ago(minutes=5)}
    made = [("1.1", said), ("1.2", {"a": "bad"}), ("2.11", None), ("1.1", said)]
    await delivered(
        admin,
        *(
            {**call, "interview_id": f"V-{n}", "phone": phone(), "disposition": how, "answers": one}
            for n, (how, one) in enumerate(made)
        ),
        url="/v1/campaigns/autumn/interviews",
    )
    tally = {"revision": 1, "channel": "paper", "as_of": ago(days=3), "rows": TALLIES}
    await admin.made("PUT", "/v1/campaigns/autumn/tallies/T", tally)
    for unit, population, channel, count in ISSUED:
        stated = {"unit": unit, "population": population, "channel": channel, "count": count}
        await admin.made("PUT", "/v1/campaigns/autumn/issued", stated)
    return [
        Entry(unit="A3", channel=Channel.link, answers=said),
        *[Entry(unit="A1", channel=Channel.invitation, answers=said)] * 3,
        *[Entry(unit="W1", channel=Channel.phone, answers=one) for _, one in made if one],
    ]
