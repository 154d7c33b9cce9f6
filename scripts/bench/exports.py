"""A campaign's responses exported in each format: seconds, bytes, and what the worker grows by.

    .venv/bin/python -m scripts.bench.exports [--rows 10000,1000000]

Seven questions, one of them a text, and the twelve columns that all tables have. Each file is made
by a worker process of its own: it grows by the libraries, which are loaded with the first file, and
by what the writing takes.
"""

import argparse
import time
from pathlib import Path

import httpx

from scripts.bench.campaign import signed_in
from scripts.bench.memory import resident
from scripts.bench.prepared import prepared
from scripts.bench.serving import OURS, machine, served, working

_FORMATS = ("csv", "xlsx", "parquet")
_PAUSE = 0.1
_STILL_SECONDS = 3
_STARTED = 50_000_000
"""Bytes that a worker has at least."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="10000,1000000")
    print(machine())
    print(f"{'rows':>10} {'format':<8}{'seconds':>9}{'rows/s':>10}{'MB':>8}{'grown by, MB':>14}")
    for rows in map(int, parser.parse_args().rows.split(",")):
        with (
            prepared(invitations=1, stored=rows) as database,
            served(OURS, 1, database.environment) as port,
            signed_in(Path(database.environment["XINSHENG_DATA_DIR"]), port) as http,
        ):
            for form in _FORMATS:
                with working(database.environment) as worker:
                    idle = _settled(worker)
                    seconds, size = _exported(http, form, rows)
                    grown = resident(worker, "VmHWM") - idle
                figures = f"{seconds:>9.1f}{rows / seconds:>10,.0f}{size / 1e6:>8.1f}"
                print(f"{rows:>10,} {form:<8}{figures}{grown / 1e6:>14.0f}", flush=True)


def _exported(http: httpx.Client, form: str, rows: int) -> tuple[float, int]:
    """Seconds until the job has ended, and the bytes of the file."""
    wanted = {"content": "responses", "format": form, "values": "labels"}
    began = time.perf_counter()
    reply = http.post("/v1/campaigns/bench/exports", json=wanted)
    job = reply.raise_for_status().headers["Location"]
    while (found := http.get(job).raise_for_status().json())["finished_at"] is None:
        time.sleep(_PAUSE)
    seconds = time.perf_counter() - began
    assert found["result"]["rows"] == rows, found
    with http.stream("GET", found["result"]["file"]) as file:
        size = sum(map(len, file.raise_for_status().iter_raw()))
    return seconds, size


def _settled(pid: int) -> int:
    """What a process has resident once it has started: on a busy machine that takes a while."""
    before, now = 0, resident(pid)
    while before != now or now < _STARTED:
        time.sleep(_STILL_SECONDS)
        before, now = now, resident(pid)
    return now


if __name__ == "__main__":
    main()
