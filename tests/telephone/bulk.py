"""What tests of deliveries in bulk begin with."""

import asyncio
import gzip
import json
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from app import worker
from app.core.settings import Settings
from tests.factories import Api
from tests.jobs.kinds import QUICK
from tests.telephone.deliveries import URL, interview

NDJSON = "application/x-ndjson"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PATIENCE_SECONDS = 90


def lines(items: Iterable[Any]) -> bytes:
    """Items one a line; bytes stand as they are."""
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one, ensure_ascii=False).encode()) + b"\n"
        for one in items
    )


async def send_body(
    api: Api,
    body: bytes,
    kind: str = NDJSON,
    *,
    key: str | None = None,
    url: str = URL,
    packed: bool = False,
    **headers: str,
) -> httpx.Response:
    """Deliver a body of any kind, under a fresh key where none is given."""
    sent = {"Idempotency-Key": key or str(uuid.uuid4()), "Content-Type": kind}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    if packed:
        sent["Content-Encoding"] = "gzip"
        body = gzip.compress(body, 1)
    return await api.request("POST", url, content=body, headers=sent)


async def taken(api: Api, body: bytes, kind: str = NDJSON, **options: Any) -> Any:
    """The reply to a body that is taken at once."""
    reply = await send_body(api, body, kind, **options)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def queued(api: Api, body: bytes, kind: str = NDJSON, **options: Any) -> str:
    """Where the job is that takes a body."""
    reply = await send_body(api, body, kind, Prefer="respond-async", **options)
    assert reply.status_code == 202, reply.text
    return reply.headers["Location"]


def told(reply: Any) -> tuple[int, int]:
    """How many were accepted and rejected."""
    return reply["accepted"], reply["rejected"]


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """A worker in this process while the context lasts."""
    stopping = asyncio.Event()
    task = asyncio.create_task(worker.run(settings, pace=QUICK, stopping=stopping))
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait_for(task, _PATIENCE_SECONDS)


async def ended(api: Api, job: str) -> Any:
    """The job at its end."""
    for _ in range(_PATIENCE_SECONDS * 20):
        found = await api.made("GET", job)
        if found["finished_at"] is not None:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{job} does not end")


def batch(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Interviews V-0 … with phones of their own."""
    return [interview(f"V-{n}", **fields) for n in range(count)]
