"""Accepted responses per second, ours against a textbook's handler and one that stores nothing.

    .venv/bin/python -m scripts.bench.intake [--workers 1] [--rounds 5] [--responses 12000]

All three run on one machine with the load generator, interleaved, at 64 connections; the table
shows medians. The database is the embedded one with PostgreSQL's default durability.
"""

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.core.database import engine
from app.core.embedded_postgres import EmbeddedPostgres
from app.installation import prepare
from scripts.bench import load
from scripts.bench.baselines import Base
from scripts.bench.campaign import Campaign, set_up

CONNECTIONS = 64
ANSWERS = {
    "overall": "satisfied",
    "ethics": "satisfied",
    "teaching": "basically_satisfied",
    "workload": "dissatisfied",
    "conditions": "satisfied",
    "safety": "dont_know",
    "comment": "希望多一些体育活动",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--responses", type=int, default=12_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as database:
        asyncio.run(prepare(database.url()))
        asyncio.run(_create_textbook_table(database.url()))
        environment = {
            **os.environ,
            "XINSHENG_DATA_DIR": folder,
            "BENCH_DATABASE_URL": database.url(),
        }
        with (
            _served("app.main:create", arguments.workers, environment) as ours,
            _served("scripts.bench.baselines:create", arguments.workers, environment) as others,
        ):
            needed = arguments.responses * arguments.rounds + CONNECTIONS
            campaign = set_up(Path(folder), ours, invitations=needed)
            _report(_measure(arguments, campaign, ours, others), arguments)


def _measure(
    arguments: argparse.Namespace, campaign: Campaign, ours: int, others: int
) -> dict[str, list[load.Measured]]:
    tokens = iter(campaign.tokens)
    _warm_up(ours, others, [next(tokens) for _ in range(CONNECTIONS)])
    measured: dict[str, list[load.Measured]] = {"textbook": [], "stores nothing": [], "ours": []}
    for _ in range(arguments.rounds):
        some = [next(tokens) for _ in range(arguments.responses)]
        for name, port, path in (
            ("textbook", others, "/textbook/{}"),
            ("stores nothing", others, "/nothing/{}"),
            ("ours", ours, "/v1/invitations/{}/responses"),
        ):
            count = len(some) // 4 if name == "textbook" else len(some)
            requests = [load.post(path.format(token), _body()) for token in some[:count]]
            result = load.run(port, requests, CONNECTIONS)
            assert result.statuses == {201: count}, (name, result.statuses)
            measured[name].append(result)
    return measured


def _warm_up(ours: int, others: int, tokens: list[str]) -> None:
    for port, path in (
        (others, "/textbook/warm{}"),
        (others, "/nothing/{}"),
        (ours, "/v1/invitations/{}/responses"),
    ):
        load.run(port, [load.post(path.format(token), _body()) for token in tokens], CONNECTIONS)


def _body() -> bytes:
    sent = {"submission_id": str(uuid.uuid4()), "answers": ANSWERS}
    return json.dumps(sent, ensure_ascii=False).encode()


def _report(measured: dict[str, list[load.Measured]], arguments: argparse.Namespace) -> None:
    rates = {
        name: statistics.median(run.per_second(201) for run in runs)
        for name, runs in measured.items()
    }
    print(f"{_machine()}; {arguments.workers} worker(s), {CONNECTIONS} connections")
    print(
        f"{'handler':<16}{'per second':>12}{'p50 ms':>9}{'p99 ms':>9}{'p99/p50':>9}{'ours is':>9}"
    )
    for name, runs in measured.items():
        p50 = statistics.median(run.percentile(0.5) for run in runs)
        p99 = statistics.median(run.percentile(0.99) for run in runs)
        print(
            f"{name:<16}{rates[name]:>12,.0f}{p50:>9.1f}{p99:>9.1f}{p99 / p50:>9.1f}"
            f"{rates['ours'] / rates[name]:>8.2f}x"
        )


def _machine() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{os.cpu_count()} x {names[0] if names else platform.machine()}, {platform.system()}"


@contextmanager
def _served(factory: str, workers: int, environment: dict[str, str]) -> Iterator[int]:
    """A server of its own process; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    options = ["--factory", "--port", str(port), "--workers", str(workers), "--no-access-log"]
    options += ["--log-level", "warning", "--loop", "uvloop", "--http", "httptools"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", factory, *options], env=environment
    )
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended"
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=1)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


async def _create_textbook_table(url: str) -> None:
    database = engine(url)
    async with database.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await database.dispose()


if __name__ == "__main__":
    main()
