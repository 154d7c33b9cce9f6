"""Everything killed while responses come in: what was acknowledged is there once."""

import asyncio
import json
import os
import random
import signal
import subprocess
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.core.embedded_postgres import EmbeddedPostgres
from tests.factories import Api, invitations, open_campaign, submission, tree
from tests.processes import XINSHENG, Server, server

CLIENTS = 24
RESPONSES = 400
ROUNDS = 3


async def authorised(running: Server) -> Api:
    """A client of a real server that may do everything."""
    arguments = ["clients", "create", "x", "--scope", "admin", "--json"]
    command = [str(XINSHENG), *arguments, "--data-dir", str(running.data_dir)]
    made = json.loads(subprocess.check_output(command))
    http = httpx.AsyncClient(base_url=running.base, timeout=10)
    reply = await http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(made["client_id"], made["client_secret"]),
    )
    return Api(http, cast(FastAPI, None), reply.json()["access_token"])


def postgres_processes(data_dir: Path) -> list[int]:
    """The embedded server of this data directory and all its children."""
    [status] = (data_dir / "postgres").glob("cluster-*/postmaster.pid")
    postmaster = int(status.read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [postmaster, *map(int, children)]


def kill_everything(running: Server) -> None:
    """SIGKILL to the server, its workers, and every process of its database."""
    of_database = postgres_processes(running.data_dir)
    running.kill()
    for pid in of_database:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


class Parents:
    """People with invitations who send until they have their receipt."""

    def __init__(self, tokens: list[str]) -> None:
        self.waiting = [(token, submission()) for token in tokens]
        self.receipts: dict[str, str] = {}
        self.base = ""
        self.given_up = False

    async def answer(self) -> None:
        """Send all, `CLIENTS` at a time, each again and again until it is acknowledged."""
        async with httpx.AsyncClient(
            timeout=5, limits=httpx.Limits(max_keepalive_connections=0)
        ) as http:
            await asyncio.gather(*(self._one_by_one(http) for _ in range(CLIENTS)))

    async def _one_by_one(self, http: httpx.AsyncClient) -> None:
        while self.waiting and not self.given_up:
            token, body = self.waiting.pop()
            while not self.given_up and not await self._sent(http, token, body):
                await asyncio.sleep(0.05)

    async def _sent(self, http: httpx.AsyncClient, token: str, body: dict[str, Any]) -> bool:
        try:
            reply = await http.post(f"{self.base}/v1/invitations/{token}/responses", json=body)
        except httpx.TransportError:
            return False
        if reply.status_code in (200, 201):
            self.receipts[body["submission_id"]] = reply.json()["receipt"]
            return True
        assert reply.status_code == 503, reply.text
        return False


async def stored(data_dir: Path) -> dict[str, int]:
    """The sum of the signs of every submission in the ledger."""
    with EmbeddedPostgres(data_dir) as database:
        connection = await asyncpg.connect(database.url())
        rows = await connection.fetch(
            "SELECT submission_id, sum(sign) AS n FROM responses GROUP BY 1"
        )
        claims = await connection.fetchval("SELECT count(*) FROM claims")
        await connection.close()
    assert claims == len(rows)
    return {str(row["submission_id"]): row["n"] for row in rows}


@pytest.mark.process
@pytest.mark.timeout(300)
async def test_what_was_acknowledged_survives_sigkill_exactly_once(tmp_path: Path) -> None:
    data_dir = tmp_path / "with a space"
    chance = random.Random(20261121)
    with server(data_dir) as running:
        api = await authorised(running)
        await tree(api)
        await open_campaign(api)
        # More than the parents that the school has: only an admin may.
        parents = Parents(await invitations(api, RESPONSES))
        await api.http.aclose()
    sent = {body["submission_id"] for _, body in parents.waiting}
    answering: asyncio.Task[None] | None = None
    try:
        for _ in range(ROUNDS):
            with server(data_dir, "--workers", "2") as running:
                parents.base = running.base
                answering = answering or asyncio.create_task(parents.answer())
                before = len(parents.receipts)
                while len(parents.receipts) < before + chance.randint(20, 80):
                    assert not answering.done()
                    await asyncio.sleep(0.02)
                await asyncio.to_thread(kill_everything, running)
            known = await stored(data_dir)
            assert parents.receipts.keys() <= known.keys()
            assert set(known.values()) == {1}
        with server(data_dir, "--workers", "2") as running:
            parents.base = running.base
            assert answering is not None
            await asyncio.wait_for(answering, 120)
            assert running.stop() == 0
    finally:
        parents.given_up = True
    assert parents.receipts.keys() == sent
    assert await stored(data_dir) == dict.fromkeys(sent, 1)


@pytest.mark.process
async def test_a_stop_finishes_what_was_accepted_and_ends_with_status_0(tmp_path: Path) -> None:
    with server(tmp_path / "data") as running:
        api = await authorised(running)
        await tree(api)
        await open_campaign(api)
        parents = Parents(await invitations(api, 100))
        parents.base = running.base
        await api.http.aclose()
        answering = asyncio.create_task(parents.answer())
        while not parents.receipts:
            await asyncio.sleep(0.01)
        assert await asyncio.to_thread(running.stop) == 0
        parents.given_up = True
        await answering
        socket = running.data_dir / "postgres" / "socket"
        assert list(socket.iterdir()) == []
    known = await stored(running.data_dir)
    assert parents.receipts.keys() <= known.keys()
    assert set(known.values()) == {1}
