"""Invitations: batches, their limit, their replies, their end."""

import asyncio
import json
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.core.settings import Settings
from app.links.invitations import parse
from app.main import create
from tests.factories import Api, campaign_body, open_campaign, tree

URL = "/v1/campaigns/C/invitations"


async def ask(
    api: Api,
    count: Any = 1,
    *,
    key: str | None = "key-1",
    unit: str = "A1",
    population: str = "parent",
) -> httpx.Response:
    """The reply to a request for invitations."""
    body = {"unit": unit, "population": population, "count": count}
    return await api.post(URL, body, headers={"Idempotency-Key": key} if key is not None else {})


async def rows(database_url: str, statement: str) -> list[Any]:
    """What a statement finds in the database, seen from outside the app."""
    connection = await asyncpg.connect(database_url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


async def bureau(admin: Api) -> Api:
    """The county's client, with a campaign of the city to invite to."""
    await tree(admin)
    await open_campaign(admin)
    return await admin.as_client("links:write", unit="A")


async def test_a_batch_is_made_and_its_tokens_are_ours(admin: Api, database_url: str) -> None:
    county = await bureau(admin)
    reply = await ask(county, 3)
    assert reply.status_code == 201
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"
    made = reply.json()
    assert set(made) == {"batch", "items"}
    keyring = admin.app.state.keyring
    read = [parse(keyring, item["token"]) for item in made["items"]]
    assert read == [(made["batch"], serial) for serial in range(3)]
    for item in made["items"]:
        assert item == {
            "token": item["token"],
            "url": f"http://testserver/i/{item['token']}",
        }
    (batch,) = await rows(database_url, "SELECT * FROM invitation_batches")
    assert (batch["id"], batch["count"], batch["population"]) == (made["batch"], 3, 0)
    assert batch["key_id"] == keyring.current("invitation").id
    listed = await county.made("GET", URL)
    assert listed["next"] is None
    (shown,) = listed["items"]
    assert shown.pop("created_at").endswith("Z")
    expected = {"unit": "A1", "population": "parent", "count": 3, "revoked": False}
    states = {"answered": 0, "unused": 3, "roster": None}
    assert shown == {"batch": made["batch"], **expected, **states}


_INVITATIONS_AUDITED = "SELECT * FROM audit_entries WHERE action LIKE 'invitations.%' ORDER BY id"


async def test_tokens_are_stored_nowhere(admin: Api, database_url: str) -> None:
    county = await bureau(admin)
    token = (await ask(county)).json()["items"][0]["token"]
    for table in ("invitation_batches", "idempotency_keys", "audit_entries"):
        stored = await rows(database_url, f"SELECT {table}::text AS everything FROM {table}")
        assert stored
        assert all(token not in row["everything"] for row in stored)


async def test_making_and_revoking_is_written_down(admin: Api, database_url: str) -> None:
    county = await bureau(admin)
    batch = (await ask(county, 2)).json()["batch"]
    await ask(county, 2)
    for _ in range(2):
        await county.made("POST", f"{URL}/{batch}/revoke")
    entries = await rows(database_url, _INVITATIONS_AUDITED)
    assert [(one["action"], one["object"]) for one in entries] == [
        ("invitations.make", f"invitations/{batch}"),
        ("invitations.revoke", f"invitations/{batch}"),
    ]
    expected = {"campaign": "C", "unit": "A1", "population": "parent", "count": 2}
    assert json.loads(entries[0]["detail"]) == expected
    assert entries[0]["request_id"]


async def test_the_same_key_brings_the_same_reply(admin: Api, database_url: str) -> None:
    county = await bureau(admin)
    first = await ask(county, 5)
    again = await ask(county, 5)
    assert (again.status_code, again.content) == (201, first.content)
    other = await ask(county, 5, key="key-2")
    assert other.json()["batch"] != first.json()["batch"]
    reused = await ask(county, 6)
    assert (reused.status_code, reused.json()["type"]) == (422, "/problems/idempotency-key-reused")
    await open_campaign(admin, "D")
    body = {"unit": "A1", "population": "parent", "count": 5}
    elsewhere = await county.post(
        "/v1/campaigns/D/invitations", body, headers={"Idempotency-Key": "key-1"}
    )
    assert elsewhere.json()["type"] == "/problems/idempotency-key-reused"
    missing = await ask(county, key=None)
    assert (missing.status_code, missing.json()["type"]) == (
        400,
        "/problems/idempotency-key-missing",
    )
    assert len(await rows(database_url, "SELECT id FROM invitation_batches")) == 2


async def test_the_same_key_at_once_makes_one_batch(admin: Api, database_url: str) -> None:
    county = await bureau(admin)
    replies = await asyncio.gather(*[ask(county, 4) for _ in range(10)])
    made = [reply for reply in replies if reply.status_code == 201]
    assert made
    assert len({reply.content for reply in made}) == 1
    for reply in replies:
        if reply.status_code != 201:
            assert reply.json()["type"] == "/problems/idempotency-key-in-flight"
    assert len(await rows(database_url, "SELECT id FROM invitation_batches")) == 1


async def test_the_reply_outlives_a_change_of_the_signing_key(
    admin: Api, settings: Settings
) -> None:
    county = await bureau(admin)
    first = await ask(county, 3)
    rotated = create(replace(settings, secret_keys=(b"n" * 32, *settings.secret_keys)))
    async with rotated.router.lifespan_context(rotated):
        transport = httpx.ASGITransport(app=rotated, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            same_county = Api(http, rotated, county.token)
            assert (await ask(same_county, 3)).content == first.content
            fresh = (await ask(same_county, 1, key="key-2")).json()["items"][0]["token"]
    assert parse(rotated.state.keyring, fresh)
    assert parse(admin.app.state.keyring, fresh) is None


async def test_a_batch_whose_key_is_gone_cannot_be_shown_again(
    admin: Api, database_url: str
) -> None:
    county = await bureau(admin)
    await ask(county, 3)
    await rows(database_url, "UPDATE invitation_batches SET key_id = '\\x00000000' RETURNING id")
    gone = await ask(county, 3)
    assert (gone.status_code, gone.json()["type"]) == (410, "/problems/invitations-gone")


@pytest.mark.parametrize(
    ("population", "heads"), [("parent", 200), ("student", 100), ("teacher", 10)]
)
async def test_no_more_than_enrolment(admin: Api, population: str, heads: int) -> None:
    await tree(admin)
    asked = {"questionnaire": "satisfaction-six", "version": 1}
    await open_campaign(admin, populations={population: asked, "other": asked})
    county = await admin.as_client("links:write", unit="A")
    too_many = await ask(county, heads + 1, population=population)
    assert too_many.status_code == 422
    (error,) = too_many.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/count", "more_than_enrolled")
    assert f"{heads:,} invitations are left" in error["message"]
    assert (await ask(county, heads - 1, population=population)).status_code == 201
    left = await ask(county, 2, key="key-2", population=population)
    assert "1 invitations are left" in left.json()["errors"][0]["message"]
    assert (await ask(county, 1, key="key-2", population=population)).status_code == 201
    assert (await ask(county, heads, unit="A2", key="k", population=population)).status_code == 201
    assert (await ask(admin, heads, key="key-3", population=population)).status_code == 201
    over = await ask(county, 1, key="key-4", population=population)
    assert "0 invitations are left" in over.json()["errors"][0]["message"]


async def test_where_enrolment_is_unknown_only_admin_may(admin: Api) -> None:
    await tree(admin)
    six = {"questionnaire": "satisfaction-six", "version": 1}
    await open_campaign(admin, populations={"parent": six, "public": six})
    county = await admin.as_client("links:write", unit="A")
    for unit, population in (("A", "parent"), ("A1", "public")):
        refused = await ask(county, 1, unit=unit, population=population)
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/count", "enrolment_unknown")
        allowed = await ask(admin, 1, unit=unit, population=population, key=f"{unit}{population}")
        assert allowed.status_code == 201
    body = campaign_body(populations={"parent": six, "public": six})
    for period in ("2027-spring", None):
        await admin.made("PUT", "/v1/campaigns/C", {**body, "period": period})
        assert (await ask(county, 1)).json()["errors"][0]["code"] == "enrolment_unknown"


async def test_two_requests_at_once_cannot_both_pass_the_limit(
    admin: Api, database_url: str
) -> None:
    county = await bureau(admin)
    replies = await asyncio.gather(*[ask(county, 120, key=f"key-{n}") for n in range(6)])
    assert sorted(reply.status_code for reply in replies) == [201] + [422] * 5
    assert len(await rows(database_url, "SELECT id FROM invitation_batches")) == 1


async def test_a_revoked_batch_makes_room_and_stays_revoked(admin: Api, database_url: str) -> None:
    county = await bureau(admin)
    batch = (await ask(county, 200)).json()["batch"]
    assert (await ask(county, 200, key="key-2")).status_code == 422
    (before,) = await rows(database_url, "SELECT revision FROM campaigns")
    revoked = await county.made("POST", f"{URL}/{batch}/revoke")
    assert (revoked["batch"], revoked["count"], revoked["revoked"]) == (batch, 200, True)
    assert await county.made("POST", f"{URL}/{batch}/revoke") == revoked
    (after,) = await rows(database_url, "SELECT revision FROM campaigns")
    assert after["revision"] == before["revision"] + 1
    fresh = await ask(county, 200, key="key-2")
    assert fresh.status_code == 201
    listed = (await county.made("GET", f"{URL}?limit=1"))["items"]
    assert [(one["batch"], one["revoked"]) for one in listed] == [(batch, True)]
    cursor = (await county.made("GET", f"{URL}?limit=1"))["next"]
    second = await county.made("GET", f"{URL}?limit=1&cursor={cursor}")
    assert [one["batch"] for one in second["items"]] == [fresh.json()["batch"]]


async def test_what_is_wrong_is_pointed_at(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, region="A")
    for count in (0, -1, 1_000_001, 2**70, "5", 1.5, True, None):
        refused = await ask(admin, count)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/count"
    for changes, pointer in (
        ({"unit": "B1"}, "/unit"),
        ({"unit": "W"}, "/unit"),
        ({"population": "student"}, "/population"),
    ):
        refused = await ask(admin, 1, **changes)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == pointer
    assert (await ask(admin, 1, unit="nowhere")).status_code == 404
    for key in ("", "k" * 256, "clé".encode()):
        headers: Any = {"Idempotency-Key": key}
        body = {"unit": "A1", "population": "parent", "count": 1}
        assert (await admin.post(URL, body, headers=headers)).status_code in (400, 422)
    assert (await admin.made("GET", URL))["items"] == []


async def test_nothing_is_made_for_an_archived_campaign(admin: Api) -> None:
    county = await bureau(admin)
    for step in ("close", "archive"):
        await admin.made("POST", f"/v1/campaigns/C/{step}")
    refused = await ask(county)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/campaign-state")


async def test_the_batch_is_stored_before_the_first_token_leaves(
    admin: Api, app: FastAPI, database_url: str
) -> None:
    """The reply comes in small parts, and its first byte only after the commit."""
    await tree(admin)
    await open_campaign(admin)
    seen: list[int] = []
    parts: list[bytes] = []
    body = json.dumps({"unit": "A1", "population": "parent", "count": 50_000}).encode()
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> MutableMapping[str, Any]:
        message = next(messages, None)
        if message is None:
            await asyncio.sleep(60)
        return message or {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            stored = await rows(database_url, "SELECT id FROM invitation_batches")
            seen.append(message["status"])
            seen.append(len(stored))
        else:
            parts.append(message["body"])

    headers = {
        "authorization": f"Bearer {admin.token}",
        "content-type": "application/json",
        "idempotency-key": "k",
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": URL,
        "raw_path": URL.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "server": ("testserver", 80),
    }
    await app(scope, receive, send)
    assert seen == [201, 1]
    assert len(parts) > 50
    assert max(len(part) for part in parts) < 200_000
    made = json.loads(b"".join(parts))
    assert len({item["token"] for item in made["items"]}) == 50_000


async def test_a_campaign_without_invitations_prints_none(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, identity=["device"])
    reply = await admin.post(
        "/v1/campaigns/C/invitations",
        {"unit": "A1", "population": "parent", "count": 1},
        headers={"Idempotency-Key": "k"},
    )
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/invitations-not-admitted")
