"""The live stream over real HTTP: what is told when, to whom, and when it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.access.tables import RevokedToken
from app.core.database import Database
from app.core.settings import Settings
from app.counts import folding
from app.results.live import routes, stream
from tests.browser.chromium import serving
from tests.factories import Api, answer, invitations, open_campaign, tree

STREAM = "/v1/campaigns/C/stream"
TICKETS = f"{STREAM}/tickets"


@dataclass
class Event:
    """One event as it was sent; of a comment only the text."""

    kind: str | None = None
    data: Any = None
    id: str | None = None
    comment: str | None = None


class Events:
    """The events of an open stream, one after another."""

    def __init__(self, reply: httpx.Response) -> None:
        self.reply = reply
        self._lines = reply.aiter_lines()

    async def next(self) -> Event:
        """The next event or comment. Errors: StopAsyncIteration at the stream's end."""
        event, any_line = Event(), False
        async with asyncio.timeout(20):
            async for line in self._lines:
                if not line and any_line:
                    return event
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                any_line = any_line or bool(line)
                match name:
                    case "event":
                        event.kind = value
                    case "data":
                        event.data = json.loads(value)
                    case "id":
                        event.id = value
                    case "" if line:
                        event.comment = value
        raise StopAsyncIteration

    async def told(self, kind: str = "results") -> Event:
        """The next event of a kind; comments are passed over."""
        while True:
            event = await self.next()
            if event.kind is not None:
                assert event.kind == kind, event
                return event


@asynccontextmanager
async def opened(api: Api, url: str = STREAM, **headers: str) -> AsyncIterator[Events]:
    """A stream that is open."""
    if api.token is not None:
        headers["Authorization"] = f"Bearer {api.token}"
    async with api.http.stream("GET", url, headers=headers, timeout=30) as reply:
        assert reply.status_code == 200, await reply.aread()
        assert reply.headers["Content-Type"].startswith("text/event-stream")
        yield Events(reply)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "INTERVAL", 0.05)
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 1.2)


@pytest.fixture
async def live(settings: Settings) -> AsyncIterator[Api]:
    """A real server with an open campaign C."""
    async with serving(settings) as api:
        await tree(api)
        await open_campaign(api)
        yield api


def respondents(event: Event) -> int:
    return sum(one["respondents"] for one in event.data["populations"])


async def test_the_state_is_told_at_once_and_after_every_change(live: Api) -> None:
    tokens = await invitations(live, 2)
    async with opened(live) as events:
        first = await events.told()
        assert first.data["exact"] is True
        assert [one["population"] for one in first.data["populations"]] == ["parent", "teacher"]
        assert respondents(first) == 0
        await answer(live, tokens[0])
        second = await events.told()
        assert respondents(second) == 1
        assert second.data["populations"][0]["rate"] == 1.0
        assert second.id != first.id
    # Who comes back is told what it has missed, and nothing that it has seen.
    await answer(live, tokens[1], "dissatisfied")
    async with opened(live, **{"Last-Event-ID": second.id or ""}) as events:
        third = await events.told()
        assert respondents(third) == 2
    async with opened(live, **{"Last-Event-ID": third.id or ""}) as events:
        assert (await events.next()).comment == "Xinsheng"
        assert (await events.next()).comment == "nothing new"


async def test_a_heartbeat_comes_where_there_is_nothing_new(live: Api) -> None:
    async with opened(live) as events:
        await events.told()
        assert (await events.next()).comment == "nothing new"


async def test_a_ticket_opens_one_stream_once(live: Api) -> None:
    ticket = (await live.made("POST", TICKETS))["ticket"]
    anonymous = Api(live.http, live.app)
    async with opened(anonymous, f"{STREAM}?ticket={ticket}") as events:
        await events.told()
    again = await anonymous.get(f"{STREAM}?ticket={ticket}")
    assert (again.status_code, again.json()["type"]) == (401, "/problems/unauthenticated")
    ticket = (await live.made("POST", TICKETS))["ticket"]
    assert (await anonymous.get("/v1/campaigns/C/results", params={"ticket": ticket})).is_error
    await open_campaign(live, "D")
    assert (await anonymous.get(f"/v1/campaigns/D/stream?ticket={ticket}")).status_code == 401


async def test_two_who_use_one_ticket_at_once_get_one_stream(live: Api) -> None:
    ticket = (await live.made("POST", TICKETS))["ticket"]
    url = f"{STREAM}?ticket={ticket}"

    async def status() -> int:
        async with live.http.stream("GET", url, timeout=30) as reply:
            return reply.status_code

    statuses = await asyncio.gather(*(status() for _ in range(8)))
    assert sorted(statuses) == [200] + [401] * 7


async def test_a_stream_ends_with_its_token(live: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_ASKED_AGAIN", routes._ASKED_AGAIN * 0)
    async with opened(live) as events:
        await events.told()
        database: Database = live.app.state.database
        claims = await _claims(live)
        async with database.sessions.begin() as session:
            session.add(RevokedToken(jti=claims.token_id, expires_at=claims.expires_at))
        assert (await events.told("end")).data == {}
        with pytest.raises(StopAsyncIteration):
            await events.next()


async def _claims(api: Api) -> Any:
    from app.access import tokens

    assert api.token is not None
    return tokens.verify(api.app.state.keyring, api.token)


async def test_a_county_watches_its_own_part(live: Api) -> None:
    (token,) = await invitations(live, 1, unit="B1")
    county = await live.as_client("results:exact", "A")
    async with opened(county) as events, opened(live) as of_all:
        assert respondents(await events.told()) == 0
        await of_all.told()
        await answer(live, token)
        assert respondents(await of_all.told()) == 1
        assert (await events.next()).comment == "nothing new"


async def test_who_may_not_read_results_opens_no_stream(live: Api) -> None:
    assert (await Api(live.http, live.app).get(STREAM)).status_code == 401
    assert (await (await live.as_client("links:write")).get(STREAM)).status_code == 403
    assert (await live.get("/v1/campaigns/none/stream")).status_code == 404


async def test_who_sees_releases_may_wait_for_the_first(live: Api) -> None:
    public = await live.as_client("results:read")
    assert (await public.get("/v1/campaigns/C/results")).status_code == 409
    async with opened(public) as events:
        assert (await events.next()).comment == "Xinsheng"
        assert (await events.next()).comment == "nothing released yet"
        for token in await invitations(live, 10):
            await answer(live, token)
        await live.made("POST", "/v1/campaigns/C/releases")
        first = await events.told("release")
        assert (first.data["release"], respondents(first)) == (1, 10)
        assert first.data["exact"] is False
    async with opened(public, **{"Last-Event-ID": first.id or ""}) as events:
        assert (await events.next()).comment == "Xinsheng"
        assert (await events.next()).comment == "nothing new"


async def test_one_connection_listens_however_many_watch(live: Api) -> None:
    async with (
        opened(live) as first,
        opened(live) as second,
        opened(live) as third,
    ):
        for events in (first, second, third):
            await events.told()
        pool = live.app.state.database.pool
        async with pool.acquire() as connection:
            statement = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'xinsheng listening'"
            )
            assert await connection.fetchval(statement) == 1
            await connection.execute(statement.replace("count(*)", "pg_terminate_backend(pid)"))
        # It is made anew, and nothing is missed.
        (token,) = await invitations(live, 1)
        await answer(live, token)
        for events in (first, second, third):
            assert respondents(await events.told()) == 1
