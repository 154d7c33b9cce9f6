"""Every route that needs a token, against everybody who must not pass it.

The routes are enumerated: one that is not in `REQUESTS` fails the first test, so a new route
cannot be forgotten.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.access import tokens
from app.access.principal import _principal
from app.core import clock
from app.core.keyring import Keyring
from app.core.workbook_writing import workbook_of
from app.main import ROUTERS
from tests.factories import PERIOD, Api, campaign_body, invitations, link, open_campaign, tree

ZH = {"zh-CN": "…"}
QUESTIONNAIRE = {"title": ZH, "questions": [{"code": "q", "type": "text", "label": ZH}]}
XLSFORM = workbook_of({"survey": [["type", "name", "label"], ["text", "q", "…"]]})
UNIT = {"name": "x", "kind": "school", "parent": "B"}
LINKS = {"population": "parent", "units": ["B1"]}
INVITATIONS = {"unit": "B1", "population": "parent", "count": 1}
INTERVIEWS: dict[str, Any] = {"interviews": []}
CSV = {"content": "code,name,kind,parent\nB1,x,school,B\n", "headers": {"Content-Type": "text/csv"}}
IMPORT_REFUSED = 422
"""An import names the bad row: B's codes are told to be unknown there."""


@dataclass
class Asked:
    """A request that touches what is county B's alone, and the reply to a client of county A."""

    url: str = ""
    json: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    status: int = 404


# By method and route. {campaign} is B's own, {city} one of the whole city; {link}, {batch} B's.
REQUESTS: dict[str, list[Asked]] = {
    "POST /v1/clients": [Asked("/v1/clients", {"name": "x", "scopes": ["admin"], "unit": "B"})],
    "GET /v1/clients": [],
    "GET /v1/clients/{client_id}": [Asked("/v1/clients/{client}")],
    "POST /v1/clients/{client_id}/revoke": [Asked("/v1/clients/{client}/revoke")],
    "PUT /v1/clients/{client_id}/networks": [
        Asked("/v1/clients/{client}/networks", {"networks": None})
    ],
    "POST /v1/clients/{client_id}/secrets": [Asked("/v1/clients/{client}/secrets", {})],
    "POST /v1/clients/{client_id}/secrets/{secret}/revoke": [
        Asked("/v1/clients/{client}/secrets/1/revoke")
    ],
    "GET /v1/audit": [],
    "POST /v1/units/import": [Asked("/v1/units/import", options=CSV, status=IMPORT_REFUSED)],
    "PUT /v1/units/{code}": [Asked("/v1/units/B1", UNIT), Asked("/v1/units/new", UNIT)],
    "PUT /v1/units/{code}/enrolment": [Asked("/v1/units/B1/enrolment", {"period": PERIOD})],
    "GET /v1/units/{code}": [Asked("/v1/units/B1"), Asked("/v1/units/W")],
    "GET /v1/units": [Asked("/v1/units?within=B")],
    "PUT /v1/questionnaires/{code}": [Asked("/v1/questionnaires/of-b", QUESTIONNAIRE)],
    "POST /v1/questionnaires/{code}/publish": [Asked("/v1/questionnaires/of-b/publish")],
    "GET /v1/questionnaires/{code}": [
        Asked("/v1/questionnaires/of-b"),
        Asked("/v1/questionnaires/of-b?version=1"),
    ],
    "POST /v1/questionnaires/{code}/xlsform": [
        Asked("/v1/questionnaires/of-b/xlsform", options={"files": {"file": XLSFORM}})
    ],
    "GET /v1/questionnaires/{code}/xlsform": [
        Asked("/v1/questionnaires/of-b/xlsform"),
        Asked("/v1/questionnaires/of-b/xlsform?version=1"),
    ],
    "GET /v1/questionnaires": [],
    "PUT /v1/campaigns/{code}": [
        Asked("/v1/campaigns/{campaign}", campaign_body(region="A")),
        Asked("/v1/campaigns/new", campaign_body(region="B")),
    ],
    "GET /v1/campaigns/{code}": [Asked("/v1/campaigns/{campaign}")],
    "GET /v1/campaigns": [Asked("/v1/campaigns?within=B")],
    "POST /v1/campaigns/{code}/open": [Asked("/v1/campaigns/{campaign}/open")],
    "POST /v1/campaigns/{code}/close": [Asked("/v1/campaigns/{campaign}/close")],
    "POST /v1/campaigns/{code}/archive": [Asked("/v1/campaigns/{campaign}/archive")],
    "POST /v1/campaigns/{code}/links": [
        Asked("/v1/campaigns/{campaign}/links", LINKS),
        Asked("/v1/campaigns/{city}/links", LINKS),
        Asked(
            "/v1/campaigns/{city}/links",
            {"population": "parent", "level": "school", "within": "B"},
        ),
    ],
    "GET /v1/campaigns/{code}/links": [Asked("/v1/campaigns/{campaign}/links")],
    "GET /v1/campaigns/{code}/links.csv": [Asked("/v1/campaigns/{campaign}/links.csv")],
    "GET /v1/links/{link}/qr.svg": [Asked("/v1/links/{link}/qr.svg")],
    "GET /v1/links/{link}/qr.png": [Asked("/v1/links/{link}/qr.png")],
    "POST /v1/links/{link}/revoke": [Asked("/v1/links/{link}/revoke")],
    "POST /v1/campaigns/{code}/invitations": [
        Asked("/v1/campaigns/{campaign}/invitations", INVITATIONS),
        Asked("/v1/campaigns/{city}/invitations", INVITATIONS),
    ],
    "GET /v1/campaigns/{code}/invitations": [Asked("/v1/campaigns/{campaign}/invitations")],
    "POST /v1/campaigns/{code}/invitations/{batch}/revoke": [
        Asked("/v1/campaigns/{campaign}/invitations/{batch}/revoke"),
        Asked("/v1/campaigns/{city}/invitations/{batch}/revoke"),
    ],
    "POST /v1/campaigns/{code}/interviews": [
        Asked("/v1/campaigns/{campaign}/interviews", INTERVIEWS)
    ],
    "GET /v1/campaigns/{code}/results": [
        Asked("/v1/campaigns/{campaign}/results"),
        Asked("/v1/campaigns/{city}/results?within=B"),
    ],
    "GET /v1/campaigns/{code}/coverage": [
        Asked("/v1/campaigns/{campaign}/coverage"),
        Asked("/v1/campaigns/{city}/coverage?within=W"),
    ],
}
UNSCOPED = {
    "GET /v1/units",
    "GET /v1/units/{code}",
    "GET /v1/questionnaires",
    "GET /v1/questionnaires/{code}",
    "GET /v1/questionnaires/{code}/xlsform",
    "GET /v1/campaigns",
    "GET /v1/campaigns/{code}",
    "GET /v1/campaigns/{code}/links",
    "GET /v1/campaigns/{code}/links.csv",
    "GET /v1/links/{link}/qr.svg",
    "GET /v1/links/{link}/qr.png",
}
"""Reading these needs any valid token; all others need a scope."""


def _needs_token(dependant: Dependant) -> bool:
    return dependant.call is _principal or any(map(_needs_token, dependant.dependencies))


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
    }


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
