"""Clients: making, listing and revoking them, each within one's own subtree."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.clients import service
from app.clients.problems import ClientRefused
from app.core.database import Database
from tests.factories import Api, tree

BODY = {"name": "第三方调查机构", "scopes": ["interviews:write"]}


async def _token(api: Api, made: dict[str, Any], **form: str) -> httpx.Response:
    return await api.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", **form},
        auth=(made["client_id"], made["client_secret"]),
    )


async def _authorised(api: Api, made: dict[str, Any]) -> Api:
    return Api(api.http, api.app, (await _token(api, made)).json()["access_token"])


async def _audited(api: Api, action: str) -> list[Any]:
    database: Database = api.app.state.database
    async with database.sessions() as session:
        statement = text("SELECT object, detail FROM audit_entries WHERE action = :action")
        return list(await session.execute(statement, {"action": action}))


async def test_a_new_client_gets_its_secret_once_and_can_use_it(admin: Api) -> None:
    await tree(admin)
    reply = await admin.post("/v1/clients", {**BODY, "unit": "A"})
    assert reply.status_code == 201
    assert reply.headers["Cache-Control"] == "no-store"
    made = reply.json()
    assert made["name"] == BODY["name"]
    assert made["scopes"] == ["interviews:write"]
    assert made["unit"] == "A"
    client = await _authorised(admin, made)
    units = await client.made("GET", "/v1/units")
    assert [unit["code"] for unit in units["items"]] == ["A", "A1", "A2"]
    listed = await admin.get("/v1/clients")
    assert made["client_secret"] not in listed.text
    assert "client_secret" not in listed.text


async def test_the_secret_is_stored_only_as_a_hash(admin: Api) -> None:
    made = await admin.made("POST", "/v1/clients", BODY)
    database: Database = admin.app.state.database
    async with database.sessions() as session:
        row = (
            await session.execute(
                text("SELECT clients::text AS row FROM clients WHERE client_id = :id"),
                {"id": made["client_id"]},
            )
        ).scalar_one()
        entries = (await session.execute(text("SELECT a::text FROM audit_entries a"))).scalars()
        for stored in (row, *entries):
            assert made["client_secret"] not in stored


async def test_making_and_revoking_are_audited(admin: Api) -> None:
    await tree(admin)
    made = await admin.made("POST", "/v1/clients", {**BODY, "unit": "A"})
    [(target, detail)] = await _audited(admin, "client.make")
    assert target == made["client_id"]
    assert detail == {"name": BODY["name"], "scopes": ["interviews:write"], "unit": "A"}
    for _ in range(2):
        await admin.made("POST", f"/v1/clients/{made['client_id']}/revoke")
    assert [entry.object for entry in await _audited(admin, "client.revoke")] == [target]


async def test_a_client_without_unit_can_be_made_only_by_one_that_sees_all(admin: Api) -> None:
    await tree(admin)
    assert (await admin.made("POST", "/v1/clients", BODY))["unit"] is None
    county = await admin.as_client("admin", unit="A")
    assert (await county.made("POST", "/v1/clients", BODY))["unit"] == "A"
    assert (await county.made("POST", "/v1/clients", {**BODY, "unit": None}))["unit"] == "A"
    assert (await county.made("POST", "/v1/clients", {**BODY, "unit": "A1"}))["unit"] == "A1"


async def test_a_unit_outside_the_subtree_is_not_found(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("admin", unit="A")
    for unit in ("W", "B", "B1", "nowhere"):
        reply = await county.post("/v1/clients", {**BODY, "unit": unit})
        assert reply.status_code == 404
        assert reply.json()["type"] == "/problems/not-found"
    assert len((await county.made("GET", "/v1/clients"))["items"]) == 1


async def test_only_admin_deals_with_clients(admin: Api, api: Api) -> None:
    others = "units:write questionnaires:write campaigns:write links:write interviews:write"
    writer = await admin.as_client(f"{others} audit:read results:exact")
    for method, url, body in (
        ("POST", "/v1/clients", BODY),
        ("GET", "/v1/clients", None),
        ("POST", "/v1/clients/xc_0000000000000000/revoke", None),
    ):
        assert (await api.request(method, url, json=body)).status_code == 401
        assert (await writer.request(method, url, json=body)).status_code == 403


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"scopes": ["everything"]}, "/scopes/0"),
    ({"scopes": []}, "/scopes"),
    ({"scopes": "admin"}, "/scopes"),
    ({"scopes": ["admin"] * 51}, "/scopes"),
    ({"name": ""}, "/name"),
    ({"name": " "}, "/name"),
    ({"name": "x" * 201}, "/name"),
    ({"name": None}, "/name"),
    ({"name": "a" + chr(0)}, ""),
    ({"unit": "no such code"}, "/unit"),
    ({"unit": 370702}, "/unit"),
    ({"client_id": "xc_mine"}, "/client_id"),
)


async def test_what_is_wrong_is_pointed_at(admin: Api) -> None:
    for change, pointer in WRONG:
        reply = await admin.post("/v1/clients", {**BODY, **change})
        assert reply.status_code == 422, change
        assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]


async def test_scopes_are_kept_once_each(admin: Api) -> None:
    scopes = ["results:read", "interviews:write", "results:read"]
    made = await admin.made("POST", "/v1/clients", {**BODY, "scopes": scopes})
    assert made["scopes"] == ["interviews:write", "results:read"]


async def test_a_listing_holds_the_subtree_alone(admin: Api) -> None:
    await tree(admin)
    for unit in ("A", "A1", "B", "W", None):
        await admin.made("POST", "/v1/clients", {**BODY, "name": f"of {unit}", "unit": unit})
    county = await admin.as_client("admin", unit="A", name="county")
    listed = (await county.made("GET", "/v1/clients"))["items"]
    assert {client["name"] for client in listed} == {"of A", "of A1", "county"}
    everything = (await admin.made("GET", "/v1/clients"))["items"]
    assert len(everything) == 7
    assert {client["unit"] for client in everything} == {"A", "A1", "B", "W", None}


async def test_a_listing_comes_page_by_page(admin: Api) -> None:
    for _ in range(4):
        await admin.made("POST", "/v1/clients", BODY)
    seen: list[str] = []
    url = "/v1/clients?limit=2"
    for expected in (2, 2, 1):
        page = await admin.made("GET", url)
        assert len(page["items"]) == expected
        seen += [client["client_id"] for client in page["items"]]
        url = f"/v1/clients?limit=2&cursor={page['next']}"
    assert page["next"] is None
    assert len(set(seen)) == 5


async def test_a_revoked_client_stops_working_at_once(admin: Api) -> None:
    made = await admin.made("POST", "/v1/clients", BODY)
    client = await _authorised(admin, made)
    assert (await client.get("/v1/units")).status_code == 200
    revoked = await admin.made("POST", f"/v1/clients/{made['client_id']}/revoke")
    assert revoked["revoked_at"] is not None
    assert (await client.get("/v1/units")).status_code == 401
    refused = await _token(admin, made)
    assert refused.status_code == 401
    assert refused.json()["error"] == "invalid_client"


async def test_revoking_again_changes_nothing(admin: Api) -> None:
    made = await admin.made("POST", "/v1/clients", BODY)
    url = f"/v1/clients/{made['client_id']}/revoke"
    replies = await asyncio.gather(*(admin.post(url) for _ in range(5)))
    assert [reply.status_code for reply in replies] == [200] * 5
    assert len({reply.json()["revoked_at"] for reply in replies}) == 1
    assert len(await _audited(admin, "client.revoke")) == 1


async def test_a_client_outside_the_subtree_cannot_be_revoked(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("admin", unit="A")
    for unit in ("B", "W", None):
        made = await admin.made("POST", "/v1/clients", {**BODY, "unit": unit})
        reply = await county.post(f"/v1/clients/{made['client_id']}/revoke")
        assert reply.status_code == 404
        assert (await _token(admin, made)).status_code == 200
    assert (await admin.post("/v1/clients/xc_0000000000000000/revoke")).status_code == 404


async def test_an_admin_can_revoke_itself(admin: Api) -> None:
    other = await admin.as_client("admin", name="leaving")
    [itself] = [
        client
        for client in (await other.made("GET", "/v1/clients"))["items"]
        if client["name"] == "leaving"
    ]
    await other.made("POST", f"/v1/clients/{itself['client_id']}/revoke")
    assert (await other.get("/v1/clients")).status_code == 401
    assert (await admin.get("/v1/clients")).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "unit", "pointer"),
    [(["everything"], None, "/scopes"), ([], None, "/scopes"), (["admin"], "nowhere", "/unit")],
)
async def test_the_command_line_is_told_what_is_wrong(
    app: FastAPI, scopes: list[str], unit: str | None, pointer: str
) -> None:
    database: Database = app.state.database
    async with database.sessions.begin() as session:
        with pytest.raises(ClientRefused) as refused:
            await service.create(session, name="x", scopes=scopes, unit=unit)
    assert [error.pointer for error in refused.value.errors] == [pointer]


@pytest.mark.parametrize("time", [0, "0", 1767225600, "2026-01-01", "2026-01-01T00:00:00"])
async def test_times_are_written_out(admin: Api, time: Any) -> None:
    body = {"name": "x", "scopes": ["results:read"], "expires_at": time}
    assert (await admin.post("/v1/clients", body)).status_code == 422
    assert (await admin.get(f"/v1/audit?since={time}")).status_code == 422


@pytest.mark.parametrize("action", ["", "%00", "a%20b", "'", "x" * 65])
async def test_an_action_that_there_cannot_be_is_refused(admin: Api, action: str) -> None:
    assert (await admin.get(f"/v1/audit?action={action}")).status_code == 422
    assert (await admin.made("GET", "/v1/audit?action=client.make"))["items"] == []
