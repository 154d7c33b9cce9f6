"""Every route that needs a token, against everybody who must not pass it.

The routes are enumerated: one that is not in `REQUESTS` fails the first test, so a new route
cannot be forgotten.
"""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import select

from app.access import tokens
from app.access.principal import Principal, _principal, _ticketed
from app.access.tables import Client
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.keyring import Keyring
from app.exports.tables import Export
from app.jobs import service as jobs
from app.main import ROUTERS
from tests.factories import Api, invitations, link, open_campaign, tree
from tests.guarded import QUESTIONNAIRE, REQUESTS, UNSCOPED, Asked


def _needs_token(dependant: Dependant) -> bool:
    return dependant.call in (_principal, _ticketed) or any(
        map(_needs_token, dependant.dependencies)
    )


def guarded_routes() -> Iterator[str]:
    """Method and path of every route that needs a token."""
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and _needs_token(route.dependant):
                yield from (f"{method} {route.path}" for method in sorted(route.methods or ()))


def test_every_guarded_route_is_listed_here() -> None:
    assert set(guarded_routes()) == set(REQUESTS)


@pytest.fixture
async def places(admin: Api) -> dict[str, str]:
    """County B's things, by the names that `REQUESTS` uses."""
    await tree(admin)
    bureau = await admin.as_client("admin", unit="B")
    await bureau.made("PUT", "/v1/questionnaires/of-b", QUESTIONNAIRE)
    await bureau.made("POST", "/v1/questionnaires/of-b/publish")
    await open_campaign(admin, "of-b", region="B")
    await open_campaign(admin, "city")
    await invitations(admin, 1, "B1", campaign="of-b")
    batches = await admin.made("GET", "/v1/campaigns/of-b/invitations")
    listed = await bureau.made("GET", "/v1/clients")
    return {
        "campaign": "of-b",
        "city": "city",
        "link": await link(admin, "B1", campaign="of-b"),
        "batch": str(batches["items"][0]["batch"]),
        "client": listed["items"][0]["client_id"],
        "job": await _job_of(admin, listed["items"][0]["client_id"]),
        "export": await _export_of(admin, listed["items"][0]["client_id"]),
    }


async def _export_of(api: Api, client_id: str) -> str:
    async with api.app.state.database.sessions.begin() as session:
        campaign = (await session.scalars(select(Campaign).limit(1))).one()
        client = (await session.scalars(select(Client).filter_by(client_id=client_id))).one()
        export = Export(
            id=uuid.uuid4(),
            client_id=client.id,
            campaign_id=campaign.id,
            content="responses",
            format="csv",
            exact=True,
            file_name="x",
            rows=1,
            size=1,
            sha256=b"x",
            as_of=clock.now(),
            expires_at=clock.now() + timedelta(days=1),
        )
        session.add(export)
        return str(export.id)


async def _job_of(api: Api, client_id: str) -> str:
    async with api.app.state.database.sessions.begin() as session:
        statement = select(Client).where(Client.client_id == client_id)
        client = (await session.scalars(statement)).one()
        caller = Principal(client.id, client_id, frozenset(), client.unit_id)
        return str((await jobs.queue(session, caller, kind="none", parameters={})).id)


async def ask(api: Api, route: str, asked: Asked, places: dict[str, str]) -> httpx.Response:
    """Send one of the requests."""
    options = dict(asked.options)
    options["headers"] = {"Idempotency-Key": str(uuid.uuid4()), **options.get("headers", {})}
    url = asked.url.format_map(places)
    method = route.partition(" ")[0]
    return await api.request(method, url, json=asked.json, **options)


def all_requests() -> Iterator[tuple[str, Asked]]:
    """Every request with its route."""
    for route, requests in REQUESTS.items():
        for asked in requests or [Asked(route.partition(" ")[2])]:
            yield route, asked


async def test_without_a_token_every_route_answers_401(api: Api, places: dict[str, str]) -> None:
    for token in (None, "", "x.y.z", f"{api.token}x"):
        stranger = Api(api.http, api.app, token)
        for route, asked in all_requests():
            reply = await ask(stranger, route, asked, places)
            assert reply.status_code == 401, route
            assert reply.json()["type"] == "/problems/unauthenticated", route
            assert reply.headers["WWW-Authenticate"].startswith("Bearer"), route


async def _clients_whose_day_is_over(admin: Api) -> dict[str, Api]:
    """Tokens that were good, and what became of them or of what they were got for."""

    async def made(**body: Any) -> tuple[dict[str, Any], Api]:
        client = await admin.made("POST", "/v1/clients", {"name": "x", "scopes": ["admin"], **body})
        reply = await admin.http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(client["client_id"], client["client_secret"]),
        )
        return client, Api(admin.http, admin.app, reply.json()["access_token"])

    pool = admin.app.state.database.pool
    revoked, of_revoked = await made()
    await admin.made("POST", f"/v1/clients/{revoked['client_id']}/revoke")
    expired, of_expired = await made(expires_at="2099-01-01T00:00:00Z")
    await pool.execute(
        "UPDATE clients SET expires_at = now() WHERE client_id = $1", expired["client_id"]
    )
    changed, of_changed = await made()
    url = f"/v1/clients/{changed['client_id']}"
    [secret] = (await admin.made("GET", url))["secrets"]
    await admin.made("POST", f"{url}/secrets", {})
    await admin.made("POST", f"{url}/secrets/{secret['id']}/revoke")
    outdated, of_outdated = await made()
    await pool.execute(
        "UPDATE client_secrets SET expires_at = now() FROM clients "
        "WHERE clients.id = client_secrets.client_id AND clients.client_id = $1",
        outdated["client_id"],
    )
    careful, of_careful = await made()
    reply = await admin.http.post(
        "/oauth/revoke",
        data={"token": of_careful.token},
        auth=(careful["client_id"], careful["client_secret"]),
    )
    assert reply.status_code == 200, reply.text
    return {
        "a revoked client": of_revoked,
        "an expired client": of_expired,
        "a revoked secret": of_changed,
        "an expired secret": of_outdated,
        "a revoked token": of_careful,
        "an expired token": Api(admin.http, admin.app, _expired_token(admin)),
        "a token of another deployment": Api(admin.http, admin.app, _foreign_token(admin)),
        "a token that was tampered with": Api(admin.http, admin.app, _tampered_token(admin)),
    }


