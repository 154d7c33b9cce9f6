"""The questionnaires that ship with the product."""

import asyncio

from app.core.database import Database
from app.questionnaires import shipped
from app.questionnaires.publishing import missing_translations, refusals
from app.questionnaires.schemas import Definition
from tests.factories import INDICATORS, Api

URL = "/v1/questionnaires/satisfaction-six"


async def test_the_six_indicators_are_there_as_version_one(admin: Api) -> None:
    shown = await admin.made("GET", f"{URL}?version=1")
    assert shown["unit"] is None
    assert shown["versions"] == [1]
    assert [one["code"] for one in shown["questions"]] == list(INDICATORS)
    assert all(one["indicator"] and one["required"] for one in shown["questions"])
    counts_as = {one["value"]: one["counts_as"] for one in shown["scales"]["satisfaction"]}
    assert counts_as == {
        "satisfied": "positive",
        "basically_satisfied": "positive",
        "dissatisfied": "negative",
        "dont_know": "excluded",
    }


async def test_what_ships_could_be_published_and_is_translated(admin: Api) -> None:
    shown = await admin.made("GET", f"{URL}?version=1")
    beside = ("code", "unit", "version", "versions")
    body = {name: value for name, value in shown.items() if name not in beside}
    definition = Definition.model_validate(body)
    assert refusals(definition) == []
    assert missing_translations(definition) == []
    assert (await admin.post(f"{URL}/publish")).status_code == 200


async def test_publishing_what_ships_again_changes_nothing(admin: Api) -> None:
    before = [await admin.made("GET", url) for url in (URL, f"{URL}?version=1")]
    database: Database = admin.app.state.database

    async def again() -> None:
        async with database.sessions.begin() as session:
            await shipped.publish_missing(session)

    await asyncio.gather(again(), again())
    assert [await admin.made("GET", url) for url in (URL, f"{URL}?version=1")] == before


async def test_what_ships_is_not_taken_from_a_client_that_changed_its_draft(admin: Api) -> None:
    changed = {"title": {"zh-CN": "我们的"}, "questions": []}
    await admin.made("PUT", URL, changed)
    database: Database = admin.app.state.database
    async with database.sessions.begin() as session:
        await shipped.publish_missing(session)
    assert (await admin.made("GET", URL))["title"] == changed["title"]
    assert (await admin.made("GET", f"{URL}?version=1"))["title"]["zh-CN"] == "学校满意度调查"


async def test_a_client_with_a_unit_cannot_change_what_ships(admin: Api) -> None:
    await admin.made("PUT", "/v1/units/W", {"name": "潍坊市", "kind": "city"})
    city = await admin.as_client("admin", unit="W")
    reply = await city.put(URL, {"title": {"zh-CN": "x"}})
    assert reply.status_code == 403
    assert reply.json()["type"] == "/problems/not-owner"
