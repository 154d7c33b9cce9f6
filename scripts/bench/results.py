"""How long results take at 10 thousand and at 10 million stored responses.

    .venv/bin/python -m scripts.bench.results [--sizes 10000,10000000]

Every endpoint that dashboards wait for, over 500 schools and ten questions. Each size has a
database and a server of its own, which are read in turn, so that what else the machine does falls
on all of them alike; then `results?by=unit,question&level=school` while responses come in as fast
as they can. Medians; the ratio is to the first size. Ten million take some 4 GB of disk and a
quarter of an hour.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
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
from scripts.bench.region import BEFORE, CAMPAIGN, Region, submission
from scripts.bench.serving import OURS, machine, served

_READ = f"/v1/campaigns/{CAMPAIGN}"
_PATH = f"{_READ}/results?by=unit,question&level=school"
_PATHS = (
    f"{_READ}/results",
    f"{_READ}/results?by=question,channel",
    f"{_READ}/results?by=day",
    f"{_READ}/results?by=unit&level=school",
    _PATH,
    f"{_READ}/results?by=unit,channel,question&level=school",
    f"{_READ}/results?by=unit,day&level=school&limit=1000",
    f"{_READ}/coverage?level=school",
    f"{_READ}/coverage?level=county",
    "/v1/school-years/2026/coverage?population=parent",
    f"{_READ}/ranking?level=school&population=parent",
    f"/v1/trends?unit=W&campaigns={BEFORE},{CAMPAIGN}&population=parent",
    f"/v1/trends?unit=S7&campaigns={BEFORE},{CAMPAIGN}&population=parent",
)
_OF_RELEASE = ", of the release"
_RELEASED = tuple(
    path + _OF_RELEASE
    for path in (f"{_READ}/results", _PATH, f"{_READ}/ranking?level=school&population=parent")
)
_READS = 9
_TEXT = "希望多一些体育活动"
_BURST = 20_000
_BEFORE = 100_000
"""Responses of the campaign before, at each size."""


@dataclass(frozen=True)
class Filled:
    """A database with so many responses, and the server on it."""

    stored: int
    url: str
    region: Region
    port: int
    http: httpx.Client
    folding: float
    """Rows a second that folding took in of the backlog."""

    def took(self, path: str) -> float:
        """Milliseconds of one read; of the latest release where `path` says so."""
        path, _, released = path.partition(_OF_RELEASE)
        token = self.region.token if released == "" else self.region.public
        return _took(lambda: self.http.get(path, headers={"Authorization": f"Bearer {token}"}))

    def releasing(self) -> float:
        """Milliseconds of making a release."""
        return _took(lambda: self.http.post(f"{_READ}/releases"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,10000000")
    sizes = [int(one) for one in parser.parse_args().sizes.split(",")]
    with ExitStack() as stack:
        filled = [stack.enter_context(_filled(size)) for size in sizes]
        releases = [one.releasing() for one in filled]
        quiet = {path: _in_turn(filled, path) for path in _PATHS}
        quiet |= {path: _in_turn(filled, path) for path in _RELEASED}
        bursts = [_in_a_burst(one) for one in filled]
        _report(filled, quiet | {"making a release": releases, "the same, in a burst": bursts})
        for one in filled:
            asyncio.run(_folded(one.url))
            asyncio.run(_check(one.url))


@contextmanager
def _filled(size: int) -> Iterator[Filled]:
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as database:
        asyncio.run(prepare(database.url()))
        environment = {"XINSHENG_DATA_DIR": folder}
        with served(OURS, 1, environment) as port:
            region = Region.set_up(Path(folder), port, invitations=_BURST)
        for campaign, count in ((CAMPAIGN, size), (BEFORE, min(size, _BEFORE))):
            filling = fill(
                database.url(), campaign, count, units=region.school_ids, choices=10, text=_TEXT
            )
            asyncio.run(filling)
        rate = asyncio.run(_folded(database.url()))
        with (
            served(OURS, 1, environment) as port,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as http,
        ):
            http.headers["Authorization"] = f"Bearer {region.token}"
            yield Filled(size, database.url(), region, port, http, rate)


def _in_turn(filled: list[Filled], path: str) -> list[float]:
    times: list[list[float]] = [[] for _ in filled]
    for turn in range(_READS + 1):
        for one, taken in zip(filled, times, strict=True):
            milliseconds = one.took(path)
            if turn:  # the first of each warms up
                taken.append(milliseconds)
    return [statistics.median(taken) for taken in times]


def _in_a_burst(filled: Filled) -> float:
    requests = [
        load.post(f"/v1/invitations/{filled.region.invitation()}/responses", submission())
        for _ in range(_BURST)
    ]
    with ThreadPoolExecutor(1) as threads:
        burst = threads.submit(load.run, filled.port, requests, 32)
        time.sleep(0.2)
        busy = [filled.took(_PATH)]
        while not burst.done():
            busy.append(filled.took(_PATH))
    assert burst.result().statuses == {201: _BURST}
    return statistics.median(busy)


def _took(ask: Callable[[], httpx.Response]) -> float:
    began = time.perf_counter()
    ask().raise_for_status()
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


def _report(filled: list[Filled], rows: dict[str, list[float]]) -> None:
    print(machine())
    print(f"{'milliseconds (ratio)':<66}" + "".join(f"{one.stored:>18,}" for one in filled))
    for name, times in rows.items():
        told = (f"{one:.0f} ({one / times[0]:.2f})" for one in times)
        print(f"{name.removeprefix('/v1/'):<66}" + "".join(f"{one:>18}" for one in told))
    rates = "".join(f"{one.folding:>18,.0f}" for one in filled)
    print(f"{'folded a second':<66}{rates}")


if __name__ == "__main__":
    main()
