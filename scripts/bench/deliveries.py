"""Interviews delivered as NDJSON against a bare COPY of the same rows; memory of both processes.

    .venv/bin/python -m scripts.bench.deliveries [--interviews 100000]

From the first byte sent until the job has ended: received, kept, taken by a worker in parts of
some thousand, each with its claims, history and numbers. The COPY puts the very rows that this
made, and two thousand of a delivery that warms up, into copies of the tables with their indexes,
with and without their foreign keys, in one transaction.
"""

import argparse
import asyncio
import io
import itertools
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx

from scripts.bench.campaign import ANSWERS, signed_in
from scripts.bench.memory import children_of_this as children
from scripts.bench.memory import resident
from scripts.bench.prepared import prepared
from scripts.bench.serving import OURS, machine, served, working

_TABLES = ("interviews", "responses", "response_texts", "claims")
_FOREIGN_KEYS = """
    SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
    WHERE conrelid = $1::text::regclass AND contype = 'f'
"""
_PAUSE = 0.1
_STARTING_SECONDS = 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interviews", type=int, default=100_000)
    count = parser.parse_args().interviews
    with prepared(invitations=1) as database:
        before = children()
        url = database.environment["BENCH_DATABASE_URL"]
        with (
            served(OURS, 1, database.environment) as port,
            working(database.environment),
            signed_in(Path(database.environment["XINSHENG_DATA_DIR"]), port) as http,
        ):
            time.sleep(_STARTING_SECONDS)
            idle = {pid: resident(pid) for pid in children() - before}
            _deliver(http, 2_000, "warm")
            body = b"".join(_lines(count, "V"))
            print(f"{machine()}; {count:,} interviews, {len(body) / 1e6:.0f} MB of NDJSON")
            seconds = _deliver(http, count, "V", body)
            growth = {pid: resident(pid, "VmHWM") - rss for pid, rss in idle.items()}
        bare = asyncio.run(_copied(url, foreign=False))
        copied = asyncio.run(_copied(url, foreign=True))
    print(f"{'':<24}{'seconds':>10}{'rows/s':>12}")
    print(f"{'delivered':<24}{seconds:>10.1f}{count / seconds:>12,.0f}")
    print(f"{'COPY, all keys':<24}{copied:>10.1f}{count / copied:>12,.0f}")
    print(f"{'COPY, no foreign keys':<24}{bare:>10.1f}{count / bare:>12,.0f}")
    print(f"ratios {copied / seconds:.2f} and {bare / seconds:.2f}")
    grown = " and ".join(f"{one / 1e6:.0f}" for one in sorted(growth.values()))
    print(f"the two workers grew by at most {grown} MB since they had started")


def _deliver(http: httpx.Client, count: int, name: str, body: bytes | None = None) -> float:
    """Deliver and wait for the job's end; seconds."""
    body = body or b"".join(_lines(count, name))
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": name}
    began = time.perf_counter()
    reply = http.post(
        "/v1/campaigns/bench/interviews",
        content=body,
        headers={**headers, "Prefer": "respond-async"},
    )
    job = reply.raise_for_status().headers["Location"]
    while (found := http.get(job).raise_for_status().json())["finished_at"] is None:
        time.sleep(_PAUSE)
    seconds = time.perf_counter() - began
    assert found["result"]["accepted"] == count, found
    return seconds


def _lines(count: int, name: str) -> Iterator[bytes]:
    ended = datetime.now(UTC) - timedelta(hours=1)
    first = 13_000_000_000 if name == "V" else 19_000_000_000
    for number, phone in zip(range(count), itertools.count(first), strict=False):
        item = {
            "interview_id": f"{name}-{number}",
            "unit": "S",
            "population": "parent",
            "phone": f"+86{phone}",
            "disposition": "1.1",
            "attempts": 1 + number % 5,
            "interviewer": f"坐席 {number % 200}",
            "started_at": (ended - timedelta(seconds=240)).isoformat(),
            "ended_at": ended.isoformat(),
            "answers": ANSWERS,
        }
        yield json.dumps(item, ensure_ascii=False).encode() + b"\n"


async def _copied(url: str, *, foreign: bool) -> float:
    """Seconds that a COPY of all rows into copies of the tables takes.

    `foreign`: the copies have the foreign keys too, beside the primary ones and the indexes.
    """
    connection = await asyncpg.connect(url)
    await connection.execute("SET statement_timeout = 0")
    rows = {}
    for table in _TABLES:
        rows[table] = io.BytesIO()
        await connection.copy_from_table(table, output=rows[table], format="binary")
        await connection.execute(f"DROP TABLE IF EXISTS copied_{table}")
        await connection.execute(f"CREATE TABLE copied_{table} (LIKE {table} INCLUDING ALL)")
        for key in await connection.fetch(_FOREIGN_KEYS, table) if foreign else ():
            await connection.execute(f"ALTER TABLE copied_{table} ADD {key['definition']}")
    began = time.perf_counter()
    async with connection.transaction():
        for table, source in rows.items():
            source.seek(0)
            await connection.copy_to_table(f"copied_{table}", source=source, format="binary")
    seconds = time.perf_counter() - began
    await connection.close()
    return seconds


if __name__ == "__main__":
    main()
