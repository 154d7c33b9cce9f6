"""Limits: what is counted, by whom, and that nobody is locked out who should not be."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network

import httpx
import pytest
from fastapi import FastAPI

from app.core.limits.counting import Limits, TooMany
from app.core.limits.policies import PER_MINUTE
from app.core.limits.sharing import share
from app.core.settings import Settings
from app.main import create
from tests.factories import Api, invitations, link, open_campaign, submission, tree
from tests.phone_page.conftest import Browser

Limited = Callable[..., AbstractAsyncContextManager[Api]]


@pytest.fixture(autouse=True)
def no_new_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no minute begin amid a test, which would begin all counts at nought."""
    monkeypatch.setattr("app.core.limits.counting._now", lambda: 6_000_000.0)


@pytest.fixture
async def ready(admin: Api) -> Api:
    """The admin's API with an open campaign C, and the limits that a deployment has."""
    await tree(admin)
    await open_campaign(admin)
    return admin


@pytest.fixture
def limited(ready: Api, settings: Settings) -> Limited:
    """Another process with these limits, and the admin's API there."""

    @asynccontextmanager
    async def started(**limits: int) -> AsyncIterator[Api]:
        app = create(replace(settings, limits={**PER_MINUTE, **limits}))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
                yield Api(http, app, ready.token)

    return started


def refused(reply: httpx.Response, policy: str) -> None:
    """The reply must be a 429 of this policy that says when to come again."""
    assert reply.status_code == 429, reply.text
    assert reply.json()["type"] == "/problems/too-many-requests"
    assert 1 <= int(reply.headers["Retry-After"]) <= 60
    assert reply.headers["RateLimit"].startswith(f'"{policy}";r=0;t=')
    assert reply.headers.get_list("RateLimit-Policy")[0].startswith(f'"{policy}";q=')


def test_a_limit_admits_as_many_as_it_says_of_each_key() -> None:
    limits = Limits({"client": 3})
    for left in (2, 1, 0):
        standing = limits.admit("client", "a")
        assert standing.headers()["RateLimit"].startswith(f'"client";r={left};t=')
    with pytest.raises(TooMany):
        limits.check("client", "a")
    with pytest.raises(TooMany):
        limits.admit("client", "a")
    limits.check("client", "b")
    assert not limits.admit("client", "b").exceeded


def test_a_new_minute_begins_at_nought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.limits.counting._now", lambda: 59.0)
    limits = Limits({"client": 1})
    assert limits.admit("client", "a").seconds_left == 1
    with pytest.raises(TooMany):
        limits.check("client", "a")
    monkeypatch.setattr("app.core.limits.counting._now", lambda: 60.0)
    assert limits.admit("client", "a").seconds_left == 60


def test_a_flood_of_keys_takes_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.limits.counting._MOST_KEYS", 100)
    limits = Limits({"network": 5})
    for number in range(1000):
        limits.count("network", str(number))
    assert len(limits._counts) == 100


