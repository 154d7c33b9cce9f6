"""A proxy before the server: whether people's own addresses come through it."""

import dataclasses
from email.message import Message

import pytest

from app.core.addresses import networks
from app.core.database import Database
from app.core.settings import Settings
from app.doctor import address, database
from app.doctor.findings import Finding
from tests.factories import Api

PUBLIC = "https://survey.example.org"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A deployment behind a proxy on the same machine."""
    return dataclasses.replace(settings, trusted_proxies=networks(["127.0.0.1"]))


async def judged(api: Api, settings: Settings) -> Finding:
    """What the audit's addresses are judged to mean."""
    opened: Database = api.app.state.database
    async with opened.sessions() as session:
        recent = await database.recent_addresses(session)
    [found] = address.check_proxy(settings, None, recent)
    return found


async def test_a_proxy_that_forwards_no_addresses_is_found(admin: Api, settings: Settings) -> None:
    assert "no request" in (await judged(admin, settings)).found
    unit = {"name": "潍坊市", "kind": "city"}
    await admin.made("PUT", "/v1/units/W", unit)
    found = await judged(admin, settings)
    assert found.state == "warning"
    assert "X-Forwarded-For" in found.advice
    await admin.made("PUT", "/v1/units/V", unit, headers={"X-Forwarded-For": "203.0.113.7"})
    assert (await judged(admin, settings)).state == "ok"


def seen(**headers: str) -> address.Seen:
    """A reply with these headers."""
    message = Message()
    for name, value in headers.items():
        message[name] = value
    return address.Seen(200, message, b"", None)


@pytest.mark.parametrize(
    ("url", "reply", "state"),
    [
        ("http://10.0.0.9", seen(), "ok"),
        ("http://10.0.0.9", None, "ok"),
        ("http://10.0.0.9", seen(Server="nginx/1.22.1"), "warning"),
        ("http://10.0.0.9", seen(Via="1.1 Caddy"), "warning"),
        (PUBLIC, seen(), "warning"),
    ],
)
def test_a_proxy_that_is_not_trusted_is_found(
    settings: Settings, url: str, reply: address.Seen | None, state: str
) -> None:
    given = dataclasses.replace(settings, trusted_proxies=(), public_url=url)
    [found] = address.check_proxy(given, reply, [])
    assert found.state == state
    assert ("XINSHENG_TRUSTED_PROXIES" in found.advice) == (state == "warning")


@pytest.mark.parametrize("broad", ["0.0.0.0/0", "::/0", "64.0.0.0/4"])
def test_trusting_half_the_world_is_found(settings: Settings, broad: str) -> None:
    given = dataclasses.replace(settings, trusted_proxies=networks(["127.0.0.1", broad]))
    [found] = address.check_proxy(given, None, ["203.0.113.7"])
    assert found.state == "failure"
    assert broad in found.found
