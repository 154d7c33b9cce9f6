"""Ledger rows written straight into the table: for volume, and for what the API cannot yet make."""

import random
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.database import Database
from app.questionnaires.schemas import Definition
from app.questionnaires.validator import Validator
from app.responses.tables import Channel
from tests.factories import Api

_INSERT = """
    INSERT INTO responses (
        campaign_id, submission_id, sequence, sign, unit_id, population, channel, quality,
        answered_at, answers, numbers
    )
    SELECT campaigns.id, $2, $3, $4, units.id, $6, $7, $8, $9, $10, $11
    FROM campaigns, units WHERE campaigns.code = $1 AND units.code = $5
"""

_LABEL = {"zh-CN": "题"}
_SCALE = [
    {"value": "good", "label": _LABEL, "counts_as": "positive"},
    {"value": "bad", "label": _LABEL, "counts_as": "negative"},
    {"value": "unsure", "label": _LABEL, "counts_as": "excluded"},
    {"value": "fair", "label": _LABEL, "counts_as": "positive"},
]
_MANY = [{"value": f"m{number}", "label": _LABEL} for number in range(11)]


def _choice(code: str, **fields: Any) -> dict[str, Any]:
    return {"code": code, "type": "single_choice", "scale": "s", "label": _LABEL, **fields}


PARENTS: dict[str, Any] = {
    "title": _LABEL,
    "scales": {"s": _SCALE},
    "questions": [
        {"code": "hello", "type": "note", "label": _LABEL},
        _choice("a", indicator=True),
        {"code": "many", "type": "multiple_choice", "options": _MANY, "label": _LABEL},
        _choice("b", indicator=True),
        {"code": "stars", "type": "rating", "min": 0, "max": 10, "label": _LABEL},
        {"code": "hours", "type": "number", "label": _LABEL},
        {"code": "comment", "type": "text", "label": _LABEL},
    ],
}
TEACHERS: dict[str, Any] = {
    "title": _LABEL,
    "scales": {"s": _SCALE},
    "questions": [
        _choice("staff", indicator=True),
        # The same code as the parents' question, at another place and with its options reversed.
        _choice("a", indicator=True, scale=None, options=_SCALE[::-1]),
    ],
}
DEFINITIONS = {"parent": PARENTS, "teacher": TEACHERS}
POPULATIONS = tuple(DEFINITIONS)


@dataclass(frozen=True)
class Entry:
    """One row of the ledger, its answers as a person would give them."""

    unit: str = "A1"
    population: str = "parent"
    channel: Channel = Channel.link
    answers: Mapping[str, Any] = field(default_factory=dict)
    answered_at: datetime = datetime(2026, 11, 20, 4, tzinfo=UTC)
    quality: int = 0
    sign: int = 1
    sequence: int = 0
    submission_id: uuid.UUID = field(default_factory=uuid.uuid4)

    def revised(self, **changes: Any) -> list["Entry"]:
        """The rows that replace this one's content."""
        return [
            replace(self, sign=-1, sequence=self.sequence + 1),
            replace(self, sequence=self.sequence + 2, **changes),
        ]

    def withdrawn(self) -> "Entry":
        """The row that takes this one back."""
        return replace(self, sign=-1, sequence=self.sequence + 1)


async def insert(
    api: Api,
    entries: Iterable[Entry],
    *,
    definitions: Mapping[str, Any] = DEFINITIONS,
    campaign: str = "C",
) -> None:
    """Append entries to the ledger of a campaign."""
    validators = {
        code: Validator(Definition.model_validate(one)) for code, one in definitions.items()
    }
    positions = {code: position for position, code in enumerate(definitions)}
    database: Database = api.app.state.database
    rows = [
        (
            campaign,
            one.submission_id,
            one.sequence,
            one.sign,
            one.unit,
            positions[one.population],
            one.channel,
            one.quality or None,
            one.answered_at,
            encoded.answers,
            encoded.numbers,
        )
        for one in entries
        for encoded in [validators[one.population].encode(one.answers, require=False)]
    ]
    await database.pool.executemany(_INSERT, rows)


async def publish(api: Api) -> dict[str, Any]:
    """The two questionnaires published; the populations of a campaign that asks them."""
    populations = {}
    for code, definition in DEFINITIONS.items():
        await api.made("PUT", f"/v1/questionnaires/for-{code}", definition)
        await api.made("POST", f"/v1/questionnaires/for-{code}/publish")
        populations[code] = {"questionnaire": f"for-{code}", "version": 1}
    return populations


def random_answers(dice: random.Random, population: str) -> dict[str, Any]:
    """Answers to some of the population's questions."""
    values = [option["value"] for option in _SCALE]
    drawn = {
        "a": dice.choice(values),
        "b": dice.choice(values),
        "staff": dice.choice(values),
        "many": [one["value"] for one in dice.sample(_MANY, dice.randint(1, 6))],
        "stars": dice.randint(0, 10),
        "hours": dice.uniform(0, 9),
        "comment": "好",
    }
    codes = {question["code"] for question in DEFINITIONS[population]["questions"]}
    return {code: answer for code, answer in drawn.items() if code in codes and dice.random() < 0.8}


def random_ledger(
    dice: random.Random, units: list[str], size: int
) -> tuple[list[Entry], list[Entry]]:
    """Entries with revisions and withdrawals among them, and those that stand at the end."""
    written: list[Entry] = []
    standing: list[Entry] = []
    for _ in range(size):
        entry = _random_entry(dice, units)
        written.append(entry)
        for _ in range(dice.choice((0, 0, 0, 1, 2))):
            other = _random_entry(dice, units)
            minus, plus = entry.revised(
                unit=other.unit,
                channel=other.channel,
                quality=other.quality,
                answered_at=other.answered_at,
                answers=random_answers(dice, entry.population),
            )
            written += [minus, plus]
            entry = plus
        if dice.random() < 0.1:
            written.append(entry.withdrawn())
        else:
            standing.append(entry)
    return written, standing


def _random_entry(dice: random.Random, units: list[str]) -> Entry:
    population = dice.choice(POPULATIONS)
    return Entry(
        unit=dice.choice(units),
        population=population,
        channel=dice.choice(list(Channel)),
        quality=dice.choice((0, 0, 1)),
        # Around midnight in Shanghai, which is 16:00 UTC.
        answered_at=datetime(2026, 11, dice.randint(19, 21), 15, 30, tzinfo=UTC)
        + timedelta(minutes=dice.randint(0, 60)),
        answers=random_answers(dice, population),
    )
