"""Asking for files and fetching them: who may, how many, under which name, and for how long."""

from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import text

from app.clients import service as clients
from app.core.database import Database
from app.core.settings import Settings
from app.exports import queries, service
from app.exports.jobs import forget
from tests.exports.world import URL, done, every_kind, queued, random_campaign
from tests.factories import Api, campaign_body


async def made(api: Api, settings: Settings, **request: Any) -> dict[str, Any]:
    """A file's description."""
    found = await done(api, settings, **request)
    described: dict[str, Any] = await api.made("GET", found["export"])
    assert described["sha256"] == found["sha256"]
    assert (described["rows"], described["file"]) == (found["rows"], found["file"])
    return described


async def test_a_file_is_its_makers_and_of_the_admins_above(admin: Api, settings: Settings) -> None:
    await random_campaign(admin, 20)
    county = await admin.as_client("responses:read", unit="A")
    export = await made(county, settings)
    file = f"/v1/exports/{export['id']}/file"
    above = [admin, await admin.as_client("admin", unit="W"), await admin.as_client("admin", "A")]
    for one in (county, *above):
        assert (await one.get(file)).status_code == 200
    others = [
        await admin.as_client("responses:read", unit="A"),
        await admin.as_client("responses:read"),
        await admin.as_client("admin", unit="B"),
        await admin.as_client("admin", unit="A1"),
    ]
    for one in others:
        assert (await one.get(file)).status_code == 404
        assert (await one.get(f"/v1/exports/{export['id']}")).status_code == 404
        assert (await one.made("GET", "/v1/exports"))["items"] == []
    assert (await (await admin.as_client("audit:read")).get(file)).status_code == 403
    [listed] = (await county.made("GET", "/v1/exports"))["items"]
    assert listed == export
    entries = (await admin.made("GET", "/v1/audit"))["items"]
    actions = [one["action"] for one in entries if one["action"].startswith("export.")]
    assert sorted(actions) == ["export.make", *["export.read"] * 4]


async def test_a_token_of_less_scope_does_not_fetch_what_is_exact(
    admin: Api, settings: Settings
) -> None:
    await random_campaign(admin, 5)
    database: Database = admin.app.state.database
    async with database.sessions.begin() as session:
        both = await clients.create(
            session, name="x", scopes=["results:exact", "results:read"], unit=None
        )
    tokens = {}
    for scope in ("results:exact", "results:read"):
        reply = await admin.http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials", "scope": scope},
            auth=(both.client_id, both.client_secret),
        )
        tokens[scope] = Api(admin.http, admin.app, reply.json()["access_token"])
    export = await made(tokens["results:exact"], settings, content="results")
    reply = await tokens["results:read"].get(export["file"])
    assert (reply.status_code, reply.json()["type"]) == (403, "/problems/scope-missing")
    assert (await tokens["results:exact"].get(export["file"])).status_code == 200
    await admin.made("POST", "/v1/campaigns/C/releases")
    jobs = {await queued(token, content="results") for token in tokens.values()}
    assert len(jobs) == 2


