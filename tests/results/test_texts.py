"""Reading what people wrote: by whom, in which order, and what is told of it."""

import base64
import csv
import io
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from app.core.database import Database
from app.results.texts import service
from tests.factories import Api, invitations, open_campaign, tree
from tests.results.ledger import publish

URL = "/v1/campaigns/C/answers"
COMMENT = {"question": "comment"}


@pytest.fixture
async def ready(admin: Api) -> Api:
    """A campaign whose parents can write comments."""
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    return admin


async def write(api: Api, *texts: str, unit: str = "A1") -> list[str]:
    """Receipts of so many persons, who have written these."""
    receipts = []
    for token, text in zip(await invitations(api, len(texts), unit), texts, strict=True):
        body = {"submission_id": str(uuid.uuid4()), "answers": {"a": "good", "comment": text}}
        made = await api.made("POST", f"/v1/invitations/{token}/responses", body)
        receipts.append(made["receipt"])
    return receipts


async def pages(api: Api, **parameters: Any) -> AsyncIterator[dict[str, Any]]:
    """All pages to the end."""
    asked: dict[str, Any] = {**COMMENT, **parameters}
    for _ in range(100):
        page = await api.made("GET", URL, params=asked)
        yield page
        if page["next"] is None:
            return
        asked["cursor"] = page["next"]
    raise AssertionError("it has no end")


async def read(api: Api, **parameters: Any) -> list[str]:
    """All texts, in their order."""
    return [one["text"] async for page in pages(api, **parameters) for one in page["items"]]


async def test_texts_are_read_without_a_word_of_who_wrote_them(ready: Api) -> None:
    await write(ready, "食堂太挤", unit="A1")
    page = await ready.made("GET", URL, params=COMMENT)
    [item] = page.pop("items")
    assert page == {"campaign": "C", "question": "comment", "next": None}
    day = datetime.fromisoformat(item.pop("day")).date()
    assert abs((datetime.now(UTC).date() - day).days) <= 1
    assert item == {
        "unit": {"code": "A1", "name": "A1学校"},
        "population": "parent",
        "channel": "invitation",
        "text": "食堂太挤",
    }


async def test_neither_the_order_nor_a_cursor_tells_who_wrote_when(ready: Api) -> None:
    written = [f"第{number:02}条" for number in range(30)]
    await write(ready, *written)
    found = await read(ready)
    assert sorted(found) == written
    assert found not in (written, written[::-1])
    assert found == await read(ready) == await read(ready, limit=7)
    counted = [len(page["items"]) async for page in pages(ready, limit=7)]
    assert counted == [7, 7, 7, 7, 2]
    first = await ready.made("GET", URL, params={**COMMENT, "limit": 1})
    again = await ready.made("GET", URL, params={**COMMENT, "limit": 1})
    assert first["items"] == again["items"]
    assert first["next"] != again["next"]
    opened = base64.b64decode(first["next"] + "==", altchars=b"-_").decode()
    database: Database = ready.app.state.database
    for row in await database.pool.fetch("SELECT submission_id FROM responses"):
        assert row["submission_id"].hex not in opened


async def test_texts_that_stand_are_read_once_while_others_come_and_go(ready: Api) -> None:
    standing = [f"站{number}" for number in range(12)]
    await write(ready, *standing)
    leaving = await write(ready, *(f"走{number}" for number in range(8)))
    found: list[str] = []
    async for page in pages(ready, limit=3):
        found += [one["text"] for one in page["items"]]
        await write(ready, f"来{len(found)}")
        if leaving:
            await ready.made("POST", "/v1/receipts/withdraw", {"receipt": leaving.pop()})
    assert sorted(one for one in found if one.startswith("站")) == sorted(standing)
    assert len(found) == len(set(found))


async def test_what_does_not_count_is_not_read_and_what_counts_again_is(ready: Api) -> None:
    withdrawn, erased, _ = await write(ready, "撤回", "删除", "留下")
    await ready.made("POST", "/v1/receipts/withdraw", {"receipt": withdrawn})
    await ready.made("POST", "/v1/receipts/erase", {"receipt": erased})
    assert await read(ready) == ["留下"]
    await ready.made("POST", "/v1/campaigns/C/invitations/1/void", {"reason": "x"})
    assert await read(ready) == []
    await ready.made("POST", "/v1/campaigns/C/invitations/1/restore", {"reason": "x"})
    assert await read(ready) == ["留下"]


