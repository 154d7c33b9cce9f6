"""Responses by the hundred, written as the intake writes them, with what signs go by."""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.database import Database
from app.core.settings import Settings
from app.counts.recounting import check
from app.doubts.judging import Judged, judge
from app.doubts.signs import signs_of
from app.questionnaires.schemas import Definition
from app.questionnaires.validator import Validator
from app.responses import ledger
from app.responses.submission import Outcome, Submission
from app.responses.tables import Channel
from tests.factories import Api, answers

EVENING = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
"""Half an hour of the clock begins."""
_LABEL = {"zh-CN": "题"}


def long_questionnaire(questions: int) -> dict[str, Any]:
    """So many questions of one scale, a number and a text."""
    values = ("satisfied", "basically_satisfied", "dissatisfied", "dont_know")
    scale = [{"value": value, "label": _LABEL, "counts_as": "positive"} for value in values]
    asked = [
        {"code": f"q{number}", "type": "single_choice", "scale": "s", "label": _LABEL}
        for number in range(questions)
    ]
    others = [
        {"code": "homework", "type": "number", "label": _LABEL},
        {"code": "comment", "type": "text", "label": _LABEL},
    ]
    return {"title": _LABEL, "scales": {"s": scale}, "questions": [*asked, *others]}


async def publish(api: Api, questions: int) -> dict[str, Any]:
    """Such a questionnaire published; the population that asks it."""
    await api.made("PUT", "/v1/questionnaires/long", long_questionnaire(questions))
    await api.made("POST", "/v1/questionnaires/long/publish")
    return {"questionnaire": "long", "version": 1}


@dataclass
class Given:
    """One response, and the name by which a test asks after it."""

    name: str = "one"
    unit: str = "A1"
    population: int = 0
    channel: Channel = Channel.link
    answers: Mapping[str, Any] = field(default_factory=answers)
    seconds: int | None = None
    network: int | None = None
    at: datetime = EVENING
    origin_id: int | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)


def at(minutes: float) -> datetime:
    """So many minutes into the evening."""
    return EVENING + timedelta(minutes=minutes)


def database_of(api: Api) -> Database:
    database: Database = api.app.state.database
    return database


async def give(api: Api, given: Iterable[Given], campaign: str = "C") -> list[Given]:
    """Store responses, each of a person of its own."""
    pool = database_of(api).pool
    asked = await pool.fetch(
        "SELECT campaigns.id, revision, position, definition::text FROM campaigns "
        "JOIN campaign_populations ON campaign_id = campaigns.id "
        "JOIN questionnaire_versions USING (questionnaire_id, version) WHERE campaigns.code = $1",
        campaign,
    )
    validators = {
        row["position"]: Validator(Definition.model_validate(json.loads(row["definition"])))
        for row in asked
    }
    units = {row["code"]: row["id"] for row in await pool.fetch("SELECT code, id FROM units")}
    given = list(given)
    submissions = [
        Submission(
            campaign_id=asked[0]["id"],
            revision=asked[0]["revision"],
            submission_id=one.id,
            unit_id=units[one.unit],
            population=one.population,
            channel=one.channel,
            origin_id=one.origin_id,
            encoded=validators[one.population].encode(dict(one.answers), require=False),
            fingerprints=(uuid.uuid4().bytes,),
            answered_at=one.at,
            seconds=one.seconds,
            network=one.network,
        )
        for one in given
    ]
    async with pool.acquire() as connection:
        for start in range(0, len(submissions), 256):
            part = submissions[start : start + 256]
            assert set(await ledger.store_new(connection, part)) == {Outcome.stored}
    return given


async def judged(api: Api, **thresholds: float | None) -> Judged:
    """Judge campaign C now, with other thresholds where some are given."""
    settings: Settings = api.app.state.settings
    return await judge(database_of(api), "C", {**settings.quality, **thresholds})


async def flags(api: Api) -> dict[uuid.UUID, list[str]]:
    """The signs of every counted response that has any."""
    rows = await database_of(api).pool.fetch(
        "SELECT DISTINCT ON (campaign_id, submission_id) submission_id, sign, quality "
        "FROM responses ORDER BY campaign_id, submission_id, sequence DESC"
    )
    return {
        row["submission_id"]: signs_of(row["quality"])
        for row in rows
        if row["quality"] and row["sign"] > 0
    }


async def flagged(api: Api, given: Iterable[Given]) -> dict[str, set[str]]:
    """The signs of the flagged, by the names that the test gave them."""
    found = await flags(api)
    named: dict[str, set[str]] = {}
    for one in given:
        if one.id in found:
            named.setdefault(one.name, set()).update(found[one.id])
    return named


async def differences(api: Api) -> list[str]:
    """Where running counts are not the sums of their rows."""
    return [str(one) async for each in check(database_of(api)) for one in each.differences]
