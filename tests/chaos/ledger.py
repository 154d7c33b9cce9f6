"""What a server has stored, looked at from outside, and whether its counts say the same."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
from fastapi import FastAPI

from app.core.embedded_postgres import client_url
from tests.factories import Api
from tests.processes import XINSHENG, Server

_SECONDS = 120


async def token(running: Server) -> str:
    """An access token for everything on a real server."""
    arguments = ["clients", "create", "x", "--scope", "admin", "--json"]
    command = [str(XINSHENG), *arguments, "--data-dir", str(running.data_dir)]
    made = json.loads(await asyncio.to_thread(subprocess.check_output, command, timeout=_SECONDS))
    async with httpx.AsyncClient(base_url=running.base, timeout=30) as http:
        reply = await http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(made["client_id"], made["client_secret"]),
        )
        return str(reply.json()["access_token"])


def client(running: Server, token: str) -> Api:
    """A client of a real server; to be closed by `api.http.aclose()`."""
    http = httpx.AsyncClient(base_url=running.base, timeout=30)
    return Api(http, cast(FastAPI, None), token)


@asynccontextmanager
async def authorised(running: Server) -> AsyncIterator[Api]:
    """A client of a real server that may do everything."""
    api = client(running, await token(running))
    try:
        yield api
    finally:
        await api.http.aclose()


async def connected(data_dir: Path, role: str = "xinsheng") -> Any:
    """A connection to the embedded PostgreSQL that runs; it starts none."""
    return await asyncpg.connect(client_url(data_dir, role=role), timeout=20)


@dataclass(frozen=True)
class Stored:
    """The whole ledger at one instant."""

    signs: dict[str, int]
    """The sum of the signs of every submission."""
    claims: int


async def stored(data_dir: Path) -> Stored:
    """What the embedded PostgreSQL that runs has stored."""
    connection = await connected(data_dir)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            rows = await connection.fetch(
                "SELECT submission_id, sum(sign) AS n FROM responses GROUP BY 1"
            )
            claims = await connection.fetchval("SELECT count(*) FROM claims")
    finally:
        await connection.close()
    return Stored({str(row["submission_id"]): row["n"] for row in rows}, claims)


async def assert_each_once(data_dir: Path, acknowledged: set[str], sent: set[str]) -> Stored:
    """All that was acknowledged is stored once, and so is whatever else is stored."""
    found = await stored(data_dir)
    assert acknowledged <= found.signs.keys(), "acknowledged and lost"
    assert found.signs.keys() <= sent, "stored and never sent"
    assert set(found.signs.values()) <= {1}, "stored more than once"
    assert found.claims == len(found.signs)
    return found


async def respondents(api: Api, campaign: str = "C") -> int:
    """How many responses the results of a campaign count."""
    rows = (await api.made("GET", f"/v1/campaigns/{campaign}/results"))["rows"]
    return sum(row["respondents"] for row in rows)


def assert_counts_are_the_rows(data_dir: Path) -> None:
    """`xinsheng recount --check` finds nothing."""
    command = [str(XINSHENG), "recount", "--check", "--data-dir", str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
