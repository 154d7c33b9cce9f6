"""Deliveries repeated, at once and killed on the way: each interview once, or nothing at all."""

import asyncio
import random
import uuid
from collections import Counter
from typing import Any

import httpx
import pytest

from app.core.database import Connection
from tests.factories import Api, answers, campaign_body
from tests.telephone.deliveries import (
    URL,
    ago,
    count,
    counted,
    delivered,
    in_vain,
    interview,
    phone,
    pool,
    send,
    statuses,
    traces,
)


def batch(number: int, **fields: Any) -> list[dict[str, Any]]:
    """Interviews V-0 … with phones of their own."""
    return [interview(f"V-{n}", **fields) for n in range(number)]


async def test_the_same_key_gets_the_first_reply_byte_for_byte(contractor: Api) -> None:
    items = [*batch(3), interview("bad", unit="nowhere"), {"interview_id": "bad too"}]
    first = await send(contractor, *items, key="once")
    again = await send(contractor, *items, key="once")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert first.json()["accepted"] == 3
    assert await count(contractor) == 3


async def test_another_key_finds_everything_there(contractor: Api) -> None:
    items = batch(5)
    await delivered(contractor, *items)
    reply = await delivered(contractor, *items)
    assert (reply["replayed"], reply["accepted"]) == (5, 0)
    assert await count(contractor) == 5


async def test_a_key_is_needed_and_belongs_to_one_request(
    campaign: Api, contractor: Api, other: Api
) -> None:
    missing = await contractor.post(URL, {"interviews": batch(1)})
    assert (missing.status_code, missing.json()["type"]) == (
        400,
        "/problems/idempotency-key-missing",
    )
    assert (await send(contractor, *batch(1), key="x" * 256)).status_code == 422
    await delivered(contractor, *batch(1), key="k")
    reused = await send(contractor, interview("V-2"), key="k")
    assert (reused.status_code, reused.json()["type"]) == (422, "/problems/idempotency-key-reused")
    await campaign.made("PUT", "/v1/campaigns/D", campaign_body())
    elsewhere = await send(contractor, *batch(1), key="k", url="/v1/campaigns/D/interviews")
    assert elsewhere.status_code == 422
    assert await statuses(other, interview("V-2"), key="k") == ["accepted"]
    assert await count(contractor) == 2


async def test_the_first_reply_comes_again_after_the_campaign_is_archived(
    campaign: Api, contractor: Api
) -> None:
    items = batch(2)
    first = await send(contractor, *items, key="k")
    await campaign.made("POST", "/v1/campaigns/C/close")
    await campaign.made("POST", "/v1/campaigns/C/archive")
    assert (await send(contractor, *items, key="k")).content == first.content
    assert (await send(contractor, *items)).status_code == 410


async def test_at_once_under_one_key_it_is_taken_once(contractor: Api) -> None:
    items = batch(20)
    replies = await asyncio.gather(*(send(contractor, *items, key="k") for _ in range(8)))
    taken = [reply.content for reply in replies if reply.status_code == 200]
    waiting = [reply for reply in replies if reply.status_code != 200]
    assert len(set(taken)) == 1
    assert {reply.status_code for reply in waiting} <= {409}
    assert all(reply.headers["Retry-After"] for reply in waiting)
    assert await count(contractor) == 20
    assert (await send(contractor, *items, key="k")).content == taken[0]


async def test_at_once_under_many_keys_every_interview_is_taken_once(contractor: Api) -> None:
    items = batch(30)
    shuffled = [random.Random(n).sample(items, len(items)) for n in range(6)]
    told = Counter(
        status
        for found in await asyncio.gather(*(statuses(contractor, *some) for some in shuffled))
        for status in found
    )
    assert told == {"accepted": 30, "replayed": 150}
    assert await count(contractor) == 30


async def test_revisions_at_once_leave_the_highest_counted(contractor: Api) -> None:
    first = interview()
    await delivered(contractor, first)
    versions: list[dict[str, Any]] = []
    for number in range(2, 10):
        if number % 2:
            versions.append({**first, "attempts": number, "revision": number})
        else:
            versions.append({**in_vain(), "phone": first["phone"], "revision": number})
            versions[-1]["attempts"] = number
    await asyncio.gather(*(statuses(contractor, one) for one in versions))
    assert await count(contractor) == 1
    assert await statuses(contractor, {**versions[0], "revision": 10}) in (
        ["updated"],
        ["replayed"],
    )


