"""Campaigns: putting, reading, listing, what is refused."""

import asyncio
from typing import Any

import asyncpg

from app.core.keyring import Keyring
from app.core.settings import Settings
from tests.factories import Api, campaign_body, revision, tree

SIX = {"questionnaire": "satisfaction-six", "version": 1}
REQUIRED = {
    "title": "秋季",
    "region": "W",
    "opens_at": "2026-11-01T08:00:00+08:00",
    "closes_at": "2026-11-30T18:00:00+08:00",
    "populations": {"parent": SIX},
}


async def pointers(api: Api, **changes: Any) -> list[str]:
    """What a PUT of the smallest campaign with these changes is refused for."""
    body = {name: value for name, value in {**REQUIRED, **changes}.items() if value != "left out"}
    reply = await api.put("/v1/campaigns/X", body)
    assert reply.status_code == 422, reply.text
    assert reply.json()["type"] == "/problems/invalid-input"
    assert (await api.get("/v1/campaigns/X")).status_code == 404
    return [error["pointer"] for error in reply.json()["errors"]]


async def positions(database_url: str) -> dict[str, int]:
    """The stored positions of all populations, by code."""
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("SELECT code, position FROM campaign_populations")
    await connection.close()
    return {row["code"]: row["position"] for row in rows}


async def test_the_required_fields_are_enough_and_the_rest_has_its_defaults(admin: Api) -> None:
    await tree(admin)
    created = await admin.put("/v1/campaigns/C", REQUIRED)
    assert created.status_code == 201, created.text
    assert created.json() == {
        "code": "C",
        "state": "draft",
        "title": "秋季",
        "period": None,
        "region": "W",
        "opens_at": "2026-11-01T00:00:00Z",
        "closes_at": "2026-11-30T10:00:00Z",
        "delivery_days": 7,
        "populations": {
            "parent": {**SIX, "weight": None, "under_14": False, "max_children": 1, "targets": []}
        },
        "identity": ["wechat", "invitation", "device"],
        "once_per": "population",
        "on_duplicate": "keep_first",
        "min_cell": 10,
        "min_rank": 30,
        "headline_channels": None,
        "purpose": None,
        "retention_days": 180,
        "answers_shown_minutes": 30,
        "contact": None,
        "legal": None,
    }


async def test_what_get_returns_can_be_put_again_unchanged(admin: Api) -> None:
    await tree(admin)
    target = {"name": "电话", "basis": "parents", "share": 0.05, "channel": "phone"}
    body = campaign_body(
        populations={"parent": {**SIX, "weight": 0.4, "targets": [target]}, "public": SIX},
        identity=["device"],
        once_per="unit",
        on_duplicate="keep_last",
        min_cell=5,
        headline_channels=["phone", "link"],
        contact={"name": "督导室", "phone": "0536-8791234"},
        legal={"表号": "教满 1 表", "有效期": ""},
    )
    await admin.made("PUT", "/v1/campaigns/C", body)
    shown = await admin.made("GET", "/v1/campaigns/C")
    assert shown["populations"]["parent"]["targets"] == [target]
    again = {name: value for name, value in shown.items() if name not in ("code", "state")}
    reply = await admin.put("/v1/campaigns/C", again)
    assert (reply.status_code, reply.json()) == (200, shown)
    assert await revision(admin) == 1


async def test_each_required_field_is_asked_for(admin: Api) -> None:
    await tree(admin)
    for name in REQUIRED:
        assert await pointers(admin, **{name: "left out"}) == [f"/{name}"]


