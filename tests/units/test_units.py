"""Units: putting, reading, listing, who sees which."""

from tests.factories import Api, tree


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
