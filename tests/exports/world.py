"""What tests of exports begin with: every kind of question, and files opened again."""

import asyncio
import hashlib
import io
import json
import random
import uuid
import zipfile
from typing import Any
from uuid import UUID

import pandas

from app.core.database import Database
from app.core.settings import Settings
from app.exports.jobs import exports
from app.jobs.attending import attend
from tests.factories import Api, invitations, open_campaign, tree
from tests.jobs.kinds import QUICK
from tests.results.ledger import insert, random_ledger
from tests.results.ledger import publish as publish_others

URL = "/v1/campaigns/C/exports"
FORMULA = "=1+1"
ODD = "第一行\n\t<r><c><f>1</f></c></r> _x0041_ 😀"
MARKUP = "<r></t></is></c><c r='Z9'><f>1+1</f><v>2</v></c><c><is><t></r>"


def _label(zh: str, en: str | None = None) -> dict[str, str]:
    return {"zh-CN": zh} if en is None else {"zh-CN": zh, "en": en}


_SCALE = [
    {"value": "good", "label": _label("满意", "Satisfied"), "counts_as": "positive"},
    {"value": "bad", "label": _label("不满意", "Dissatisfied"), "counts_as": "negative"},
    {"value": "unsure", "label": _label("不了解", "Don't know"), "counts_as": "excluded"},
]
_MANY = [{"value": f"m{number}", "label": _label(f"第{number}项")} for number in range(9)]
_OTHER = {"value": "other", "label": _label("其他", "Other"), "text_length": 50}
EVERY: dict[str, Any] = {
    "title": _label("各种题", "Every kind"),
    "scales": {"s": _SCALE},
    "questions": [
        {"code": "hello", "type": "note", "label": _label("您好")},
        {
            "code": "overall",
            "type": "single_choice",
            "scale": "s",
            "indicator": True,
            "required": True,
            "label": _label("总体上，\n您满意吗？", "Are you satisfied?"),
        },
        {
            "code": "many",
            "type": "multiple_choice",
            "options": [*_MANY, _OTHER],
            "label": _label("哪些？", "Which?"),
        },
        {"code": "stars", "type": "rating", "min": -2, "max": 10, "label": _label("几分？")},
        {"code": "hours", "type": "number", "min": 0, "max": 24, "label": _label("几小时？")},
        {
            "code": "children",
            "type": "number",
            "min": 0,
            "max": 9,
            "whole": True,
            "label": _label("几个孩子？"),
        },
        {"code": "day", "type": "date", "min": "1900-01-01", "label": _label("哪天？")},
        {
            "code": "rooms",
            "type": "matrix",
            "scale": "s",
            "page": "p2",
            "label": _label("这些地方", "These places"),
            "rows": [
                {"value": "hall", "label": _label("食堂", "Canteen")},
                {"value": "yard", "label": _label("操场", "Yard")},
            ],
        },
        {
            "code": "comment",
            "type": "text",
            "label": _label("为什么？", "Why?"),
            "visible_if": {
                "any": [{"question": "overall", "in": ["bad"]}, {"question": "stars", "lte": 3}]
            },
        },
    ],
}
FULL: dict[str, Any] = {
    "overall": "bad",
    "many": ["m0", "m8", "other"],
    "many.other": FORMULA,
    "stars": -2,
    "hours": 1.5,
    "children": 3,
    "day": "1900-01-02",
    "rooms.hall": "unsure",
    "comment": ODD,
}
SPARE: dict[str, Any] = {"overall": "good", "stars": 10, "hours": 7, "day": "2026-09-01"}


async def every_kind(admin: Api) -> None:
    """The tree, and an open campaign C that asks parents every kind, teachers the six."""
    await tree(admin)
    await admin.made("PUT", "/v1/questionnaires/every", EVERY)
    await admin.made("POST", "/v1/questionnaires/every/publish")
    six = {"questionnaire": "satisfaction-six", "version": 1}
    parents = {"questionnaire": "every", "version": 1}
    await open_campaign(admin, populations={"parent": parents, "teacher": six})


async def respond(api: Api, unit: str, *sheets: dict[str, Any], population: str = "parent") -> None:
    """One person after another at a unit."""
    for sheet in sheets:
        [token] = await invitations(api, 1, unit=unit, population=population)
        body = {"submission_id": str(uuid.uuid4()), "answers": sheet, "locale": "zh-CN"}
        await api.made("POST", f"/v1/invitations/{token}/responses", body)


async def random_campaign(admin: Api, size: int, seed: int = 1) -> None:
    """A campaign C with revisions, withdrawals, doubts and all channels in its ledger."""
    await tree(admin)
    await open_campaign(admin, populations=await publish_others(admin))
    written, _ = random_ledger(random.Random(seed), ["W", "A", "A1", "A2", "B1"], size)
    await insert(admin, written)


async def queued(api: Api, campaign: str = "C", **request: Any) -> str:
    """Where the job is that makes a file."""
    url = f"/v1/campaigns/{campaign}/exports"
    reply = await api.post(url, {"content": "responses", "format": "csv", **request})
    assert reply.status_code == 202, reply.text
    assert reply.headers["Location"] == f"/v1/jobs/{reply.json()['id']}"
    return reply.headers["Location"]


async def done(api: Api, settings: Settings, **request: Any) -> dict[str, Any]:
    """The result of a request's job, which this process does."""
    job = await queued(api, **request)
    database: Database = api.app.state.database
    handler = exports(database, settings.data_dir)
    job_id = UUID(job.rpartition("/")[2])
    await attend(database, handler, job_id, stopping=asyncio.Event(), pace=QUICK)
    found = await api.made("GET", job)
    assert found["state"] == "done", found["problem"]
    assert found["done"] == found["total"] == found["result"]["rows"]
    result: dict[str, Any] = found["result"]
    return result


async def exported(api: Api, settings: Settings, **request: Any) -> bytes:
    """The file that a request makes, whole."""
    result = await done(api, settings, **request)
    reply = await api.get(result["file"])
    assert reply.status_code == 200, reply.text
    assert len(reply.content) == result["size"]
    assert hashlib.sha256(reply.content).hexdigest() == result["sha256"]
    return reply.content


def parts(file: bytes) -> dict[str, bytes]:
    """What a ZIP holds."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def table(file: bytes, name: str) -> Any:
    """A table of a ZIP of CSV, as pandas reads it; all cells are texts."""
    return pandas.read_csv(io.BytesIO(parts(file)[f"{name}.csv"]), dtype=str, keep_default_na=False)


def codebook(file: bytes) -> list[dict[str, str]]:
    """The lines of the codebook of a ZIP."""
    lines: list[dict[str, str]] = table(file, "codebook").to_dict("records")
    return lines


def of_variable(
    lines: list[dict[str, str]], name: str, within: str = "parent"
) -> list[dict[str, str]]:
    """What a codebook says of a variable."""
    return [one for one in lines if (one["table"], one["variable"]) == (within, name)]


def as_json(value: Any) -> Any:
    """What a field's metadata says, where it is JSON."""
    return json.loads(value)