TARGET = {"name": "a", "basis": "students", "share": 0.5}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "/title"),
    ({"title": "x" * 201}, "/title"),
    ({"title": 7}, "/title"),
    ({"period": "2026-winter"}, "/period"),
    ({"region": "no such\x00unit"}, ""),
    ({"opens_at": "2026-11-01T08:00:00"}, "/opens_at"),
    ({"opens_at": "2026-11-01"}, "/opens_at"),
    ({"opens_at": 1_790_000_000}, "/opens_at"),
    ({"opens_at": "1790000000"}, "/opens_at"),
    ({"opens_at": "1999-12-31T00:00:00Z"}, "/opens_at"),
    ({"opens_at": "0001-01-01T00:00:00+14:00"}, "/opens_at"),
    ({"closes_at": "2101-01-01T00:00:00Z"}, "/closes_at"),
    ({"closes_at": "9999-12-31T23:59:59-12:00"}, "/closes_at"),
    ({"closes_at": REQUIRED["opens_at"]}, "/closes_at"),
    ({"closes_at": "2026-11-01T00:00:00Z"}, "/closes_at"),
    ({"delivery_days": -1}, "/delivery_days"),
    ({"delivery_days": 366}, "/delivery_days"),
    ({"delivery_days": "7"}, "/delivery_days"),
    ({"delivery_days": True}, "/delivery_days"),
    ({"populations": {}}, "/populations"),
    ({"populations": []}, "/populations"),
    ({"populations": {f"p{n}": SIX for n in range(21)}}, "/populations"),
    ({"populations": {"家长": SIX}}, "/populations/家长"),
    ({"populations": {"parent": {"version": 1}}}, "/populations/parent/questionnaire"),
    ({"populations": {"parent": {**SIX, "version": 2}}}, "/populations/parent/version"),
    ({"populations": {"parent": {**SIX, "version": 2**40}}}, "/populations/parent/version"),
    (
        {"populations": {"parent": {**SIX, "questionnaire": "none"}}},
        "/populations/parent/version",
    ),
    ({"populations": {"parent": {**SIX, "weight": -0.1}}}, "/populations/parent/weight"),
    ({"populations": {"parent": {**SIX, "weight": "1"}}}, "/populations/parent/weight"),
    ({"populations": {"parent": {**SIX, "colour": 1}}}, "/populations/parent/colour"),
    (
        {"populations": {"parent": {**SIX, "targets": [{**TARGET, "share": 0}]}}},
        "/populations/parent/targets/0/share",
    ),
    (
        {"populations": {"parent": {**SIX, "targets": [{**TARGET, "share": 1.01}]}}},
        "/populations/parent/targets/0/share",
    ),
    (
        {"populations": {"parent": {**SIX, "targets": [{**TARGET, "basis": "cats"}]}}},
        "/populations/parent/targets/0/basis",
    ),
    (
        {"populations": {"parent": {**SIX, "targets": [{**TARGET, "channel": "fax"}]}}},
        "/populations/parent/targets/0/channel",
    ),
    (
        {"populations": {"parent": {**SIX, "targets": [TARGET, TARGET]}}},
        "/populations/parent/targets",
    ),
    ({"identity": []}, "/identity"),
    ({"identity": ["device", "device"]}, "/identity"),
    ({"identity": ["passport"]}, "/identity/0"),
    ({"identity": None}, "/identity"),
    ({"once_per": "week"}, "/once_per"),
    ({"on_duplicate": "keep_both"}, "/on_duplicate"),
    ({"min_cell": 4}, "/min_cell"),
    ({"min_cell": 10.5}, "/min_cell"),
    ({"min_rank": 0}, "/min_rank"),
    ({"min_rank": 2**31}, "/min_rank"),
    ({"headline_channels": []}, "/headline_channels"),
    ({"headline_channels": ["phone", "phone"]}, "/headline_channels"),
    ({"headline_channels": ["radio"]}, "/headline_channels/0"),
    ({"contact": {"phone": {"office": "1"}}}, "/contact/phone"),
    ({"contact": {"x": "y" * 501}}, "/contact/x"),
    ({"legal": {str(n): "x" for n in range(21)}}, "/legal"),
    ({"legal": {"a\x00": "x"}}, ""),
    ({"state": "open"}, "/state"),
    ({"code": "Y"}, "/code"),
]


async def test_what_is_wrong_is_pointed_at(admin: Api) -> None:
    await tree(admin)
    for changes, pointer in WRONG:
        assert await pointers(admin, **changes) == [pointer], changes


async def test_every_unknown_version_is_named_at_once(admin: Api) -> None:
    await tree(admin)
    populations = {"a": {**SIX, "version": 9}, "b": SIX, "c": {**SIX, "questionnaire": "none"}}
    found = await pointers(admin, populations=populations)
    assert found == ["/populations/a/version", "/populations/c/version"]


async def test_a_draft_can_be_changed_in_everything(admin: Api) -> None:
    await tree(admin)
    await admin.made("PUT", "/v1/campaigns/C", REQUIRED)
    other = campaign_body(
        title="Another",
        region="A",
        populations={"teacher": {**SIX, "weight": 2}},
        identity=["wechat"],
        once_per="campaign",
        on_duplicate="keep_last",
        min_cell=20,
        min_rank=40,
        delivery_days=0,
    )
    changed = await admin.put("/v1/campaigns/C", other)
    assert changed.status_code == 200, changed.text
    shown = await admin.made("GET", "/v1/campaigns/C")
    assert shown == changed.json()
    assert shown["populations"] == {
        "teacher": {**SIX, "weight": 2, "under_14": False, "max_children": 1, "targets": []}
    }
    for name in other:
        if name not in ("populations", "opens_at", "closes_at"):
            assert shown[name] == other[name]
    assert await revision(admin) == 2


async def test_a_population_keeps_its_position_whatever_comes_and_goes(
    admin: Api, database_url: str
) -> None:
    await tree(admin)

    async def put(*names: str) -> dict[str, int]:
        body = campaign_body(populations=dict.fromkeys(names, SIX))
        await admin.made("PUT", "/v1/campaigns/C", body)
        return await positions(database_url)

    assert await put("teacher", "parent", "student") == {"teacher": 0, "parent": 1, "student": 2}
    assert await put("student", "parent") == {"parent": 1, "student": 2}
    assert await put("public", "student", "raters", "parent") == {
        "public": 0,
        "parent": 1,
        "student": 2,
        "raters": 3,
    }


