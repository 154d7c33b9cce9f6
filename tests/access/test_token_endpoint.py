"""The token endpoint: credentials for tokens, and what is said when they are wrong."""

import base64
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.clients import service as clients
from app.clients.service import NewClient
from app.core.database import Database
from tests.factories import Api

GRANT = {"grant_type": "client_credentials"}
FORM_TYPE = "application/x-www-form-urlencoded"


async def _client(api: Api, *scopes: str) -> NewClient:
    database: Database = api.app.state.database
    async with database.sessions.begin() as session:
        return await clients.create(session, name="test", scopes=list(scopes), unit=None)


async def _execute(api: Api, statement: str, **values: Any) -> None:
    database: Database = api.app.state.database
    async with database.sessions.begin() as session:
        await session.execute(text(statement), values)


def _basic(client_id: str | bytes, secret: str | bytes) -> dict[str, str]:
    parts = [one.encode() if isinstance(one, str) else one for one in (client_id, secret)]
    return {"Authorization": "Basic " + base64.b64encode(b":".join(parts)).decode()}


def _refused(reply: httpx.Response, status: int, error: str) -> None:
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Cache-Control"] == "no-store"
    problem = reply.json()
    assert problem["error"] == error
    assert problem["status"] == status
    assert problem["request_id"] == reply.headers["X-Request-Id"]


@pytest.mark.parametrize("way", ["basic", "form"])
async def test_credentials_give_a_token(api: Api, way: str) -> None:
    made = await _client(api, "results:read", "links:write")
    if way == "basic":
        headers = _basic(made.client_id, made.client_secret)
        reply = await api.http.post("/oauth/token", data=GRANT, headers=headers)
    else:
        form = {"client_id": made.client_id, "client_secret": made.client_secret}
        reply = await api.http.post("/oauth/token", data={**GRANT, **form})
    assert reply.status_code == 200
    assert reply.headers["Cache-Control"] == "no-store"
    token = reply.json()
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 3600
    assert token["scope"] == "links:write results:read"
    authorised = Api(api.http, api.app, token["access_token"])
    assert (await authorised.get("/v1/units")).status_code == 200


async def test_basic_credentials_are_form_encoded(api: Api) -> None:
    made = await _client(api, "admin")
    headers = _basic(made.client_id.replace("_", "%5F"), made.client_secret.replace("_", "%5f"))
    assert (await api.http.post("/oauth/token", data=GRANT, headers=headers)).status_code == 200


WRONG_CREDENTIALS = (
    {"secret": "xs_wrong"},
    {"secret": ""},
    {"secret": "x" * 10_000},
    {"secret": "密码"},
    {"secret": chr(0)},
    {"client_id": "xc_0000000000000000"},
    {"client_id": ""},
    {"client_id": "%"},
    {"client_id": "x" * 10_000},
    {"client_id": "xc_" + chr(0)},
    {"client_id": "客户端"},
    {"client_id": "' OR 1=1 --"},
)


@pytest.mark.parametrize("way", ["basic", "form"])
async def test_wrong_credentials_are_refused(api: Api, way: str) -> None:
    made = await _client(api, "admin")
    for change in WRONG_CREDENTIALS:
        given = {"client_id": made.client_id, "secret": made.client_secret, **change}
        if way == "basic":
            headers = _basic(given["client_id"], given["secret"])
            reply = await api.http.post("/oauth/token", data=GRANT, headers=headers)
        else:
            form = {"client_id": given["client_id"], "client_secret": given["secret"]}
            reply = await api.http.post("/oauth/token", data={**GRANT, **form})
        _refused(reply, 401, "invalid_client")
        assert reply.headers["WWW-Authenticate"].startswith("Basic")


BROKEN_AUTHORIZATIONS = (
    b"Basic",
    b"Basic ",
    b"Basic !!!!",
    b"Basic " + base64.b64encode(bytes([255, 254, 58, 253])),
    b"Basic " + base64.b64encode(b"no colon"),
    b"Basic " + base64.b64encode(b"%00:%00"),
    b"Basic " + base64.b64encode(b"%ff%fe:x"),
    b"Basic " + bytes([255, 254]),
    b"Bearer x.y.z",
    b"Digest x",
    b"x",
)


async def test_a_broken_authorization_is_refused(api: Api) -> None:
    for authorization in BROKEN_AUTHORIZATIONS:
        headers = [(b"Authorization", authorization), (b"Content-Type", FORM_TYPE.encode())]
        reply = await api.http.post(
            "/oauth/token", content=b"grant_type=client_credentials", headers=headers
        )
        _refused(reply, 401, "invalid_client")


async def test_a_revoked_client_gets_no_token(api: Api) -> None:
    made = await _client(api, "admin")
    await _execute(api, "UPDATE clients SET revoked_at = now()")
    headers = _basic(made.client_id, made.client_secret)
    _refused(
        await api.http.post("/oauth/token", data=GRANT, headers=headers), 401, "invalid_client"
    )


