"""Units: putting, reading, listing, who sees which."""

import asyncio

from tests.core.test_http import problem
from tests.factories import PERIOD, Api, tree

COUNTY = {"name": "A县", "kind": "county"}


async def test_a_unit_is_created_then_changed_then_unchanged(admin: Api) -> None:
    unit = {"name": "潍坊市", "kind": "city", "residents": 9_380_000}
    created = await admin.put("/v1/units/370700", unit)
    assert created.status_code == 201
    assert created.json()["residents"] == 9_380_000
    assert (await admin.put("/v1/units/370700", unit)).status_code == 200
    await admin.put("/v1/units/370700", {**unit, "name": "潍坊"})
    assert (await admin.get("/v1/units/370700")).json()["name"] == "潍坊"


async def test_units_are_listed_page_by_page_within_a_subtree(admin: Api) -> None:
    await tree(admin)
    first = await admin.made("GET", "/v1/units?limit=2&within=A")
    assert [unit["code"] for unit in first["items"]] == ["A", "A1"]
    second = await admin.made("GET", f"/v1/units?limit=2&within=A&cursor={first['next']}")
    assert [unit["code"] for unit in second["items"]] == ["A2"]
    assert second["next"] is None


async def test_a_client_sees_its_subtree_alone(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("units:write", unit="A")
    listed = await county.made("GET", "/v1/units")
    assert [unit["code"] for unit in listed["items"]] == ["A", "A1", "A2"]
    for code in ("W", "B", "B1", "nowhere"):
        assert (await county.get(f"/v1/units/{code}")).status_code == 404
        unit = {"name": "x", "kind": "school", "parent": "A"}
        expected = 404 if code != "nowhere" else 201
        assert (await county.put(f"/v1/units/{code}", unit)).status_code == expected


async def test_a_move_takes_the_whole_subtree_along(admin: Api) -> None:
    await tree(admin)
    unit = {"name": "一班", "kind": "class", "parent": "A1"}
    await admin.made("PUT", "/v1/units/A1-1", unit)
    await admin.made("PUT", "/v1/units/A1", {"name": "A1", "kind": "school", "parent": "B"})
    within = await admin.made("GET", "/v1/units?within=B")
    assert [unit["code"] for unit in within["items"]] == ["A1", "A1-1", "B", "B1"]
    within = await admin.made("GET", "/v1/units?within=A")
    assert [unit["code"] for unit in within["items"]] == ["A", "A2"]


async def test_kinds_must_descend(admin: Api) -> None:
    await tree(admin)
    below = await admin.put("/v1/units/X", {"name": "X", "kind": "city", "parent": "A"})
    assert below.status_code == 422
    assert below.json()["errors"][0]["pointer"] == "/kind"
    itself = await admin.put("/v1/units/A", {"name": "A", "kind": "county", "parent": "A"})
    assert itself.status_code == 422
    squeezed = await admin.put("/v1/units/A", {"name": "A", "kind": "school", "parent": "W"})
    assert squeezed.status_code == 422


async def test_a_parent_out_of_sight_is_not_found(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("units:write", unit="A")
    for parent in ("W", "B", "B1", "nowhere", None):
        unit = {"name": "N", "kind": "class", "parent": parent}
        problem(await county.put("/v1/units/N", unit), 404, "not-found")
    moved = {"name": "A1", "kind": "school", "parent": "B"}
    problem(await county.put("/v1/units/A1", moved), 404, "not-found")
    problem(await admin.get("/v1/units/N"), 404, "not-found")
    assert (await admin.made("GET", "/v1/units/A1"))["parent"] == "A"


async def test_a_clients_own_root_keeps_the_parent_that_it_cannot_see(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("units:write", unit="A")
    changed = await county.made("PUT", "/v1/units/A", {**COUNTY, "name": "甲县", "parent": "W"})
    assert (changed["name"], changed["parent"]) == ("甲县", "W")
    for parent in (None, "B", "nowhere"):
        problem(await county.put("/v1/units/A", {**COUNTY, "parent": parent}), 404, "not-found")
    assert (await admin.made("GET", "/v1/units/A"))["parent"] == "W"
    assert [unit["code"] for unit in (await county.made("GET", "/v1/units"))["items"]] == [
        "A",
        "A1",
        "A2",
    ]


async def test_residents_are_a_whole_number_of_people(admin: Api) -> None:
    unit = {"name": "潍坊市", "kind": "city"}
    for residents in (0, 1, 1_500_000_000, None):
        stored = await admin.made("PUT", "/v1/units/W", {**unit, "residents": residents})
        assert stored["residents"] == residents
    for wrong in (-1, 1_500_000_001, 2**31, 2**63, 1.5, "400000", True, [1]):
        reply = await admin.put("/v1/units/W", {**unit, "residents": wrong})
        [error] = problem(reply, 422, "invalid-input")["errors"]
        assert error["pointer"] == "/residents"
    assert (await admin.made("GET", "/v1/units/W"))["residents"] is None


async def test_what_is_left_out_of_a_put_is_taken_away(admin: Api) -> None:
    unit = {"name": "一中", "kind": "school", "stage": "junior", "residents": 5}
    await admin.made("PUT", "/v1/units/S", unit)
    bare = await admin.made("PUT", "/v1/units/S", {"name": "一中", "kind": "school"})
    assert (bare["stage"], bare["residents"]) == (None, None)


async def test_enrolment_is_put_by_period(admin: Api) -> None:
    await tree(admin)
    heads = {"period": "2027-spring", "students": 90, "parents": 180, "teachers": 9}
    url = "/v1/units/A1/enrolment"
    assert (await admin.put(url, heads)).status_code == 201
    assert (await admin.put(url, heads)).status_code == 200
    assert (await admin.put(url, {**heads, "students": 91})).json()["students"] == 91
    older = {"period": "2026-spring", "students": 1}
    assert (await admin.put(url, older)).json() == {**older, "parents": None, "teachers": None}
    enrolment = (await admin.made("GET", "/v1/units/A1"))["enrolment"]
    assert [row["period"] for row in enrolment] == ["2027-spring", "2026-autumn", "2026-spring"]
    assert enrolment[0]["students"] == 91


async def test_wrong_enrolment_is_pointed_at(admin: Api) -> None:
    await tree(admin)
    heads = {"period": PERIOD, "students": 100}
    for change, pointer in (
        ({"period": "2026"}, "/period"),
        ({"period": "2026-summer"}, "/period"),
        ({"period": "1026-autumn"}, "/period"),
        ({"period": None}, "/period"),
        ({"students": -1}, "/students"),
        ({"students": 2**31}, "/students"),
        ({"students": "100"}, "/students"),
        ({"pupils": 1}, "/pupils"),
    ):
        reply = await admin.put("/v1/units/A1/enrolment", {**heads, **change})
        [error] = problem(reply, 422, "invalid-input")["errors"]
        assert error["pointer"] == pointer
    reply = await admin.put("/v1/units/A1/enrolment", {"students": 1})
    assert problem(reply, 422, "invalid-input")["errors"][0]["pointer"] == "/period"


async def test_enrolment_outside_the_subtree_is_not_found(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("units:write", unit="A")
    heads = {"period": PERIOD, "students": 1}
    assert (await county.put("/v1/units/A1/enrolment", heads)).status_code == 200
    for code in ("W", "B", "B1", "nowhere"):
        reply = await county.put(f"/v1/units/{code}/enrolment", heads)
        problem(reply, 404, "not-found")
    assert (await admin.made("GET", "/v1/units/B1"))["enrolment"][0]["students"] == 100


async def test_a_listing_within_or_past_the_subtree(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("results:read", unit="A")
    for code in ("W", "B", "nowhere"):
        problem(await county.get(f"/v1/units?within={code}"), 404, "not-found")
    schools = await county.made("GET", "/v1/units?kind=school&within=A")
    assert [unit["code"] for unit in schools["items"]] == ["A1", "A2"]
    # A cursor from elsewhere opens nothing that the filter closes.
    page = await admin.made("GET", "/v1/units?limit=1")
    listed = await county.made("GET", f"/v1/units?cursor={page['next']}")
    assert {unit["code"] for unit in listed["items"]} <= {"A", "A1", "A2"}


async def test_units_need_a_token_and_writing_them_a_scope(admin: Api, api: Api) -> None:
    await tree(admin)
    reader = await admin.as_client("results:read campaigns:write links:write samples:read")
    for method, url, body in (
        ("GET", "/v1/units", None),
        ("GET", "/v1/units/A", None),
        ("PUT", "/v1/units/A", {**COUNTY, "parent": "W"}),
        ("PUT", "/v1/units/A1/enrolment", {"period": PERIOD}),
    ):
        problem(await api.request(method, url, json=body), 401, "unauthenticated")
        reply = await reader.request(method, url, json=body)
        assert reply.status_code == (200 if method == "GET" else 403)


async def test_the_same_unit_put_at_once_is_created_once(admin: Api) -> None:
    unit = {"name": "潍坊市", "kind": "city"}
    replies = await asyncio.gather(*(admin.put("/v1/units/W", unit) for _ in range(20)))
    assert sorted(reply.status_code for reply in replies) == [200] * 19 + [201]


async def test_moves_at_once_leave_a_sound_tree(admin: Api) -> None:
    await tree(admin)
    school = {"name": "A1", "kind": "school"}
    moves = [admin.put("/v1/units/A1", {**school, "parent": "AB"[turn % 2]}) for turn in range(10)]
    assert {reply.status_code for reply in await asyncio.gather(*moves)} == {200}
    parent = (await admin.made("GET", "/v1/units/A1"))["parent"]
    for county in "AB":
        within = (await admin.made("GET", f"/v1/units?within={county}&kind=school"))["items"]
        assert ("A1" in [unit["code"] for unit in within]) == (county == parent)


async def test_a_unit_cannot_stand_below_itself(admin: Api) -> None:
    await tree(admin)
    for kind in ("school", "class"):
        unit = {"name": "x", "kind": kind, "parent": "A1"}
        refused = problem(await admin.put("/v1/units/A1", unit), 422, "invalid-input")
        assert refused["errors"][0]["pointer"] == "/kind"
    assert (await admin.made("GET", "/v1/units/A1"))["parent"] == "A"