async def test_a_file_has_a_name_a_digest_and_parts(
    admin: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK", 1000)
    monkeypatch.setattr("app.exports.jobs.CHUNK", 1000)
    await random_campaign(admin, 50)
    body = campaign_body(title='秋季 "调查"/2026\n')
    body["populations"] = (await admin.made("GET", "/v1/campaigns/C"))["populations"]
    await admin.made("PUT", "/v1/campaigns/C", body)
    export = await made(admin, settings, format="xlsx")
    reply = await admin.get(export["file"])
    whole = reply.content
    assert len(whole) == export["size"] > 3000
    kind, plain, titled = reply.headers["Content-Disposition"].split("; ")
    day = export["as_of"][:10]
    assert (kind, plain) == ("attachment", f'filename="{export["file_name"]}"')
    assert export["file_name"].startswith("C-responses-20")
    assert export["file_name"].endswith(".xlsx")
    assert day.startswith("20")
    name = unquote(titled.removeprefix("filename*=UTF-8''"))
    assert name == f"秋季 调查 2026 {export['file_name']}"
    etag = reply.headers["ETag"]
    assert reply.headers["Cache-Control"] == "private, no-store"
    assert (await admin.get(export["file"], headers={"If-None-Match": etag})).status_code == 304
    for asked, first, last in (
        ("bytes=0-0", 0, 0),
        ("bytes=999-1000", 999, 1000),
        ("bytes=1500-", 1500, len(whole) - 1),
        ("bytes=-7", len(whole) - 7, len(whole) - 1),
        (f"bytes=5-{len(whole) * 2}", 5, len(whole) - 1),
    ):
        part = await admin.get(export["file"], headers={"Range": asked, "If-Range": etag})
        assert part.status_code == 206
        assert part.content == whole[first : last + 1]
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
    for asked, condition in (
        ("bytes=-", etag),
        ("bytes=9-3", etag),
        ("bytes=0-1,3-4", etag),
        ("bytes=0-1", '"another"'),
        (f"bytes={len(whole)}-", etag),
    ):
        part = await admin.get(export["file"], headers={"Range": asked, "If-Range": condition})
        assert (part.status_code, part.content == whole) == (200, True)


async def test_the_same_request_gets_the_same_job_and_few_wait_at_once(admin: Api) -> None:
    await every_kind(admin)
    one = await queued(admin)
    assert await queued(admin) == one
    others = {await queued(admin, format=form) for form in ("xlsx", "parquet")}
    assert len({one, *others}) == 3
    reply = await admin.post(URL, {"content": "responses", "format": "csv", "values": "labels"})
    assert (reply.status_code, reply.json()["type"]) == (429, "/problems/too-many-exports")
    assert reply.headers["Retry-After"]
    assert await queued(admin) == one
    other = await admin.as_client("responses:read")
    assert await queued(other) not in {one, *others}


async def test_wrong_requests_are_refused_with_what_would_be_right(admin: Api) -> None:
    await every_kind(admin)
    for wrong, status in (
        ({"content": "everything"}, 422),
        ({"format": "pdf"}, 422),
        ({"population": "nobody"}, 422),
        ({"by": "unit"}, 422),
        ({"within": "nowhere"}, 404),
    ):
        reply = await admin.post(URL, {"content": "responses", "format": "csv", **wrong})
        assert reply.status_code == status, reply.text
    missing = {"content": "responses", "format": "csv"}
    assert (await admin.post("/v1/campaigns/none/exports", missing)).status_code == 404
    listing = await admin.get("/v1/exports?cursor=x")
    assert listing.status_code == 422


async def test_files_go_when_their_time_is_over_or_there_are_too_many(
    admin: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.exports.jobs.MOST_KEPT", 2)
    await every_kind(admin)
    first, second, third = [await made(admin, settings) for _ in range(3)]
    assert (await admin.get(first["file"])).status_code == 404
    listed = (await admin.made("GET", "/v1/exports"))["items"]
    assert [one["id"] for one in listed] == [third["id"], second["id"]]
    page = await admin.made("GET", "/v1/exports?limit=1")
    assert [one["id"] for one in page["items"]] == [third["id"]]
    page = await admin.made("GET", f"/v1/exports?limit=1&cursor={page['next']}")
    assert ([one["id"] for one in page["items"]], page["next"]) == ([second["id"]], None)
    database: Database = admin.app.state.database
    async with database.sessions.begin() as session:
        statement = text("UPDATE exports SET expires_at = now() WHERE id = :id")
        await session.execute(statement, {"id": third["id"]})
    assert (await admin.get(third["file"])).status_code == 404
    await forget(database)
    async with database.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM exports")) == 1
        assert await session.scalar(text("SELECT count(*) FROM export_chunks")) == 1
        assert await queries.chunk(session, second["id"], 0) is not None
