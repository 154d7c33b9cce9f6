"""Long deliveries in real processes: a worker that is killed, and what a large body takes."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core.settings import Settings
from tests.factories import Api
from tests.jobs.test_beside import workers_of
from tests.processes import server
from tests.telephone.bulk import NDJSON, batch, ended, lines, queued, told
from tests.telephone.deliveries import URL, count, interview, pool, traces
from tests.telephone.reconciliation.files import digest, of_contractor

pytestmark = pytest.mark.process

_PATIENCE_SECONDS = 90
_MOST_GROWTH = 100 << 20
_UNDER_WAY = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND state <> 'idle' AND pid <> pg_backend_pid()"
)


def environment(settings: Settings) -> dict[str, str]:
    """What processes of the same installation are told."""
    assert settings.database_url is not None
    return {
        "XINSHENG_DATABASE_URL": settings.database_url,
        "XINSHENG_SECRET_KEYS": settings.secret_keys[0].decode(),
        "XINSHENG_DATA_DIR": str(settings.data_dir),
    }


@asynccontextmanager
async def worker_process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker by itself; killed with the context."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.worker", str(os.getpid())),
        env={**os.environ, **environment(settings)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def started(api: Api, job: str) -> Any:
    """The job when something of it is done."""
    for _ in range(_PATIENCE_SECONDS * 50):
        found = await api.made("GET", job)
        if found["done"]:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{job} does not begin")


async def test_a_worker_killed_in_the_middle_leaves_every_interview_to_be_stored_once(
    contractor: Api, settings: Settings
) -> None:
    items = [*batch(14_000), interview("bad", unit="nowhere"), interview("last")]
    job = await queued(contractor, lines(items), key="long")
    async with worker_process(settings) as killed:
        middle = await started(contractor, job)
        killed.kill()
        await killed.wait()
    assert middle["finished_at"] is None
    while await pool(contractor).fetchval(_UNDER_WAY):  # what it had asked for last
        await asyncio.sleep(0.02)
    middle = await contractor.made("GET", job)
    assert 0 < middle["done"] < len(items)
    assert (await traces(contractor))["interviews"] == middle["done"]
    source, _ = await of_contractor(contractor, by="batch")
    assert (source["in_progress"], source["stored"]) == (1, middle["done"])
    # As if the killed one had not been heard of for long: that cannot be waited for here.
    await pool(contractor).execute(
        "UPDATE xinsheng_queue.pgqueuer SET heartbeat = now() - interval '1 hour'"
    )
    async with worker_process(settings):
        found = await ended(contractor, job)
    assert (found["state"], found["done"]) == ("done", len(items))
    assert told(found["result"]) == (14_001, 1)
    assert found["result"]["replayed"] == 0
    assert await count(contractor) == 14_001
    assert (await traces(contractor))["interviews"] == 14_001
    source, [row] = await of_contractor(contractor, by="batch")
    numbers = ("sent", "stored", "replayed", "refused")
    assert [row[name] for name in numbers] == [14_002, 14_001, 0, 1]
    assert [source[name] for name in numbers] == [14_002, 14_001, 0, 1]
    assert source["digest"] == digest([*items[:-2], items[-1]])


def resident(process: int, name: str = "VmRSS") -> int:
    """Bytes that a process has in memory; `VmHWM`: that it had at most."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"process {process} has no {name}")


def large(size: int) -> Iterator[bytes]:
    """Lines of so many bytes together, each refused for one field."""
    long = json.dumps({**interview(), "interviewer": "x" * 4000}).encode() + b"\n"
    for _ in range(size // len(long)):
        yield long


def delivered(http: httpx.Client, body: bytes) -> str:
    """Have a job take a body; its address."""
    headers = {"Content-Type": NDJSON, "Idempotency-Key": str(len(body))}
    reply = http.post(URL, content=body, headers={**headers, "Prefer": "respond-async"})
    assert reply.status_code == 202, reply.text
    return reply.headers["Location"]


async def test_a_body_of_50_mb_takes_less_than_100_mb_in_either_process(
    contractor: Api, settings: Settings, tmp_path: Path
) -> None:
    body = b"".join(large(50_000_000))
    own = environment(settings)
    with server(tmp_path / "data", environment=own, worker=True) as running:
        headers = {"Authorization": f"Bearer {contractor.token}"}
        with httpx.Client(base_url=running.base, headers=headers, timeout=60) as http:
            await ended(contractor, delivered(http, lines(batch(100))))
            processes = [running.process.pid, *workers_of(running.process.pid)]
            assert len(processes) == 2
            idle = [resident(one) for one in processes]
            job = await ended(contractor, delivered(http, body))
        assert job["result"]["rejected"] == job["total"] > 10_000
        for process, before in zip(processes, idle, strict=True):
            assert resident(process, "VmHWM") - before < _MOST_GROWTH
