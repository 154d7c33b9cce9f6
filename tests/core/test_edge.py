"""The edge: known names only, policies with every reply, and who is believed of an address."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_network

import httpx
import pytest

from app.core.addresses import client_address, forwarded_client, network_of
from app.core.hosts import Hosts
from app.core.settings import Settings
from app.main import create
from tests.factories import Api, link, open_campaign, tree

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.mark.parametrize(
    ("public", "host", "known"),
    [
        ("https://wj.example.cn", "wj.example.cn", True),
        ("https://wj.example.cn", "WJ.example.CN:8443", True),
        ("https://wj.example.cn", "wj.example.cn.", True),
        ("https://wj.example.cn", "localhost:8000", True),
        ("https://wj.example.cn", "127.0.0.1", True),
        ("https://wj.example.cn", "[::1]:8000", True),
        ("https://wj.example.cn", "also.example.cn", True),
        ("https://wj.example.cn", "", True),
        ("https://wj.example.cn", "evil.example", False),
        ("https://wj.example.cn", "wj.example.cn.evil.example", False),
        ("https://wj.example.cn", "evil.example/wj.example.cn", False),
        ("https://wj.example.cn", "10.0.0.7", False),
        ("https://wj.example.cn", "wj.example.cn@evil.example", False),
        ("http://127.0.0.1:8000", "192.168.1.20:8000", True),
        ("http://127.0.0.1:8000", "[fe80::1]:8000", True),
        ("http://127.0.0.1:8000", "evil.example", False),
        ("http://10.0.0.7", "10.0.0.8", True),
    ],
)
def test_the_service_answers_under_the_names_that_it_has(
    public: str, host: str, known: bool
) -> None:
    assert Hosts(public, ["also.example.cn"]).include(host.encode()) is known


def _scope(peer: str, *forwarded: str) -> dict[str, object]:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    return {"client": (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "believed"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["rubbish, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, rubbish"], "10.0.0.1"),
        ("10.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
    ],
)
def test_of_forwarded_addresses_the_last_that_is_no_proxys_is_believed(
    peer: str, forwarded: list[str], believed: str
) -> None:
    trusted = (ip_network("10.0.0.0/8"),)
    assert forwarded_client(_scope(peer, *forwarded), trusted) == believed
    assert forwarded_client(_scope(peer, *forwarded), ()) == peer


def test_a_phone_with_many_addresses_of_ipv6_is_one_network() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::") == "2001:db8:1:2::/64"
    assert network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("") == ""
    assert client_address({}) == ""


@pytest.fixture
def ask(settings: Settings, admin: Api) -> Ask:
    """Ask one question of an app with other settings."""

    async def asked(
        url: str, *, host: str = "testserver", method: str = "GET", **changes: object
    ) -> httpx.Response:
        app = create(replace(settings, **changes))  # type: ignore[arg-type]
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
                return await http.request(method, url, headers={"Host": host})

    return asked


async def test_another_name_is_refused_but_for_those_who_watch(ask: Ask) -> None:
    reply = await ask("/problems", host="evil.example")
    assert (reply.status_code, reply.json()["type"]) == (421, "/problems/unknown-host")
    for url in ("/healthz", "/readyz", "/metrics"):
        assert (await ask(url, host="10.1.2.3")).status_code == 200
    allowed = await ask("/problems", host="evil.example", allowed_hosts=("evil.example",))
    assert allowed.status_code == 200


async def test_two_names_are_no_name(api: Api) -> None:
    request = api.http.build_request("GET", "/problems")
    request.headers = httpx.Headers([("Host", "testserver"), ("Host", "testserver")])
    assert (await api.http.send(request)).status_code == 421


async def test_every_reply_has_a_policy_that_lets_nothing_run(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    code = await link(admin)
    for url in (
        f"/s/{code}",
        "/s/none",
        "/i/none",
        "/docs",
        "/openapi.json",
        "/v1/units",
        f"/v1/links/{code}/qr.svg",
        "/none",
        "/healthz",
    ):
        reply = await admin.get(url)
        policy = reply.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'"), url
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert reply.headers.get_list("Content-Security-Policy") == [policy]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers.get_list("Referrer-Policy") == ["no-referrer"]
        assert "Server" not in reply.headers
        assert "Strict-Transport-Security" not in reply.headers


async def test_behind_https_browsers_are_told_to_stay_there(ask: Ask) -> None:
    for url in ("/problems", "/s/none", "/healthz"):
        reply = await ask(url, public_url="https://testserver")
        assert reply.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_a_form_that_another_site_sends_is_refused(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    url = f"/s/{await link(admin)}"
    form = {"submission_id": "7d0c7a0e-57ba-4dd1-a9d4-1c33e2b2f4d4"}
    sent = await admin.http.post(url, data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert sent.status_code == 400
    stored = await admin.app.state.database.pool.fetchval("SELECT count(*) FROM responses")
    assert stored == 0
