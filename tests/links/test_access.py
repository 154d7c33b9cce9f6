"""Who makes, sees and revokes links and invitations."""

import uuid
from typing import Any

from tests.factories import Api, link, open_campaign, tree

LINKS = "/v1/campaigns/C/links"
INVITATIONS = "/v1/campaigns/C/invitations"
TO_B1 = {"population": "parent", "units": ["B1"]}
PRINT_B1 = {"unit": "B1", "population": "parent", "count": 3}


async def printed(api: Api, unit: str, count: int = 3, **options: Any) -> Any:
    """The reply to a request for invitations under a new key."""
    body = {"unit": unit, "population": "parent", "count": count}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    return await api.post(INVITATIONS, body, headers=key, **options)


def routes(code: str, batch: int) -> list[tuple[str, str, Any, bool]]:
    """Every route: method, address, body, and whether it needs links:write."""
    return [
        ("POST", LINKS, TO_B1, True),
        ("POST", LINKS, {"population": "parent", "level": "school", "within": "B"}, True),
        ("GET", LINKS, None, False),
        ("GET", f"{LINKS}.csv", None, False),
        ("GET", f"/v1/links/{code}/qr.svg", None, False),
        ("GET", f"/v1/links/{code}/qr.png", None, False),
        ("POST", f"/v1/links/{code}/revoke", None, True),
        ("POST", INVITATIONS, PRINT_B1, True),
        ("GET", INVITATIONS, None, True),
        ("POST", f"{INVITATIONS}/{batch}/revoke", None, True),
    ]


async def made_for_b(admin: Api, region: str) -> list[tuple[str, str, Any, bool]]:
    """The routes to what has been made for school B1, in a campaign of this region."""
    await tree(admin)
    await open_campaign(admin, region=region)
    code = await link(admin, "B1")
    batch = (await printed(admin, "B1")).json()["batch"]
    return routes(code, batch)


async def outcome(api: Api, method: str, url: str, body: Any) -> tuple[int, str]:
    """The status and problem type of a request."""
    headers = {"Idempotency-Key": str(uuid.uuid4())} if url == INVITATIONS else {}
    reply = await api.request(method, url, json=body, headers=headers)
    problem = reply.headers["Content-Type"] == "application/problem+json"
    return reply.status_code, reply.json()["type"] if problem else ""


async def test_without_a_token_there_is_nothing(admin: Api, api: Api) -> None:
    for method, url, body, _ in await made_for_b(admin, "B"):
        found = await outcome(api, method, url, body)
        assert found == (401, "/problems/unauthenticated"), url


async def test_writing_needs_its_scope_before_anything_else(admin: Api) -> None:
    listed = await made_for_b(admin, "B")
    for unit in ("A", "B"):
        reader = await admin.as_client("campaigns:write results:exact", unit=unit)
        for method, url, body, writes in listed:
            status, problem = await outcome(reader, method, url, body)
            if writes:
                assert (status, problem) == (403, "/problems/scope-missing"), url
            else:
                assert status == (200 if unit == "B" else 404), url


async def test_another_countys_campaign_and_links_are_not_there(admin: Api) -> None:
    listed = await made_for_b(admin, "B")
    other = await admin.as_client("links:write campaigns:write", unit="A")
    for method, url, body, _ in listed:
        assert await outcome(other, method, url, body) == (404, "/problems/not-found"), url
    assert not (await admin.made("GET", LINKS))["items"][0]["revoked"]
    assert not (await admin.made("GET", INVITATIONS))["items"][0]["revoked"]


async def test_of_a_shared_campaign_each_county_sees_its_own_part(admin: Api) -> None:
    listed = await made_for_b(admin, "W")
    county = await admin.as_client("links:write", unit="A")
    for method, url, body, _ in listed:
        status, _ = await outcome(county, method, url, body)
        reads_a_list = method == "GET" and url in (LINKS, f"{LINKS}.csv", INVITATIONS)
        assert status == (200 if reads_a_list else 404), url
    assert (await county.made("GET", LINKS))["items"] == []
    assert (await county.made("GET", INVITATIONS))["items"] == []
    assert len((await county.get(f"{LINKS}.csv")).text.splitlines()) == 1
    code = await link(county, "A1")
    assert [one["code"] for one in (await county.made("GET", LINKS))["items"]] == [code]
    assert code in (await county.get(f"{LINKS}.csv")).text
    assert (await county.get(f"/v1/links/{code}/qr.svg")).status_code == 200
    assert (await printed(county, "A1")).status_code == 201
    assert [one["unit"] for one in (await county.made("GET", INVITATIONS))["items"]] == ["A1"]
    assert len((await admin.made("GET", LINKS))["items"]) == 2


async def test_some_units_out_of_sight_spoil_the_whole_request(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    county = await admin.as_client("links:write", unit="A")
    for body in (
        {"population": "parent", "units": ["A1", "B1"]},
        {"population": "parent", "units": ["W"]},
        {"population": "parent", "level": "school", "within": "W"},
    ):
        assert (await county.post(LINKS, body)).status_code == 404
    assert (await admin.made("GET", LINKS))["items"] == []


async def test_a_school_makes_links_but_no_invitations(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    batch = (await printed(admin, "A1")).json()["batch"]
    school = await admin.as_client("links:write", unit="A1")
    assert await link(school, "A1")
    for method, url in (("POST", INVITATIONS), ("POST", f"{INVITATIONS}/{batch}/revoke")):
        for api in (school, await admin.as_client("admin", unit="A1")):
            body = {"unit": "A1", "population": "parent", "count": 1}
            found = await outcome(api, method, url, body if url == INVITATIONS else None)
            assert found == (403, "/problems/county-required")
    assert [one["batch"] for one in (await school.made("GET", INVITATIONS))["items"]] == [batch]


async def test_counties_cities_and_clients_without_unit_make_invitations(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    for unit in ("A", "W", None):
        maker = await admin.as_client("links:write", unit=unit)
        assert (await printed(maker, "A1")).status_code == 201
    body = {"name": "A 区第一学区", "kind": "district", "parent": "A"}
    await admin.made("PUT", "/v1/units/D", body)
    below = await admin.as_client("links:write", unit="D")
    assert (await printed(below, "D")).status_code == 403


async def test_addresses_of_nothing_lead_nowhere(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    await open_campaign(admin, "D")
    batch = (await printed(admin, "A1")).json()["batch"]
    for method, url in (
        ("GET", "/v1/campaigns/X/links"),
        ("GET", "/v1/campaigns/X/links.csv"),
        ("GET", "/v1/links/nothing1/qr.svg"),
        ("GET", "/v1/links/nothing1/qr.png"),
        ("POST", "/v1/links/nothing1/revoke"),
        ("POST", f"{INVITATIONS}/{batch + 1}/revoke"),
        ("POST", f"/v1/campaigns/D/invitations/{batch}/revoke"),
    ):
        assert await outcome(admin, method, url, None) == (404, "/problems/not-found"), url
    for number in (0, -1, 2**31, "x"):
        url = f"{INVITATIONS}/{number}/revoke"
        assert await outcome(admin, "POST", url, None) == (422, "/problems/invalid-input")
    assert (await admin.get("/v1/links/%00/qr.svg")).status_code == 422
