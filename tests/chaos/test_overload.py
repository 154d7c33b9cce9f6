"""More than the server can do just now: others wait or hear a 503, and nothing goes astray."""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from app.responses.intake import CAPACITY
from tests.chaos.crowds import (
    Person,
    assert_stored_once,
    crowd,
    each,
    sent_until_acknowledged,
)
from tests.chaos.killing import postmaster
from tests.chaos.ledger import connected
from tests.chaos.served import Served
from tests.chaos.wire import Reply, Wire, asked

pytestmark = pytest.mark.process

UNDER_WAY = 4 * 256
"""Responses that are being stored while `CAPACITY` others wait, at most."""
_SECONDS = 30


async def ask(wire: Wire, whole: bytes) -> Reply:
    """Send a request, and wait for its reply."""
    wire.send(whole)
    return await wire.reply()


def busy(reply: Reply) -> bool:
    """Whether it says to come again, as it should be said."""
    if reply.status != 503:
        return False
    assert int(reply.headers["retry-after"]) > 0
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["type"] == "/problems/busy"
    return True


async def others_are_answered(served: Served) -> None:
    """What needs nothing that is held up is answered as ever."""
    for path in ("/healthz", "/readyz", f"/s/{served.link}", "/v1/units/A1"):
        reply = await asked(served.base, "GET", path, headers=authorisation(served), seconds=10)
        assert reply.status == 200, (path, reply.body)


async def unready(served: Served) -> bool:
    """Whether it is not ready just now."""
    return busy(await asked(served.base, "GET", "/readyz", seconds=_SECONDS))


def authorisation(served: Served) -> dict[str, str]:
    return {"Authorization": f"Bearer {served.api.token}"}


async def settled(served: Served, people: list[Person], replies: list[Reply]) -> None:
    """All have 201 or 503; those who have 503 get through when they come again."""
    refused = [one for one, reply in zip(people, replies, strict=True) if busy(reply)]
    assert {reply.status for reply in replies} <= {201, 503}
    statuses = await sent_until_acknowledged(served, refused)
    # 200: it was stored after all, though its reply said to come again.
    assert statuses.keys() <= {200, 201}
    await assert_stored_once(served, people)


@asynccontextmanager
async def locked_claims(served: Served) -> AsyncIterator[None]:
    """Nothing can be stored while the context lasts."""
    connection = await connected(served.data_dir)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE claims IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def test_with_the_queue_full_the_rest_is_refused_at_once(served: Served) -> None:
    people = await crowd(served, CAPACITY + UNDER_WAY + 500)
    before = served.memory
    refused = 0

    async def count_refusals(wire: Wire, whole: bytes) -> Reply:
        nonlocal refused
        reply = await ask(wire, whole)
        refused += reply.status == 503
        return reply

    async with locked_claims(served):
        sending = asyncio.create_task(each(people, count_refusals, served.base))
        async with asyncio.timeout(_SECONDS):
            while refused < 500:
                await asyncio.sleep(0.05)
        # The lock is held still: nobody of these had to wait for it.
        await others_are_answered(served)
        assert served.memory - before < 150 << 20  # measured: 61 MB for 5,620 connections
    await settled(served, people, await sending)


async def test_pages_that_wait_for_the_database_hear_in_seconds_that_it_is_busy(
    served: Served,
) -> None:
    people = await crowd(served, 200)
    pages = [
        path.replace("/v1/invitations/", "/i/").removesuffix("/responses") for path, _ in people
    ]

    async def open_page(path: str) -> int:
        return (await asked(served.base, "GET", path, seconds=_SECONDS)).status

    async with locked_claims(served):
        statuses = await asyncio.gather(*map(open_page, pages))
    assert set(statuses) <= {200, 503}
    assert set(await asyncio.gather(*map(open_page, pages))) == {200}


async def test_commits_that_do_not_return_hold_up_nobody_else(served: Served) -> None:
    people = await crowd(served, 300)
    superuser = await connected(served.data_dir, role="postgres")
    try:
        # As a disk that hangs: a standby that is not there never confirms a commit.
        await superuser.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        await superuser.execute("SELECT pg_reload_conf()")
        sending = asyncio.create_task(each(people, ask, served.base))
        await asyncio.sleep(2)
        assert not sending.done()
        await others_are_answered(served)
    finally:
        await superuser.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await superuser.execute("SELECT pg_reload_conf()")
        await superuser.close()
    await settled(served, people, await sending)


async def _taken(served: Served, role: str) -> list[Any]:
    """All connections that this role can have."""
    taken: list[Any] = []
    with contextlib.suppress(asyncpg.TooManyConnectionsError):
        while len(taken) < 1000:
            taken.append(await connected(served.data_dir, role=role))
    return taken


async def test_with_all_connections_taken_it_serves_or_says_busy_and_recovers(
    served: Served,
) -> None:
    people = await crowd(served, 300)
    # Those that it has are cut too: it must live through having none.
    taken = await _taken(served, "postgres")
    await taken[0].execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'xinsheng'"
    )
    taken += await _taken(served, "postgres")
    try:
        assert len(taken) > 100
        began = time.monotonic()
        replies = await each(people, ask, served.base)
        assert time.monotonic() - began < _SECONDS
        assert Counter(reply.status for reply in replies)[503] > 0
        healthz = await asked(served.base, "GET", "/healthz")
        assert healthz.status == 200
        assert await unready(served)
    finally:
        await asyncio.gather(*(one.close() for one in taken))
    await settled(served, people, replies)
    await others_are_answered(served)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT], ids=str)
async def test_a_database_that_is_stopped_comes_back_by_itself(
    served: Served, number: signal.Signals
) -> None:
    people = await crowd(served, 300)
    former = postmaster(served.data_dir)
    assert former is not None
    os.kill(former, number)
    replies = await each(people, ask, served.base)
    async with asyncio.timeout(_SECONDS):
        while postmaster(served.data_dir) in (former, None) or await unready(served):
            await asyncio.sleep(0.05)
    await settled(served, people, replies)
    await others_are_answered(served)