async def test_a_population_with_links_cannot_be_left_out(admin: Api) -> None:
    await tree(admin)
    body = campaign_body()
    await admin.made("PUT", "/v1/campaigns/C", body)
    links = {"population": "teacher", "units": ["A1"]}
    await admin.made("POST", "/v1/campaigns/C/links", links)
    only_parents = {"parent": body["populations"]["parent"]}
    refused = await admin.put("/v1/campaigns/C", {**body, "populations": only_parents})
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/campaign-frozen"
    assert refused.json()["errors"][0]["pointer"] == "/populations"
    assert set((await admin.made("GET", "/v1/campaigns/C"))["populations"]) == {"parent", "teacher"}


async def test_campaigns_are_listed_page_by_page_by_state_and_within(admin: Api) -> None:
    await tree(admin)
    for code, region in (("c1", "W"), ("c2", "A"), ("c3", "B"), ("c4", "A1")):
        await admin.made("PUT", f"/v1/campaigns/{code}", campaign_body(region=region))
    await admin.made("POST", "/v1/campaigns/c2/open")

    async def codes(query: str) -> list[str]:
        return [one["code"] for one in (await admin.made("GET", f"/v1/campaigns{query}"))["items"]]

    assert await codes("") == ["c1", "c2", "c3", "c4"]
    assert await codes("?within=A") == ["c2", "c4"]
    assert await codes("?state=open") == ["c2"]
    assert await codes("?state=draft&within=A") == ["c4"]
    first = await admin.made("GET", "/v1/campaigns?limit=3")
    assert [one["region"] for one in first["items"]] == ["W", "A", "B"]
    assert first["items"][0] == await admin.made("GET", "/v1/campaigns/c1")
    second = await admin.made("GET", f"/v1/campaigns?limit=3&cursor={first['next']}")
    assert [one["code"] for one in second["items"]] == ["c4"]
    assert second["next"] is None
    assert (await admin.get("/v1/campaigns?state=lost")).status_code == 422
    assert (await admin.get("/v1/campaigns?within=nowhere")).status_code == 404


async def test_each_campaign_has_its_own_keys_from_the_start(
    admin: Api, database_url: str, settings: Settings
) -> None:
    await tree(admin)
    await admin.made("PUT", "/v1/campaigns/C", campaign_body())
    await admin.made("PUT", "/v1/campaigns/D", campaign_body())
    await admin.made("PUT", "/v1/campaigns/D", campaign_body(title="again"))
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("SELECT campaign_id, purpose, wrapped FROM campaign_keys")
    await connection.close()
    keyring = Keyring(settings.secret_keys)
    plain = {
        keyring.unwrap(
            row["wrapped"], context=f"campaign/{row['campaign_id']}/{row['purpose']}".encode()
        )
        for row in rows
    }
    assert [len(key) for key in plain] == [32] * 4
    assert sorted(row["purpose"] for row in rows) == ["identity"] * 2 + ["receipt"] * 2


async def test_missing_contacts_are_stored_as_null(admin: Api, database_url: str) -> None:
    await tree(admin)
    await admin.made("PUT", "/v1/campaigns/C", campaign_body())
    await admin.made("PUT", "/v1/campaigns/C", campaign_body(contact={"a": "b"}))
    await admin.made("PUT", "/v1/campaigns/C", campaign_body(contact=None))
    connection = await asyncpg.connect(database_url)
    row = await connection.fetchrow("SELECT contact, legal FROM campaigns")
    await connection.close()
    assert tuple(row) == (None, None)


async def test_the_same_new_campaign_put_many_times_at_once_is_made_once(
    admin: Api, database_url: str
) -> None:
    await tree(admin)
    body = campaign_body()
    replies = await asyncio.gather(*[admin.put("/v1/campaigns/C", body) for _ in range(12)])
    assert sorted(reply.status_code for reply in replies) == [200] * 11 + [201]
    assert len({reply.text for reply in replies}) == 1
    assert await positions(database_url) == {"parent": 0, "teacher": 1}
    assert await revision(admin) == 1


async def test_different_changes_at_once_all_happen_one_after_the_other(
    admin: Api, database_url: str
) -> None:
    await tree(admin)
    body = campaign_body()
    await admin.made("PUT", "/v1/campaigns/C", body)

    def change(number: int) -> dict[str, Any]:
        populations = dict.fromkeys(("parent", f"p{number}", f"q{number}"), SIX)
        return {**body, "title": f"title {number}", "populations": populations}

    replies = await asyncio.gather(
        *[admin.put("/v1/campaigns/C", change(number)) for number in range(12)]
    )
    assert [reply.status_code for reply in replies] == [200] * 12
    assert await revision(admin) == 13
    shown = await admin.made("GET", "/v1/campaigns/C")
    number = shown["title"].removeprefix("title ")
    assert set(shown["populations"]) == {"parent", f"p{number}", f"q{number}"}
    assert sorted((await positions(database_url)).values()) == [0, 1, 2]