async def test_of_an_interview_that_was_revised_the_last_text_is_read(ready: Api) -> None:
    interview: dict[str, Any] = {
        "interview_id": "V-1",
        "unit": "B1",
        "population": "parent",
        "disposition": "1.2",
        "ended_at": datetime.now(UTC).isoformat(),
    }
    for revision, text in enumerate(("先", "后"), 1):
        one = {**interview, "revision": revision, "answers": {"comment": text}}
        await ready.made(
            "POST",
            "/v1/campaigns/C/interviews",
            {"interviews": [one]},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
    assert await read(ready) == ["后"]
    assert await read(ready, channel="phone") == ["后"]
    assert await read(ready, channel="invitation") == []


async def test_texts_are_picked_by_unit_population_quality_and_what_they_hold(ready: Api) -> None:
    await write(ready, "Playground 100%", "食堂_菜", unit="A1")
    await write(ready, "食堂A菜", unit="B1")
    assert sorted(await read(ready, within="A")) == ["Playground 100%", "食堂_菜"]
    assert await read(ready, population="parent", within="B1") == ["食堂A菜"]
    assert await read(ready, contains="playground") == ["Playground 100%"]
    assert await read(ready, contains="0%") == ["Playground 100%"]
    assert await read(ready, contains="堂_") == ["食堂_菜"]
    assert len(await read(ready, contains="食堂")) == 2
    database: Database = ready.app.state.database
    await database.pool.execute("UPDATE responses SET quality = 1 WHERE channel = 3 AND unit_id = "
                                "(SELECT id FROM units WHERE code = 'B1')")  # fmt: skip
    assert await read(ready, quality="clean", contains="食堂") == ["食堂_菜"]


async def test_each_population_has_its_own_place_for_a_question(admin: Api) -> None:
    await tree(admin)
    label = {"zh-CN": "题"}
    question = {"type": "text", "label": label}
    populations = {}
    for code, codes in (("one", ["comment", "other"]), ("two", ["other", "comment"])):
        body = {"title": label, "questions": [{**question, "code": each} for each in codes]}
        await admin.made("PUT", f"/v1/questionnaires/{code}", body)
        await admin.made("POST", f"/v1/questionnaires/{code}/publish")
        populations[code] = {"questionnaire": code, "version": 1}
    await open_campaign(admin, populations=populations)
    for population in populations:
        for token in await invitations(admin, 3, population=population):
            said = {"comment": f"{population}", "other": "别的"}
            body = {"submission_id": str(uuid.uuid4()), "answers": said}
            await admin.made("POST", f"/v1/invitations/{token}/responses", body)
    for limit in (1, 2, 3, 4, 6, 100):
        assert await read(admin, limit=limit) == ["one"] * 3 + ["two"] * 3
    assert await read(admin, population="two", limit=2) == ["two"] * 3
    assert await read(admin, question="other") == ["别的"] * 6


async def test_a_page_that_looks_through_much_ends_early_and_nothing_is_lost(
    ready: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(ready, *(f"甲{number}" for number in range(9)), unit="A1")
    await write(ready, "乙", unit="B1")
    monkeypatch.setattr(service, "LOOKED_AT", 2)
    counted = [len(page["items"]) async for page in pages(ready, within="B1")]
    assert (sum(counted), counted.count(0)) == (1, len(counted) - 1)
    assert len(counted) >= 5
    assert len(await read(ready, limit=3)) == 10


async def test_each_page_is_audited_with_what_was_asked_but_not_what_was_looked_for(
    ready: Api,
) -> None:
    await write(ready, "王老师好", "食堂", "操场")
    reader = await ready.as_client("responses:read", name="reader")
    async for _ in pages(reader, limit=2, within="A"):
        pass
    await read(reader, contains="王老师")
    assert (await reader.get(URL, params={**COMMENT, "population": "ghost"})).status_code == 422
    entries = (await ready.made("GET", "/v1/audit?action=answers.read"))["items"]
    told = sorted((one["detail"] for one in entries), key=lambda one: (one["limit"], one["first"]))
    asked = {"question": "comment", "quality": "all"}
    assert told == [
        {**asked, "within": "A", "limit": 2, "first": False, "items": 1},
        {**asked, "within": "A", "limit": 2, "first": True, "items": 2},
        {**asked, "contains": True, "limit": 100, "first": True, "items": 1},
    ]
    assert {one["object"] for one in entries} == {"C"}


async def test_texts_come_as_a_table_whose_formulas_are_defused(ready: Api) -> None:
    await write(ready, '=HYPERLINK("http://x")', "两行\n，一句")
    reply = await ready.get(URL, params={**COMMENT, "limit": 1}, headers={"Accept": "text/csv"})
    assert reply.headers["Cache-Control"] == "no-store"
    following = reply.headers["Link"]
    rest = await ready.get(
        URL + following[1 : following.index(">")], headers={"Accept": "text/csv"}
    )
    assert "Link" not in rest.headers
    lines = [
        line
        for content in (reply.content, rest.content)
        for line in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    ]
    assert sorted(line["text"] for line in lines) == ['\'=HYPERLINK("http://x")', "两行\n，一句"]
    assert {line["unit"] for line in lines} == {"A1"}


async def test_who_may_not_read_is_told_so_and_what_is_no_text_is_named(ready: Api) -> None:
    await write(ready, "甲", "乙")
    for scope, status in (("results:exact", 403), ("units:write", 403), ("responses:read", 200)):
        client = await ready.as_client(scope)
        assert (await client.get(URL, params=COMMENT)).status_code == status
    county = await ready.as_client("responses:read", unit="B")
    assert (await county.get(URL, params={**COMMENT, "within": "A"})).status_code == 404
    assert await read(county) == []
    for question in ("a", "many", "hours", "ghost"):
        reply = await ready.get(URL, params={"question": question})
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["pointer"] == "?question"
    page = await ready.made("GET", URL, params={**COMMENT, "limit": 1})
    await ready.made("PUT", "/v1/campaigns/D", {**await body_of(ready), "title": "另一次"})
    of_another = await ready.get(
        "/v1/campaigns/D/answers", params={**COMMENT, "cursor": page["next"]}
    )
    assert of_another.json()["errors"][0]["code"] == "bad_cursor"
    for cursor in ("x", "!!", "MTIz", "YWI", page["next"][:-8], page["next"][::-1]):
        reply = await ready.get(URL, params={**COMMENT, "cursor": cursor})
        assert (reply.status_code, reply.json()["errors"][0]["code"]) == (422, "bad_cursor"), cursor


async def body_of(api: Api) -> dict[str, Any]:
    """A campaign like C, to be made under another code."""
    found = await api.made("GET", "/v1/campaigns/C")
    names = ("region", "opens_at", "closes_at", "populations", "period")
    return {name: found[name] for name in names}