async def test_contractors_at_once_with_the_same_phones_count_each_once(
    contractor: Api, other: Api
) -> None:
    phones = [phone() for _ in range(40)]
    mine = [interview(f"V-{n}", phone=one) for n, one in enumerate(phones)]
    theirs = [
        interview(f"W-{n}", "dissatisfied", phone=one) for n, one in enumerate(reversed(phones))
    ]
    told = await asyncio.gather(statuses(contractor, *mine), statuses(other, *theirs))
    assert list(told) == [["accepted"] * 40] * 2
    assert await count(contractor) == 40
    assert (await traces(contractor))["claims"] == 40


async def test_corrections_at_once_in_opposite_order_end_without_deadlock(
    contractor: Api, other: Api
) -> None:
    phones = [phone() for _ in range(12)]
    mine = [in_vain(f"V-{n}") for n in range(12)]
    await delivered(contractor, *mine)
    await delivered(other, *mine)
    orders = phones, list(reversed(phones))
    corrected = [
        [interview(f"V-{n}", phone=one, revision=2) for n, one in enumerate(order)]
        for order in orders
    ]
    told = await asyncio.gather(statuses(contractor, *corrected[0]), statuses(other, *corrected[1]))
    assert list(told) == [["updated"] * 12] * 2
    assert await count(contractor) == 12


async def blocked_pid(connection: Connection) -> int:
    """The backend that waits for the lock that this connection holds."""
    for _ in range(500):
        pid: int | None = await connection.fetchval(
            "SELECT pid FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        if pid is not None:
            return pid
        await asyncio.sleep(0.01)
    raise AssertionError("nothing waits")


async def test_a_campaign_changed_on_the_way_has_its_rules_read_again(
    campaign: Api, contractor: Api
) -> None:
    body = {**campaign_body(), "closes_at": ago(minutes=3), "opens_at": ago(days=1)}
    async with pool(contractor).acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE claims IN EXCLUSIVE MODE")
        late = interview("V-2", ended_at=ago(minutes=2))
        request = asyncio.create_task(statuses(contractor, interview("V-1"), late))
        await blocked_pid(connection)
        await campaign.made("PUT", "/v1/campaigns/C", body)
    assert await request == ["accepted", "rejected"]
    assert await count(contractor) == 1


async def killed(contractor: Api, table: str, items: list[dict[str, Any]]) -> httpx.Response:
    """The reply to a delivery whose connection is killed when it comes to write to a table."""
    async with pool(contractor).acquire() as connection, connection.transaction():
        await connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        request = asyncio.create_task(send(contractor, *items, key="k"))
        pid = await blocked_pid(connection)
        await connection.execute("SELECT pg_terminate_backend($1)", pid)
        return await request


@pytest.mark.parametrize("table", ["claims", "interviews", "idempotency_keys"])
async def test_killed_on_the_way_nothing_is_stored_and_the_next_try_is_taken(
    contractor: Api, table: str
) -> None:
    stored = interview("V-0")
    await delivered(contractor, stored)
    before = await traces(contractor)
    items = [{**stored, "attempts": 9, "revision": 2}, *batch(4)[1:]]
    reply = await killed(contractor, table, items)
    assert (reply.status_code, reply.json()["type"]) == (503, "/problems/busy")
    assert reply.headers["Retry-After"]
    assert await traces(contractor) == before
    assert await counted(contractor) == {("A1", 1): 1}
    assert await statuses(contractor, *items, key="k") == ["updated"] + ["accepted"] * 3
    assert await counted(contractor) == {("A1", 1): 4}


async def test_a_thousand_interviews_are_stored_by_two_statements(contractor: Api) -> None:
    items = batch(1000)
    assert await statuses(contractor, *items) == ["accepted"] * 1000
    for table in ("responses", "claims", "interviews"):
        # Rows that one command wrote share its number within the transaction.
        commands = await pool(contractor).fetch(
            f"SELECT cmin::text, count(*) AS rows FROM {table} GROUP BY 1"
        )
        assert [row["rows"] for row in commands] == [1000], table
    corrected = [{**one, "answers": answers("dissatisfied"), "revision": 2} for one in items]
    assert await statuses(contractor, *corrected) == ["updated"] * 1000
    assert await counted(contractor) == {("A1", 3): 1000}


async def test_a_batch_at_its_limit_and_above(contractor: Api) -> None:
    items = [in_vain(f"V-{n}") for n in range(1001)]
    refused = await send(contractor, *items)
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/interviews"]
    assert await traces(contractor) == dict.fromkeys(await traces(contractor), 0)
    assert await statuses(contractor, *items[:1000], key=str(uuid.uuid4())) == ["accepted"] * 1000
