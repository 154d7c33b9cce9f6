"""Deliveries that a job takes: queued with their reply, taken in parts, resumed, then gone."""

import asyncio
import json
from typing import Any

from app.core.settings import Settings
from app.telephone.jobs import forget_left
from tests.factories import Api
from tests.telephone.bulk import batch, ended, lines, queued, send_body, taken, told, working
from tests.telephone.deliveries import count, interview, phone, pool, traces


async def waiting(api: Api) -> int:
    """Chunks that wait for a job."""
    found: int = await pool(api).fetchval("SELECT count(*) FROM delivery_chunks")
    return found


async def delivery(api: Api) -> dict[str, Any]:
    """The latest delivery on file."""
    return dict(await pool(api).fetchrow("SELECT * FROM deliveries ORDER BY id DESC LIMIT 1"))


async def test_a_job_takes_what_is_asked_to_wait(contractor: Api, settings: Settings) -> None:
    items = [*batch(1500), interview("bad", unit="nowhere"), b"{", b"", interview("last")]
    reply = await send_body(contractor, lines(items), key="k", Prefer="respond-async")
    assert reply.status_code == 202
    assert reply.headers["Preference-Applied"] == "respond-async"
    assert reply.headers["Retry-After"]
    job = reply.headers["Location"]
    assert reply.json()["job"] == job
    again = await send_body(contractor, lines(items), key="k", Prefer="respond-async")
    assert (again.status_code, again.content) == (202, reply.content)
    assert again.headers["Location"] == job
    other = await send_body(contractor, lines(items[:2]), key="k", Prefer="respond-async")
    assert other.status_code == 422
    assert await count(contractor) == 0
    assert (await delivery(contractor))["finished_at"] is None
    async with working(settings):
        found = await ended(contractor, job)
    assert (found["state"], found["done"], found["total"]) == ("done", 1504, 1504)
    result = found["result"]
    assert told(result) == (1501, 2)
    assert [
        one["index"] for one in (await contractor.made("GET", result["refusals"]))["items"]
    ] == [
        1500,
        1501,
    ]
    assert await count(contractor) == 1501
    assert await waiting(contractor) == 0
    row = await delivery(contractor)
    assert (row["sent"], row["accepted"], row["rejected"]) == (1503, 1501, 2)
    assert row["finished_at"] is not None
    assert str(row["job_id"]) in job


async def test_from_ten_thousand_lines_on_a_job_takes_it(contractor: Api) -> None:
    reply = await send_body(contractor, b"{}\n" * 10_000)
    assert reply.status_code == 202
    assert "Preference-Applied" not in reply.headers
    assert (await contractor.made("GET", reply.headers["Location"]))["total"] == 10_000
    long = lines([interview("V-1"), {"interview_id": "x" * 100_000}] * 90)
    assert (await send_body(contractor, long)).status_code == 202
    short = await taken(contractor, b"{}\n" * 999)
    assert told(short) == (0, 999)


async def test_what_waits_is_sealed(contractor: Api) -> None:
    number = phone()
    await queued(contractor, lines([interview(phone=number)]))
    for table in ("delivery_chunks", "jobs", "deliveries", "idempotency_keys"):
        for row in await pool(contractor).fetch(f"SELECT t::text AS text FROM {table} AS t"):
            for form in (number, number.encode().hex()):
                assert form.removeprefix("+") not in row["text"], table


async def test_chunks_of_another_delivery_are_not_taken(
    contractor: Api, settings: Settings
) -> None:
    jobs = [await queued(contractor, lines([interview(f"V-{n}")])) for n in range(2)]
    one, two = await pool(contractor).fetch("SELECT delivery_id, sealed FROM delivery_chunks")
    for source, target in ((one, two), (two, one)):
        await pool(contractor).execute(
            "UPDATE delivery_chunks SET sealed = $1 WHERE delivery_id = $2",
            source["sealed"],
            target["delivery_id"],
        )
    async with working(settings):
        for job in jobs:
            assert (await ended(contractor, job))["state"] == "failed"
    assert await count(contractor) == 0
    assert await waiting(contractor) == 2
    await forget_left(contractor.app.state.database)
    assert await waiting(contractor) == 0


async def test_a_campaign_that_ends_meanwhile_fails_the_job_and_forgets_the_rest(
    campaign: Api, contractor: Api, settings: Settings
) -> None:
    job = await queued(contractor, lines(batch(3)))
    await campaign.made("POST", "/v1/campaigns/C/close")
    await campaign.made("POST", "/v1/campaigns/C/archive")
    async with working(settings):
        found = await ended(contractor, job)
    assert (found["state"], found["problem"]["type"]) == ("failed", "/problems/closed")
    assert await waiting(contractor) == 0
    assert (await delivery(contractor))["sent"] == 0
    assert (await send_body(contractor, lines(batch(1)), Prefer="respond-async")).status_code == 410


async def test_jobs_and_deliveries_of_one_contractor_at_once_store_each_interview_once(
    contractor: Api, settings: Settings
) -> None:
    items = batch(1200)
    async with working(settings):
        jobs = [await queued(contractor, lines(order)) for order in (items, items[::-1])]
        reply = await taken(contractor, lines(items[:500]))
        ends = [await ended(contractor, job) for job in jobs]
    results = [reply, *(one["result"] for one in ends)]
    assert sum(one["accepted"] for one in results) == 1200
    assert sum(one["replayed"] for one in results) == 1700
    assert await count(contractor) == 1200


async def test_who_had_answered_cannot_be_told_from_a_jobs_result(
    contractor: Api, other: Api, settings: Settings
) -> None:
    number = phone()
    await taken(other, lines([interview(phone=number)]))
    job = await queued(contractor, lines([interview(phone=number)]))
    async with working(settings):
        result = (await ended(contractor, job))["result"]
    assert (result["accepted"], result["already_answered"]) == (1, 0)
    assert (await delivery(contractor))["already_answered"] == 1
    history = await contractor.made("GET", "/v1/campaigns/C/interviews/V-1")
    assert [one["status"] for one in history["revisions"]] == ["answered"]
    assert "already" not in json.dumps(history)


async def test_a_worker_that_stops_in_the_middle_goes_on_where_it_was(
    contractor: Api, settings: Settings
) -> None:
    job = await queued(contractor, lines(batch(9500)))
    async with working(settings):
        while not (await contractor.made("GET", job))["done"]:
            await asyncio.sleep(0.02)
    middle = await contractor.made("GET", job)
    assert 0 < middle["done"] < 9500
    assert (await traces(contractor))["interviews"] == middle["done"]
    assert (await delivery(contractor))["accepted"] == middle["done"]
    async with working(settings):
        found = await ended(contractor, job)
    assert told(found["result"]) == (9500, 0)
    assert found["result"]["replayed"] == 0
    assert await count(contractor) == 9500


async def test_erasing_a_campaign_forgets_what_waits(campaign: Api, contractor: Api) -> None:
    await queued(contractor, lines(batch(2)))
    await campaign.made("POST", "/v1/campaigns/C/close")
    await campaign.made("POST", "/v1/campaigns/C/archive")
    await campaign.made("POST", "/v1/campaigns/C/destroy-key", {"confirm": "C"})
    assert await waiting(contractor) == 0
