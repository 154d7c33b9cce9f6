"""`xinsheng clients`: what an operator does when there is no client yet, or one leaks."""

import json

import pytest

from app.core.settings import Settings
from tests.backup import conftest as commands
from tests.factories import Api


async def said(settings: Settings, *arguments: str, status: int = 0) -> str:
    """What a command says; its exit status must be this."""
    ended, output, errors = await commands.said(settings, *arguments)
    assert ended == status, output + errors
    return output + errors


async def token(api: Api, client_id: str, secret: str) -> Api | None:
    """The API with this client's token, if it gets one."""
    reply = await api.http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret)
    )
    return Api(api.http, api.app, reply.json()["access_token"]) if reply.is_success else None


async def test_a_client_is_made_changed_over_and_ended(api: Api, settings: Settings) -> None:
    options = ("--scope", "results:read", "--network", "127.0.0.0/8", "--expires", "2099-01-01")
    made = json.loads(await said(settings, "clients", "create", "大屏", *options, "--json"))
    client_id, first = made["client_id"], made["client_secret"]
    before = await token(api, client_id, first)
    assert before is not None
    listed = await said(settings, "clients", "list")
    assert f"{client_id}  大屏  results:read  all  expires 2099-01-01" in listed
    assert first not in listed
    second = (await said(settings, "clients", "secret", client_id)).split()[2]
    assert "two secrets already" in await said(settings, "clients", "secret", client_id, status=1)
    after = await token(api, client_id, second)
    assert after is not None
    await said(settings, "clients", "revoke", client_id, "--secret", "1")
    assert await token(api, client_id, first) is None
    assert (await before.get("/v1/units")).status_code == 401
    assert (await after.get("/v1/units")).status_code == 200
    await said(settings, "clients", "revoke", client_id)
    assert (await after.get("/v1/units")).status_code == 401
    assert "no client xc_none" in await said(settings, "clients", "revoke", "xc_none", status=1)
    assert "4 entries are whole" in await said(settings, "audit", "verify")


async def test_scopes_add_up_however_they_are_given(api: Api, settings: Settings) -> None:
    for options in (
        ("--scope", "interviews:write", "--scope", "tallies:write"),
        ("--scope", "interviews:write tallies:write"),
    ):
        made = json.loads(await said(settings, "clients", "create", "x", *options, "--json"))
        reply = await api.http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(made["client_id"], made["client_secret"]),
        )
        assert reply.json()["scope"].split() == ["interviews:write", "tallies:write"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--scope", "everything"), "The scopes are admin"),
        (("--scope", "admin", "--unit", "none"), "no unit with this code"),
        (("--scope", "admin", "--network", "home"), "203.0.113.0/24"),
    ],
)
async def test_a_client_that_cannot_be_made_is_told_why(
    settings: Settings, options: tuple[str, ...], reason: str
) -> None:
    assert reason in await said(settings, "clients", "create", "x", *options, status=1)
