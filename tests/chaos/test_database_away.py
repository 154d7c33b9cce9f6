"""A PostgreSQL of the operator's own goes away and comes back: the server lives through it."""

import asyncio
import random
from pathlib import Path

import pytest

from app.core.embedded_postgres import EmbeddedPostgres
from tests.chaos.killing import all_workers, is_alive, workers
from tests.chaos.wire import LOST, asked
from tests.processes import server

pytestmark = pytest.mark.process

KEYS = "an operator's own key of 32 bytes or more"
_SECONDS = 30


async def status(base: str, path: str) -> int:
    """The status of a reply; 0 where none comes."""
    try:
        return (await asked(base, "GET", path, seconds=10)).status
    except LOST:
        return 0


async def answered(base: str, path: str, expected: int) -> None:
    """Wait until an address answers so."""
    async with asyncio.timeout(_SECONDS):
        while await status(base, path) != expected:
            await asyncio.sleep(0.05)


async def test_workers_that_start_while_the_database_is_away_wait_for_it(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "elsewhere") as database:
        own = {"XINSHENG_DATABASE_URL": database.url(), "XINSHENG_SECRET_KEYS": KEYS}
        with server(tmp_path / "data", "--workers", "2", environment=own) as running:
            former = set(workers(running))
            database.stop()
            await answered(running.base, "/readyz", 503)
            all_workers(running, random.Random(1))
            await answered(running.base, "/healthz", 200)
            await answered(running.base, "/readyz", 503)
            # Longer than a worker takes to begin: one that gave up would end the whole server.
            await asyncio.sleep(2)
            assert is_alive(running.process.pid), running.said()
            database.start()
            await answered(running.base, "/readyz", 200)
            assert former.isdisjoint(workers(running))
            assert running.stop() == 0
