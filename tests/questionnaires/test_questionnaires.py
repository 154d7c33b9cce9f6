"""Questionnaires over HTTP: drafts, publishing, reading, and who may do which."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.factories import Api, tree
from tests.questionnaires.definitions import (
    EVERYTHING,
    Json,
    draft,
    multiple,
    question,
    single,
    text,
)

SIMPLE = draft(single("q", "a", "b"))
URL = "/v1/questionnaires/Q"


async def errors(api: Api, body: Any) -> dict[str, str]:
    """Codes by pointer of what is wrong with a draft."""
    reply = await api.put(URL, body)
    assert reply.status_code == 422, reply.text
    return {one["pointer"]: one["code"] for one in reply.json()["errors"]}


def without_version(body: Json) -> Json:
    return {name: value for name, value in body.items() if name not in ("version", "versions")}


async def test_a_draft_is_created_then_changed_then_unchanged(admin: Api) -> None:
    created = await admin.put(URL, SIMPLE)
    assert created.status_code == 201
    beside: Json = {
        "code": "Q",
        "unit": None,
        "version": None,
        "versions": [],
        "default_locale": "zh-CN",
    }
    filled_in = {"required": False, "indicator": False}
    expected = {**SIMPLE, "scales": {}, "questions": [{**SIMPLE["questions"][0], **filled_in}]}
    assert created.json() == {**beside, **expected}
    unchanged = await admin.put(URL, SIMPLE)
    assert (unchanged.status_code, unchanged.json()) == (200, created.json())
    await admin.made("PUT", URL, {**SIMPLE, "title": text("新")})
    assert (await admin.made("GET", URL))["title"] == text("新")


async def test_conditions_are_read_under_the_names_that_they_are_written_with(admin: Api) -> None:
    condition = {
        "all": [
            {"question": "q", "in": ["a", "b"]},
            {"not": {"any": [{"question": "r", "lte": 2.5}, {"question": "r", "in": [3, "4"]}]}},
            {"question": "q", "not_in": ["b"]},
            {"question": "q", "answered": True},
        ]
    }
    body = draft(single("q", "a", "b"), question("r", "rating"), single("s", visible_if=condition))
    made = await admin.made("PUT", URL, body)
    assert made["questions"][2]["visible_if"] == condition
    await admin.made("POST", f"{URL}/publish")
    read = await admin.made("GET", f"{URL}?version=1")
    assert read["questions"][2]["visible_if"] == condition


async def test_what_is_read_can_be_put_again(admin: Api) -> None:
    body = {**EVERYTHING, "intro": text(), "scales": {"s": [{"value": "x", "label": text()}]}}
    await admin.made("PUT", URL, body)
    await admin.made("POST", f"{URL}/publish")
    version = await admin.made("GET", f"{URL}?version=1")
    again = await admin.put(URL, version)
    assert again.status_code == 200
    assert without_version(again.json()) == without_version(version)
    copy = await admin.put("/v1/questionnaires/copy", version)
    assert copy.status_code == 201
    expected = {**without_version(version), "code": "copy"}
    assert without_version(copy.json()) == expected
    assert (await admin.post(f"{URL}/publish")).status_code == 200


async def test_publishing_makes_numbered_versions_and_none_without_a_change(admin: Api) -> None:
    await admin.made("PUT", URL, SIMPLE)
    first = await admin.post(f"{URL}/publish")
    assert first.status_code == 201
    assert first.json() == {
        "code": "Q",
        "version": 1,
        "missing_translations": [],
        "warnings": [],
    }
    again = await admin.post(f"{URL}/publish")
    assert (again.status_code, again.json()) == (200, first.json())
    await admin.made("PUT", URL, draft(single("q", "a", "b", "c"), title={**text(), "en": "x"}))
    second = await admin.made("POST", f"{URL}/publish")
    assert second["version"] == 2
    assert "/questions/0/label/en" in second["missing_translations"]
    shown = [await admin.made("GET", f"{URL}?version={number}") for number in (1, 2)]
    assert [len(one["questions"][0]["options"]) for one in shown] == [2, 3]
    assert [one["version"] for one in shown] == [1, 2]
    assert shown[0]["versions"] == (await admin.made("GET", URL))["versions"] == [1, 2]
    await admin.made("PUT", URL, SIMPLE)
    back = await admin.made("POST", f"{URL}/publish")
    assert back["version"] == 3


async def test_a_faulty_draft_is_kept_but_not_published(admin: Api) -> None:
    await admin.made("PUT", URL, draft(single("q", "a", "a"), multiple("q", max_selected=9)))
    reply = await admin.post(f"{URL}/publish")
    assert reply.status_code == 422
    assert reply.json()["type"] == "/problems/questionnaire-refused"
    assert {one["pointer"] for one in reply.json()["errors"]} == {
        "/questions/0/options/1/value",
        "/questions/1/code",
        "/questions/1/max_selected",
    }
    assert (await admin.made("GET", URL))["versions"] == []


async def test_twenty_at_once_publish_one_version(admin: Api) -> None:
    await admin.made("PUT", URL, SIMPLE)
    replies = await asyncio.gather(*(admin.post(f"{URL}/publish") for _ in range(20)))
    assert sorted(reply.status_code for reply in replies) == [200] * 19 + [201]
    assert {reply.json()["version"] for reply in replies} == {1}
    assert (await admin.made("GET", URL))["versions"] == [1]


async def test_changing_and_publishing_at_once_makes_consecutive_versions(admin: Api) -> None:
    await admin.made("PUT", URL, SIMPLE)

    async def change_and_publish(number: int) -> int:
        await admin.made("PUT", URL, {**SIMPLE, "title": text(f"第{number}")})
        reply = await admin.made("POST", f"{URL}/publish")
        return int(reply["version"])

    versions = await asyncio.gather(*(change_and_publish(number) for number in range(8)))
    last = max(versions)
    assert (await admin.made("GET", URL))["versions"] == list(range(1, last + 1))


async def test_creating_at_once_creates_once(admin: Api) -> None:
    replies = await asyncio.gather(*(admin.put(URL, SIMPLE) for _ in range(10)))
    assert sorted(reply.status_code for reply in replies) == [200] * 9 + [201]


async def test_the_database_refuses_to_change_a_version(admin: Api, database_url: str) -> None:
    await admin.made("PUT", URL, SIMPLE)
    await admin.made("POST", f"{URL}/publish")
    connection = await asyncpg.connect(database_url)
    try:
        for statement in (
            "UPDATE questionnaire_versions SET definition = '{}'",
            "UPDATE questionnaire_versions SET version = 9",
            "DELETE FROM questionnaire_versions",
            "TRUNCATE questionnaire_versions CASCADE",
        ):
            with pytest.raises(asyncpg.PostgresError):
                await connection.execute(statement)
    finally:
        await connection.close()
    assert (await admin.made("GET", f"{URL}?version=1"))["questions"][0]["code"] == "q"


async def test_publishing_is_written_to_the_audit(admin: Api, database_url: str) -> None:
    await admin.made("PUT", URL, SIMPLE)
    for _ in range(2):
        await admin.made("POST", f"{URL}/publish")
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        "SELECT object, detail->>'version' AS version FROM audit_entries "
        "WHERE action = 'questionnaire.publish'"
    )
    await connection.close()
    assert [tuple(row) for row in rows] == [("Q", "1")]


async def test_questionnaires_are_listed_page_by_page(admin: Api) -> None:
    for code in ("b", "a", "c"):
        await admin.made("PUT", f"/v1/questionnaires/{code}", SIMPLE)
    await admin.made("POST", "/v1/questionnaires/b/publish")
    first = await admin.made("GET", "/v1/questionnaires?limit=2")
    assert [(one["code"], one["versions"]) for one in first["items"]] == [("a", []), ("b", [1])]
    assert first["items"][0]["title"] == text("问卷")
    second = await admin.made("GET", f"/v1/questionnaires?limit=2&cursor={first['next']}")
    assert [one["code"] for one in second["items"]] == ["c", "satisfaction-six"]
    assert second["next"] is None


async def test_versions_are_listed_in_order(admin: Api) -> None:
    for number in range(12):
        await admin.made("PUT", URL, {**SIMPLE, "title": text(str(number + 1))})
        await admin.made("POST", f"{URL}/publish")
    listed = await admin.made("GET", "/v1/questionnaires?limit=1")
    assert listed["items"][0]["versions"] == list(range(1, 13))


async def test_a_token_is_needed_to_read_and_a_scope_to_write(api: Api, admin: Api) -> None:
    reader = await api.as_client("results:read")
    for method, url in (("PUT", URL), ("POST", f"{URL}/publish")):
        assert (await api.request(method, url, json=SIMPLE)).status_code == 401
        assert (await reader.request(method, url, json=SIMPLE)).status_code == 403
    await admin.made("PUT", URL, SIMPLE)
    for url in (URL, "/v1/questionnaires"):
        assert (await api.get(url)).status_code == 401
        assert (await reader.get(url)).status_code == 200


async def test_each_owner_is_seen_and_changed_from_where_it_may_be(admin: Api) -> None:
    await tree(admin)
    for owner in ("W", "A", "A1", "B", None):
        code = f"of-{owner}"
        await admin.made("PUT", f"/v1/questionnaires/{code}", {**SIMPLE, "unit": owner})
    county = await admin.as_client("questionnaires:write", unit="A")
    listed = await county.made("GET", "/v1/questionnaires")
    visible = {one["code"]: one["unit"] for one in listed["items"]}
    expected = {"of-A": "A", "of-A1": "A1", "of-None": None, "of-W": "W"}
    assert visible == {**expected, "satisfaction-six": None}
    for owner, read, written in (
        ("W", 200, 403),
        ("A", 200, 200),
        ("A1", 200, 200),
        ("B", 404, 404),
        (None, 200, 403),
    ):
        url = f"/v1/questionnaires/of-{owner}"
        assert (await county.get(url)).status_code == read
        put = await county.put(url, SIMPLE)
        assert put.status_code == written
        publish = await county.post(f"{url}/publish")
        assert publish.status_code == (201 if written == 200 else written)
        if written == 403:
            assert put.json()["type"] == publish.json()["type"] == "/problems/not-owner"


async def test_the_owner_is_the_callers_unit_unless_another_below_is_named(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("questionnaires:write", unit="A")
    assert (await county.made("PUT", URL, SIMPLE))["unit"] == "A"
    assert (await county.made("PUT", URL, {**SIMPLE, "unit": "A1"}))["unit"] == "A1"
    # Left out, it stays; also for a client that sees all.
    assert (await county.made("PUT", URL, SIMPLE))["unit"] == "A1"
    assert (await admin.made("PUT", URL, SIMPLE))["unit"] == "A1"
    for outside in ("W", "B", "B1", "nowhere"):
        assert (await county.put(URL, {**SIMPLE, "unit": outside})).status_code == 404
    assert await errors(county, {**SIMPLE, "unit": None}) == {"/unit": "unit_needed"}
    assert (await admin.made("PUT", URL, {**SIMPLE, "unit": None}))["unit"] is None


async def test_a_school_takes_up_what_its_city_published(admin: Api) -> None:
    await tree(admin)
    await admin.made("PUT", URL, {**SIMPLE, "unit": "W"})
    await admin.made("POST", f"{URL}/publish")
    school = await admin.as_client("questionnaires:write", unit="A1")
    version = await school.made("GET", f"{URL}?version=1")
    copy = await school.made("PUT", "/v1/questionnaires/ours", {**version, "unit": "A1"})
    assert copy["unit"] == "A1"
    assert copy["questions"] == version["questions"]


@pytest.mark.parametrize(("version", "status"), [(1, 200), (2, 404), (2**31 - 1, 404)])
async def test_a_version_that_is_not_there_is_not_found(
    admin: Api, version: int, status: int
) -> None:
    reply = await admin.get(f"/v1/questionnaires/satisfaction-six?version={version}")
    assert reply.status_code == status
    assert (await admin.get(f"{URL}?version=1")).status_code == 404
    assert (await admin.post(f"{URL}/publish")).status_code == 404


@pytest.mark.parametrize("version", ["0", "-1", str(2**31), "1" * 400, "x", "1.5", ""])
async def test_a_version_that_cannot_be_is_refused(admin: Api, version: str) -> None:
    reply = await admin.get(f"/v1/questionnaires/satisfaction-six?version={version}")
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "?version"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**SIMPLE, "extra": 1}, "/extra"),
        ({**SIMPLE, "title": {}}, "/title"),
        ({**SIMPLE, "title": "问卷"}, "/title"),
        ({**SIMPLE, "title": {"zh-CN": "a\x00b"}}, ""),
        ({**SIMPLE, "default_locale": "简体"}, "/default_locale"),
        ({**SIMPLE, "questions": {}}, "/questions"),
        ({**SIMPLE, "questions": [{"code": "q", "type": "map"}]}, "/questions/0"),
        ({**SIMPLE, "scales": {"s": []}}, "/scales/s"),
        (
            {**SIMPLE, "scales": {f"s{n}": SIMPLE["questions"][0]["options"] for n in range(51)}},
            "/scales",
        ),
        ({**SIMPLE, "unit": 5}, "/unit"),
        ([], ""),
        (None, ""),
    ],
)
async def test_a_draft_of_the_wrong_shape_is_refused(admin: Api, body: Any, pointer: str) -> None:
    assert pointer in await errors(admin, body)
    assert (await admin.get(URL)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"code": "a b"}, "code"),
        ({"label": None}, "label"),
        ({"options": [{"value": "a", "label": text()}] * 255}, "options"),
        ({"surprise": 1}, "surprise"),
        ({"visible_if": {}}, "question"),
        ({"visible_if": []}, "visible_if"),
        ({"visible_if": {"question": "q", "in": ["a"], "gte": 1}}, "visible_if"),
        ({"visible_if": {"question": "q"}}, "visible_if"),
        ({"visible_if": {"question": "q", "in": []}}, "in"),
        ({"visible_if": {"question": "q", "in": [1.5]}}, "in"),
        ({"visible_if": {"question": "q", "in": ["a"] * 255}}, "in"),
        ({"visible_if": {"question": "q", "gte": 10**400}}, "gte"),
        ({"visible_if": {"all": []}}, "all"),
        ({"visible_if": {"all": [{"question": "q", "answered": 1}], "any": []}}, "any"),
    ],
)
async def test_a_question_of_the_wrong_shape_is_refused(
    admin: Api, fields: Json, field: str
) -> None:
    found = await errors(admin, draft({**single("q"), **fields}))
    assert all(pointer.startswith("/questions/0") for pointer in found)
    assert any(f"/{field}" in pointer for pointer in found), found


@pytest.mark.parametrize("levels", [100, 250, 500, 900, 1_000, 1_100, 5_000, 50_000])
@pytest.mark.parametrize("before", ['{"not":', '{"all":[', "["])
async def test_conditions_nested_too_deep_are_refused(admin: Api, before: str, levels: int) -> None:
    after = {"[": "]", "{": "}"}
    closing = "".join(after[one] for one in reversed(before) if one in after)
    condition = before * levels + '{"question":"q","answered":true}' + closing * levels
    content = (
        '{"title":{"zh-CN":"x"},"questions":[{"code":"q","type":"text","label":{"zh-CN":"x"},'
        f'"visible_if":{condition}}}]}}'
    )
    reply = await admin.put(URL, content=content, headers={"Content-Type": "application/json"})
    assert reply.status_code in (400, 422)
    assert reply.headers["Content-Type"] == "application/problem+json"
    if levels < 500:
        assert [one["code"] for one in reply.json()["errors"]] == ["too_deep"]


async def test_conditions_may_nest_some_levels(admin: Api) -> None:
    condition: Json = {"question": "q", "answered": True}
    for _ in range(6):
        condition = {"not": {"all": [condition]}}
    body = draft(single("q"), single("r", visible_if=condition))
    made = await admin.made("PUT", URL, body)
    assert made["questions"][1]["visible_if"] == condition
    assert (await admin.post(f"{URL}/publish")).status_code == 201


async def test_numbers_survive_their_storing(admin: Api) -> None:
    bounds = [question("n", "number", min=-1e12, max=0.1), question("m", "number", min=1e-300)]
    shown = {"question": "n", "gte": -1e300}
    await admin.made("PUT", URL, draft(*bounds, single("q", visible_if=shown)))
    read = await admin.made("GET", URL)
    assert (read["questions"][0]["min"], read["questions"][0]["max"]) == (-1e12, 0.1)
    assert read["questions"][1]["min"] == 1e-300
    assert read["questions"][2]["visible_if"] == shown