async def test_another_grant_type_is_refused(api: Api) -> None:
    made = await _client(api, "admin")
    headers = _basic(made.client_id, made.client_secret)
    for grant in ("", "password", "authorization_code", "CLIENT_CREDENTIALS", chr(0)):
        reply = await api.http.post("/oauth/token", data={"grant_type": grant}, headers=headers)
        _refused(reply, 400, "unsupported_grant_type")


NO_FORMS = (
    (b'{"grant_type": "client_credentials"}', "application/json"),
    (b"", FORM_TYPE),
    (b"grant_type", FORM_TYPE),
    (bytes([255, 254, 0]), FORM_TYPE),
    (b"grant_type=%00", FORM_TYPE),
    (b"\r\n", "multipart/form-data; boundary=x"),
    (b"--x\r\n", "multipart/form-data; boundary=x"),
    (b"x", "multipart/form-data"),
    (b"x", "text/plain"),
)


async def test_a_body_that_is_no_form_is_refused(api: Api) -> None:
    for content, kind in NO_FORMS:
        headers = {"Content-Type": kind}
        reply = await api.http.post("/oauth/token", content=content, headers=headers)
        assert reply.json()["error"] in ("unsupported_grant_type", "invalid_request")
        _refused(reply, 400, reply.json()["error"])


async def test_a_file_in_the_place_of_a_text_is_refused(api: Api) -> None:
    reply = await api.http.post("/oauth/token", data=GRANT, files={"client_id": b"xc_1"})
    _refused(reply, 400, "invalid_request")


async def test_a_scope_that_is_not_held_is_refused(api: Api) -> None:
    made = await _client(api, "results:read")
    headers = _basic(made.client_id, made.client_secret)
    for scope in ("admin", "results:exact", "results:read admin", "x", "结果", chr(0)):
        form = {**GRANT, "scope": scope}
        reply = await api.http.post("/oauth/token", data=form, headers=headers)
        _refused(reply, 400, "invalid_scope")


async def _with_scope(api: Api, made: NewClient, scope: str) -> Api:
    headers = _basic(made.client_id, made.client_secret)
    reply = await api.http.post("/oauth/token", data={**GRANT, "scope": scope}, headers=headers)
    assert reply.json()["scope"] == " ".join(sorted(scope.split()))
    return Api(api.http, api.app, reply.json()["access_token"])


UNIT = {"name": "潍坊市", "kind": "city"}


async def test_a_token_may_be_narrower_than_its_client(api: Api) -> None:
    made = await _client(api, "admin")
    reader = await _with_scope(api, made, "results:read")
    assert (await reader.get("/v1/units")).status_code == 200
    refused = await reader.put("/v1/units/W", UNIT)
    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/scope-missing"
    assert (await reader.get("/v1/clients")).status_code == 403
    writer = await _with_scope(api, made, "units:write results:read")
    assert (await writer.put("/v1/units/W", UNIT)).status_code == 201


async def test_a_blank_scope_asks_for_all(api: Api) -> None:
    made = await _client(api, "results:read", "links:write")
    headers = _basic(made.client_id, made.client_secret)
    reply = await api.http.post("/oauth/token", data={**GRANT, "scope": "  "}, headers=headers)
    assert reply.json()["scope"] == "links:write results:read"


async def test_scopes_taken_from_a_client_are_taken_from_its_tokens(api: Api) -> None:
    made = await _client(api, "units:write", "links:write")
    writer = await _with_scope(api, made, "units:write links:write")
    assert (await writer.put("/v1/units/W", UNIT)).status_code == 201
    await _execute(api, "UPDATE clients SET scopes = ARRAY['links:write']")
    assert (await writer.put("/v1/units/W", UNIT)).status_code == 403


async def test_an_admins_token_keeps_what_its_client_keeps(api: Api) -> None:
    made = await _client(api, "admin")
    token = await _with_scope(api, made, "admin")
    await _execute(api, "UPDATE clients SET scopes = ARRAY['units:write']")
    assert (await token.get("/v1/clients")).status_code == 403
    assert (await token.put("/v1/units/W", UNIT)).status_code == 201


async def test_a_client_given_more_needs_a_new_token_for_it(api: Api) -> None:
    made = await _client(api, "links:write")
    token = await _with_scope(api, made, "links:write")
    await _execute(api, "UPDATE clients SET scopes = ARRAY['admin']")
    assert (await token.put("/v1/units/W", UNIT)).status_code == 403
    assert (await (await _with_scope(api, made, "admin")).put("/v1/units/W", UNIT)).is_success


async def test_a_token_moves_with_its_clients_unit(api: Api, admin: Api) -> None:
    await admin.made("PUT", "/v1/units/W", UNIT)
    await admin.made("PUT", "/v1/units/A", {"name": "A县", "kind": "county", "parent": "W"})
    made = await _client(api, "units:write")
    token = await _with_scope(api, made, "units:write")
    await _execute(
        api,
        "UPDATE clients SET unit_id = units.id FROM units WHERE code = 'A' AND client_id = :id",
        id=made.client_id,
    )
    assert (await token.get("/v1/units/W")).status_code == 404
    assert (await token.get("/v1/units/A")).status_code == 200