async def test_processes_share_what_they_have_counted(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.limits.counting._now", lambda: 6_000_000.0)
    pool = app.state.database.pool
    one, two = Limits({"proof": 10, "link": 1000}), Limits({"proof": 10, "link": 1000})
    for _ in range(6):
        one.count("proof", b"x")
        two.count("proof", b"x")
    one.count("link", "seldom")
    for limits in (one, two, one):
        await share(limits, pool)
    for limits in (one, two):
        with pytest.raises(TooMany):
            limits.check("proof", b"x")
        limits.check("proof", b"y")
    # Shared again, nothing is added twice.
    await asyncio.gather(*(share(limits, pool) for limits in (one, two)))
    stored = await pool.fetch("SELECT key, used FROM limit_counts")
    assert [row["used"] for row in stored] == [12]
    assert all(len(row["key"]) == 16 for row in stored)


async def test_a_client_is_told_how_it_stands_and_stopped_at_its_limit(limited: Limited) -> None:
    async with limited(client=3) as api:
        for left in (2, 1, 0):
            reply = await api.get("/v1/units")
            assert reply.status_code == 200
            assert reply.headers["RateLimit"].startswith(f'"client";r={left};t=')
            assert reply.headers["RateLimit-Policy"] == '"client";q=3;w=60'
        refused(await api.get("/v1/units"), "client")
        other = await api.as_client("links:write")
        assert (await other.get("/v1/units")).status_code == 200


async def test_distinct_invitations_are_never_limited_by_network(limited: Limited) -> None:
    async with limited(network=1, guesses=1, link=1) as api:
        tokens = await invitations(api, 60)
        for _ in range(3):
            await api.http.get("/v1/links/unknown1")
        browser = Browser(api)
        for token in tokens[:20]:
            page = await browser.open(f"/i/{token}")
            assert page.status_code == 200
        replies = await asyncio.gather(
            *(
                api.http.post(f"/v1/invitations/{one}/responses", json=submission())
                for one in tokens
            )
        )
        assert {reply.status_code for reply in replies} == {201}


async def test_three_hundred_tries_of_one_person_get_their_reply(ready: Api) -> None:
    [token] = await invitations(ready, 1)
    url, body = f"/v1/invitations/{token}/responses", submission()
    first = await ready.post(url, body)
    assert first.status_code == 201
    for number in range(300):
        again = await ready.post(url, body if number % 2 else submission())
        assert again.status_code == (200 if number % 2 else 409)


async def test_vain_tries_of_one_person_are_limited_and_nobody_elses(limited: Limited) -> None:
    async with limited(proof=5) as api:
        one, two = await invitations(api, 2)
        url, body = f"/v1/invitations/{one}/responses", submission()
        assert (await api.post(url, body)).status_code == 201
        for _ in range(5):
            assert (await api.post(url, body)).status_code == 200
        refused(await api.post(url, body), "proof")
        reply = await api.post(f"/v1/invitations/{two}/responses", submission())
        assert reply.status_code == 201


async def test_guesses_are_limited_and_a_known_link_goes_on(limited: Limited) -> None:
    async with limited(guesses=4) as api:
        code = await link(api)
        proof = (await api.http.get(f"/v1/links/{code}")).json()["device_proof"]
        for url in ("/v1/links/unknown1", "/s/unknown2", "/i/none", "/v1/links/unknown3"):
            assert (await api.http.get(url)).status_code == 404
        refused(await api.http.get("/v1/links/unknown4"), "guesses")
        guess = await api.http.post("/v1/receipts/read", json={"receipt": "A" * 38})
        refused(guess, "guesses")
        assert (await api.http.get("/s/unknown5")).status_code == 429
        body = submission(device_proof=proof)
        assert (await api.http.post(f"/v1/links/{code}/responses", json=body)).status_code == 201
        assert (await api.http.get(f"/s/{code}")).status_code == 200


async def test_responses_through_one_link_have_a_limit(limited: Limited) -> None:
    async with limited(link=2) as api:
        code = await link(api)
        for status in (201, 201, 429):
            proof = (await api.http.get(f"/v1/links/{code}")).json()["device_proof"]
            reply = await api.http.post(
                f"/v1/links/{code}/responses", json=submission(device_proof=proof)
            )
            assert reply.status_code == status
        refused(reply, "link")
        other = await link(api, "A2")
        proof = (await api.http.get(f"/v1/links/{other}")).json()["device_proof"]
        body = submission(device_proof=proof)
        assert (await api.http.post(f"/v1/links/{other}/responses", json=body)).status_code == 201


async def test_a_person_who_must_wait_keeps_what_was_filled_in(limited: Limited) -> None:
    async with limited(link=1) as api:
        url = f"/s/{await link(api)}"
        first, second = Browser(api), Browser(api)
        assert (await first.send(url, await first.fill(url))).status_code == 201
        form = await second.fill(url, "dissatisfied")
        reply = await second.send(url, form)
        assert reply.status_code == 429
        assert int(reply.headers["Retry-After"]) >= 1
        assert reply.text.count(" checked>") == 6


async def test_secrets_are_not_guessed_for_long(limited: Limited) -> None:
    async with limited(credentials=3, guesses=5) as api:

        async def ask(client_id: str, secret: str) -> httpx.Response:
            form = {"grant_type": "client_credentials"}
            return await api.http.post("/oauth/token", data=form, auth=(client_id, secret))

        made = await api.made("POST", "/v1/clients", {"name": "x", "scopes": ["results:read"]})
        for _ in range(3):
            assert (await ask("xc_other", "wrong")).status_code == 401
        refused(await ask("xc_other", "wrong"), "credentials")
        assert (await ask(made["client_id"], made["client_secret"])).status_code == 200
        for number in range(2):
            assert (await ask(f"xc_{number}", "wrong")).status_code == 401
        refused(await ask("xc_3", "wrong"), "guesses")


async def test_invalid_tokens_count_as_guesses(limited: Limited) -> None:
    async with limited(guesses=2) as api:
        stranger = replace(api, token="x.y.z")
        for status in (401, 401, 429):
            assert (await stranger.get("/v1/units")).status_code == status
        assert (await api.get("/v1/units")).status_code == 200


async def test_what_needs_no_token_is_limited_by_network_last_of_all(limited: Limited) -> None:
    async with limited(network=3) as api:
        for _ in range(3):
            assert (await api.http.get("/problems")).status_code == 200
        refused(await api.http.get("/problems"), "network")
        assert (await api.get("/v1/units")).status_code == 200
        for url in ("/healthz", "/readyz", "/metrics"):
            assert (await api.http.get(url)).status_code == 200


async def _asked(api: Api, forwarded: str | None) -> int:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    return (await api.http.get("/problems", headers=headers)).status_code


async def test_only_a_trusted_proxy_is_believed(settings: Settings) -> None:
    for trusted, expected in (((), [200, 429, 429]), ((ip_network("127.0.0.1"),), [200, 200, 429])):
        limits = {**PER_MINUTE, "network": 1}
        app = create(replace(settings, limits=limits, trusted_proxies=trusted))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
                api = Api(http, app)
                seen = [
                    await _asked(api, forwarded)
                    for forwarded in ("192.0.2.1", "192.0.2.2", "192.0.2.9, 192.0.2.2")
                ]
        assert seen == expected
