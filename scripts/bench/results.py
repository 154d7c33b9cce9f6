"""How long results take at 10 thousand, 1 million and 10 million stored responses.

    .venv/bin/python -m scripts.bench.results [--sizes 10000,1000000,10000000]

`results?by=unit,question&level=school` over 500 schools and ten questions, from a real server,
quiet and while responses come in as fast as they can. Medians; the ratio is to the smallest size.
Ten million take about 4 GB of disk and a quarter of an hour.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.core.database import Database
from app.core.embedded_postgres import EmbeddedPostgres
from app.counts.folding import fold
from app.counts.recounting import check
from app.installation import prepare
from scripts.bench import load
from scripts.bench.filling import fill
from scripts.bench.region import Region, submission
from scripts.bench.serving import OURS, machine, served

_PATH = "/v1/campaigns/bench/results?by=unit,question&level=school"
_READS = 15
_BURST = 20_000


@dataclass(frozen=True)
class Measured:
    """Milliseconds of one read at one size."""

    quiet: float
    in_a_burst: float
    folding: float
    """Rows a second that folding takes in, when it has a backlog."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,1000000,10000000")
    sizes = [int(one) for one in parser.parse_args().sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as database:
        asyncio.run(prepare(database.url()))
        environment = {"XINSHENG_DATA_DIR": folder}
        with served(OURS, 1, environment) as port:
            region = Region.set_up(Path(folder), port, invitations=_BURST * len(sizes))
        found: dict[int, Measured] = {}
        stored = 0
        for size in sizes:
            asyncio.run(_stored(database.url(), region, size - stored))
            rate = asyncio.run(_folded(database.url()))
            with served(OURS, 1, environment) as port:
                found[size] = _measure(region, port, rate)
            stored = size + _BURST
            print(f"{size:>12,}: {found[size]}", flush=True)
        _report(found)
        asyncio.run(_folded(database.url()))
        asyncio.run(_check(database.url()))


async def _stored(url: str, region: Region, count: int) -> None:
    await fill(url, "bench", count, units=region.school_ids, choices=10, text="希望多一些体育活动")


def _measure(region: Region, port: int, rate: float) -> Measured:
    requests = [
        load.post(f"/v1/invitations/{region.invitation()}/responses", submission())
        for _ in range(_BURST)
    ]
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {region.token}"},
        timeout=120,
    ) as http:
        _read(http)
        quiet = statistics.median(_read(http) for _ in range(_READS))
        with ThreadPoolExecutor(1) as threads:
            burst = threads.submit(load.run, port, requests, 32)
            time.sleep(0.5)
            busy = []
            while not burst.done():
                busy.append(_read(http))
        assert burst.result().statuses == {201: _BURST}
    return Measured(quiet, statistics.median(busy), rate)


def _read(http: httpx.Client) -> float:
    began = time.perf_counter()
    http.get(_PATH).raise_for_status()
    return (time.perf_counter() - began) * 1000


async def _folded(url: str) -> float:
    """Fold what there is; rows a second."""
    database = Database(url, pool_size=1)
    await database.open()
    unfolded = "SELECT count(*) FROM responses, folding WHERE transaction_id >= folded_below"
    rows: int = await database.pool.fetchval(unfolded)
    began = time.perf_counter()
    while await database.pool.fetchval(unfolded):
        await fold(database)
    seconds = time.perf_counter() - began
    await database.close()
    return rows / seconds


async def _check(url: str) -> None:
    database = Database(url, pool_size=1)
    began = time.perf_counter()
    async for one in check(database):
        assert not one.differences
        print(
            f"recount --check: {one.responses:,} responses in "
            f"{time.perf_counter() - began:.0f} s, no difference"
        )
    await database.close()


def _report(found: dict[int, Measured]) -> None:
    print(machine())
    print(f"{'stored':>12}{'quiet ms':>10}{'ratio':>7}{'burst ms':>10}{'ratio':>7}{'folded/s':>10}")
    [first, *_] = found.values()
    for size, one in found.items():
        print(
            f"{size:>12,}{one.quiet:>10.0f}{one.quiet / first.quiet:>7.2f}"
            f"{one.in_a_burst:>10.0f}{one.in_a_burst / first.in_a_burst:>7.2f}"
            f"{one.folding:>10,.0f}"
        )


if __name__ == "__main__":
    main()
