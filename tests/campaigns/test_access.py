"""Who sees and who changes a campaign."""

from tests.factories import Api, campaign_body, open_campaign, tree

ROUTES = [
    ("GET", "/v1/campaigns/C"),
    ("PUT", "/v1/campaigns/C"),
    ("POST", "/v1/campaigns/C/open"),
    ("POST", "/v1/campaigns/C/close"),
    ("POST", "/v1/campaigns/C/archive"),
]
CHANGES = ROUTES[1:]


async def asked(api: Api, method: str, url: str, region: str = "W") -> tuple[int, str]:
    """The status and problem type of a request; a PUT has a good body with this region."""
    json = campaign_body(region=region) if method == "PUT" else None
    reply = await api.request(method, url, json=json)
    return reply.status_code, reply.json()["type"]


async def test_without_a_token_there_is_nothing(api: Api) -> None:
    for method, url in [*ROUTES, ("GET", "/v1/campaigns")]:
        assert await asked(api, method, url) == (401, "/problems/unauthenticated")


async def test_changing_needs_its_scope_before_anything_else(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, "C", region="A")
    reader = await admin.as_client("links:write units:write results:exact", unit="A")
    for method, url in CHANGES:
        for region in "AB":
            found = await asked(reader, method, url, region)
            assert found == (403, "/problems/scope-missing")


async def test_another_countys_campaign_is_not_there(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, "C", region="B")
    before = await admin.made("GET", "/v1/campaigns/C")
    for unit in ("A", "A1"):
        other = await admin.as_client("campaigns:write", unit=unit)
        for method, url in ROUTES:
            assert await asked(other, method, url, unit) == (404, "/problems/not-found")
        assert (await other.made("GET", "/v1/campaigns"))["items"] == []
    assert await admin.made("GET", "/v1/campaigns/C") == before


async def test_the_citys_campaign_is_seen_below_and_changed_only_above(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, "C", region="W")
    for unit in ("A", "A1"):
        below = await admin.as_client("campaigns:write", unit=unit)
        shown = await below.made("GET", "/v1/campaigns/C")
        assert (shown["region"], shown["state"]) == ("W", "open")
        assert [one["code"] for one in (await below.made("GET", "/v1/campaigns"))["items"]] == ["C"]
        for method, url in CHANGES:
            assert await asked(below, method, url, unit) == (403, "/problems/not-owner")
    assert (await admin.made("GET", "/v1/campaigns/C"))["state"] == "open"


async def test_a_city_sees_and_changes_its_counties_campaigns(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("campaigns:write", unit="A")
    city = await admin.as_client("campaigns:write", unit="W")
    await county.made("PUT", "/v1/campaigns/C", campaign_body(region="A"))
    assert (await city.made("POST", "/v1/campaigns/C/open"))["state"] == "open"
    assert (await county.made("POST", "/v1/campaigns/C/close"))["state"] == "closed"


async def test_a_new_campaign_runs_within_its_makers_subtree(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("campaigns:write", unit="A")
    for region in ("W", "B", "B1", "nowhere"):
        reply = await county.put("/v1/campaigns/C", campaign_body(region=region))
        assert reply.status_code == 404
    assert (await county.put("/v1/campaigns/C", campaign_body(region="A1"))).status_code == 201


async def test_a_campaign_cannot_be_moved_out_of_its_owners_sight(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("campaigns:write", unit="A")
    await county.made("PUT", "/v1/campaigns/C", campaign_body(region="A"))
    for region in ("W", "B"):
        assert (await county.put("/v1/campaigns/C", campaign_body(region=region))).is_client_error
    moved = await county.made("PUT", "/v1/campaigns/C", campaign_body(region="A2"))
    assert moved["region"] == "A2"


async def test_anothers_questionnaire_cannot_be_used(admin: Api) -> None:
    await tree(admin)
    owner = await admin.as_client("questionnaires:write", unit="B")
    question = {"code": "q", "type": "text", "label": {"zh-CN": "?"}}
    definition = {"title": {"zh-CN": "B 的问卷"}, "questions": [question], "unit": "B"}
    await owner.made("PUT", "/v1/questionnaires/of-b", definition)
    await owner.made("POST", "/v1/questionnaires/of-b/publish")
    population = {"parent": {"questionnaire": "of-b", "version": 1}}
    body = campaign_body(region="A", populations=population)
    county = await admin.as_client("campaigns:write", unit="A")
    refused = await county.put("/v1/campaigns/C", body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/populations/parent/version"
    assert (await admin.put("/v1/campaigns/C", body)).status_code == 201


async def test_a_code_in_the_address_that_cannot_be_one_is_refused(admin: Api) -> None:
    for code in ("%00", "a%20b", "x" * 65, "家长"):
        assert (await admin.get(f"/v1/campaigns/{code}")).status_code == 422
        assert (await admin.put(f"/v1/campaigns/{code}", campaign_body())).status_code == 422
