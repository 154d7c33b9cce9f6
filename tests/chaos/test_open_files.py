"""The usual limit of open files is no limit to the people who answer at once."""

import asyncio
import resource
from pathlib import Path

import pytest

from tests.chaos.wire import Wire, asked
from tests.processes import server

pytestmark = pytest.mark.process

LIMIT = 256
CONNECTIONS = 600


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_more_connections_than_the_soft_limit_are_served(
    tmp_path: Path, workers: str
) -> None:
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, usual[1]))
    try:
        starting = server(tmp_path / "data", "--workers", workers)
        running = starting.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (usual[1], usual[1]))
    wires: list[Wire] = []
    try:
        for _ in range(CONNECTIONS):
            wires.append(await Wire.open(running.base))
        asking = (wire.ask("GET", "/healthz") for wire in wires)
        replies = await asyncio.wait_for(asyncio.gather(*asking), 30)
        assert {reply.status for reply in replies} == {200}
        assert (await asked(running.base, "GET", "/readyz")).status == 200
    finally:
        for wire in wires:
            wire.close()
        starting.__exit__(None, None, None)
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
