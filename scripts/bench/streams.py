"""Memory of a worker with many open event streams, and how soon a response is told to all.

    .venv/bin/python -m scripts.bench.streams [--streams 500]

In MiB: USS is the worker's own memory. "told" is from the reply to a response until the last
stream has the new state; counts are announced as they are folded, every two seconds.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from scripts.bench.campaign import body, signed_in
from scripts.bench.memory import children_of_this, memory_of
from scripts.bench.prepared import Prepared, prepared
from scripts.bench.serving import OURS, machine, served

_STREAM = "/v1/campaigns/bench/stream"
_MIB = 1 << 20
_RESPONSES = 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=500)
    streams = parser.parse_args().streams
    with prepared(invitations=_RESPONSES) as database:
        before = children_of_this()
        with served(OURS, 1, database.environment) as port:
            [worker] = children_of_this() - before
            with signed_in(Path(database.environment["XINSHENG_DATA_DIR"]), port) as http:
                http.get("/v1/campaigns/bench/results").raise_for_status()
                asyncio.run(_measure(http, database, worker, streams))


async def _measure(http: httpx.Client, database: Prepared, worker: int, streams: int) -> None:
    print(f"{machine()}; one worker, {streams} streams")
    idle = memory_of(worker)[2]
    print(f"{'idle':<20}{idle / _MIB:>8.0f} MiB")
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=http.base_url, headers=http.headers, limits=limits, timeout=60
    ) as client:
        told = [asyncio.Event() for _ in range(streams)]
        watching = [asyncio.create_task(_watch(client, one)) for one in told]
        await _all(told)
        print(f"{'all open':<20}{(memory_of(worker)[2] - idle) / _MIB:>+8.0f} MiB")
        for token in _tokens(database):
            headers = {"Content-Type": "application/json"}
            url = f"/v1/invitations/{token}/responses"
            (await client.post(url, content=body(), headers=headers)).raise_for_status()
            began = time.perf_counter()
            await _all(told)
            print(f"{'told':<20}{time.perf_counter() - began:>8.2f} s")
        print(f"{'afterwards':<20}{(memory_of(worker)[2] - idle) / _MIB:>+8.0f} MiB")
        for one in watching:
            one.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


def _tokens(database: Prepared) -> Iterator[str]:
    for _ in range(_RESPONSES):
        yield next(database.tokens)


async def _watch(client: httpx.AsyncClient, told: asyncio.Event) -> None:
    async with client.stream("GET", _STREAM) as reply:
        reply.raise_for_status()
        async for line in reply.aiter_lines():
            if line.startswith("event: results"):
                told.set()


async def _all(told: list[asyncio.Event]) -> None:
    await asyncio.gather(*(one.wait() for one in told))
    for one in told:
        one.clear()


if __name__ == "__main__":
    main()