def _expired_token(admin: Api) -> str:
    return _reissued(admin, admin.app.state.keyring, since=timedelta(hours=1, seconds=1))


def _foreign_token(admin: Api) -> str:
    return _reissued(admin, Keyring((b"another-deployments-key-" + b"0" * 32,)), since=timedelta())


def _reissued(admin: Api, keyring: Keyring, *, since: timedelta) -> str:
    claims = tokens.verify(admin.app.state.keyring, admin.token or "")
    before = clock.now() - since
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clock, "now", lambda: before)
        return tokens.issue(
            keyring,
            client_id=claims.client_id,
            secret_id=claims.secret_id,
            scopes=claims.scopes,
        )


def _tampered_token(admin: Api) -> str:
    header, payload, signature = (admin.token or "").split(".")
    middle = len(payload) // 2
    changed = "A" if payload[middle] != "A" else "B"
    return f"{header}.{payload[:middle]}{changed}{payload[middle + 1 :]}.{signature}"


async def test_a_token_that_is_no_longer_good_opens_nothing(
    admin: Api, places: dict[str, str]
) -> None:
    for why, client in (await _clients_whose_day_is_over(admin)).items():
        for route, asked in all_requests():
            reply = await ask(client, route, asked, places)
            assert reply.status_code == 401, f"{why}: {route}"
            assert reply.json()["type"] == "/problems/unauthenticated", f"{why}: {route}"


async def test_from_another_network_every_route_answers_403(
    admin: Api, places: dict[str, str]
) -> None:
    made = await admin.made(
        "POST",
        "/v1/clients",
        {"name": "x", "scopes": ["admin"], "networks": ["127.0.0.0/8"]},
    )
    form = {"grant_type": "client_credentials"}
    auth = (made["client_id"], made["client_secret"])
    token = (await admin.http.post("/oauth/token", data=form, auth=auth)).json()["access_token"]
    near = Api(admin.http, admin.app, token)
    assert (await near.get("/v1/units")).status_code == 200
    await admin.made(
        "PUT", f"/v1/clients/{made['client_id']}/networks", {"networks": ["203.0.113.0/24"]}
    )
    for route, asked in all_requests():
        reply = await ask(near, route, asked, places)
        assert (reply.status_code, reply.json()["type"]) == (403, "/problems/network-not-allowed")
    refused = await admin.http.post("/oauth/token", data=form, auth=auth)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/network-not-allowed")


async def test_one_contractor_learns_nothing_of_anothers_interviews(
    admin: Api, places: dict[str, str]
) -> None:
    interview = {
        "interview_id": "V-1",
        "unit": "B1",
        "population": "parent",
        "disposition": "2.11",
        "ended_at": clock.now().isoformat(),
    }
    for name in ("one", "other"):
        contractor = await admin.as_client("interviews:write", name=name)
        reply = await contractor.made(
            "POST",
            "/v1/campaigns/city/interviews",
            {"interviews": [interview]},
            headers={"Idempotency-Key": "the same"},
        )
        assert (reply["accepted"], reply["replayed"]) == (1, 0), name


async def test_without_the_scope_every_route_answers_403(
    admin: Api, places: dict[str, str]
) -> None:
    nobody = await admin.as_client("samples:read", unit="A")
    for route, asked in all_requests():
        if route in UNSCOPED:
            continue
        reply = await ask(nobody, route, asked, places)
        assert reply.status_code == 403, f"{route}: {reply.text}"
        assert reply.json()["type"] == "/problems/scope-missing", route


async def test_county_a_sees_and_changes_nothing_of_county_b(
    admin: Api, places: dict[str, str]
) -> None:
    county = await admin.as_client("admin", unit="A")
    before = await _digest(admin)
    for route, asked in all_requests():
        if not REQUESTS[route]:
            continue
        reply = await ask(county, route, asked, places)
        assert reply.status_code == asked.status, f"{route} {asked.url}: {reply.text}"
    assert await _digest(admin) == before


async def test_lists_of_county_a_hold_nothing_of_county_b(
    admin: Api, places: dict[str, str]
) -> None:
    county = await admin.as_client("admin", unit="A")
    await link(admin, "B1", campaign="city")
    for url in (
        "/v1/clients",
        "/v1/units",
        "/v1/questionnaires",
        "/v1/campaigns",
        "/v1/campaigns/city/links",
        "/v1/campaigns/city/invitations",
    ):
        reply = await county.made("GET", url)
        assert not _mentions_b(reply), f"{url}: {reply}"
    for url in ("/v1/campaigns/city/results?by=unit", "/v1/campaigns/city/coverage"):
        reply = await county.made("GET", url)
        assert {row["unit"]["code"] for row in reply["rows"]} == {"A1", "A2"}


def _mentions_b(reply: Any) -> bool:
    return any(value in ("B", "B1", "of-b") for item in reply["items"] for value in item.values())


async def _digest(admin: Api) -> list[Any]:
    tables = ("units", "enrolments", "campaigns", "links", "invitation_batches", "clients")
    pool = admin.app.state.database.pool
    return [
        await pool.fetchval(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t")
        for table in (*tables, "questionnaires")
    ]
