"""A deployment with something of everything in it, and databases to restore it into."""

import asyncio
import io
import itertools
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncpg
import httpx
import pytest

from app.backup import restoring, taking
from app.backup.contents import LEFT_OUT
from app.cli import commands as cli
from app.core.embedded_postgres import EmbeddedPostgres
from app.core.keyring import Keyring
from app.core.settings import Settings
from tests.apps import create
from tests.factories import INDICATORS, Api, answers, invitations, link, submission, tree

NewDatabase = Callable[[], Awaitable[str]]
_numbers = itertools.count(1)
SHIPPED = Path(__file__).parents[2] / "app/questionnaires/definitions/satisfaction-six.json"
LABEL = {"zh-CN": "题"}


@pytest.fixture
async def new_database(postgres: EmbeddedPostgres) -> AsyncIterator[NewDatabase]:
    """Makes databases without any tables, on the server that all tests share."""
    connection = await asyncpg.connect(postgres.url(role="postgres"))
    made: list[str] = []

    async def make() -> str:
        made.append(f"restored_{next(_numbers)}")
        await connection.execute(f"CREATE DATABASE {made[-1]} OWNER xinsheng")
        return postgres.url(made[-1])

    try:
        yield make
        for name in made:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@dataclass
class Lived:
    """A deployment that has seen some life, and what people still hold of it."""

    api: Api
    settings: Settings
    receipt: str
    """Of a response that stands."""
    withdrawn: str
    """Of one that does not."""
    token: str
    """The invitation that the standing one came by."""
    sent: dict[str, Any]
    """The standing one as it was sent."""
    unused: list[str]
    """Invitations that nobody has answered by."""
    link: str

    async def results(self, api: Api | None = None) -> Any:
        """The results by school, without the instant that they are of."""
        reply = await (api or self.api).made("GET", "/v1/campaigns/C/results?by=unit,channel")
        return {name: value for name, value in reply.items() if name != "as_of"}


async def publish(api: Api) -> None:
    """The six indicators and a text, as questionnaire `six`."""
    definition = json.loads(SHIPPED.read_text("utf-8"))
    definition["questions"].append({"code": "comment", "type": "text", "label": LABEL})
    await api.made("PUT", "/v1/questionnaires/six", definition)
    await api.made("POST", "/v1/questionnaires/six/publish")


async def live(api: Api) -> dict[str, Any]:
    """Units, a campaign C, answers by every channel, one withdrawn, interviews; see `Lived`."""
    await tree(api)
    await publish(api)
    now = datetime.now(UTC)
    campaign = {
        "title": "2026 年秋季\t满意度\\N调查",
        "region": "W",
        "opens_at": (now - timedelta(days=1)).isoformat(),
        "closes_at": (now + timedelta(days=7)).isoformat(),
        "populations": {"parent": {"questionnaire": "six", "version": 1}},
        "identity": ["invitation", "device"],
    }
    await api.made("PUT", "/v1/campaigns/C", campaign)
    await api.made("POST", "/v1/campaigns/C/open")
    code = await link(api)
    tokens = await invitations(api, 12)
    for token in tokens[:6]:
        sent = submission("dissatisfied", answers=answers(comment="门口\n太挤\t了 \\. 'x'"))
        reply = await api.made("POST", f"/v1/invitations/{token}/responses", sent)
    proof = (await api.made("GET", f"/v1/links/{code}"))["device_proof"]
    by_link = submission(device_proof=proof)
    withdrawn = (await api.made("POST", f"/v1/links/{code}/responses", by_link))["receipt"]
    await api.made("POST", "/v1/receipts/withdraw", {"receipt": withdrawn})
    item = {
        "interview_id": "V-1",
        "unit": "A2",
        "population": "parent",
        "phone": "+8613800000000",
        "disposition": "1.1",
        "ended_at": now.isoformat(),
        "answers": dict.fromkeys(INDICATORS, "satisfied"),
    }
    key = {"Idempotency-Key": str(uuid.uuid4())}
    url = "/v1/campaigns/C/interviews"
    await api.made("POST", url, {"interviews": [item]}, headers=key)
    return {
        "receipt": reply["receipt"],
        "withdrawn": withdrawn,
        "token": token,
        "sent": sent,
        "unused": tokens[6:],
        "link": code,
    }


@pytest.fixture
async def lived(admin: Api, settings: Settings) -> Lived:
    """A deployment that has seen some life."""
    return Lived(admin, settings, **await live(admin))


@pytest.fixture
def keyring(settings: Settings) -> Keyring:
    """The deployment's keys."""
    return Keyring(settings.secret_keys)


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """What a command needs to find the database and the keys."""
    return {
        **os.environ,
        "XINSHENG_DATABASE_URL": str(settings.database_url),
        "XINSHENG_SECRET_KEYS": settings.secret_keys[0].decode(),
        "XINSHENG_DATA_DIR": str(settings.data_dir),
        **more,
    }


async def said(settings: Settings, *arguments: object, **more: str) -> tuple[int, str, str]:
    """Exit status, output and errors of a command.

    In this process, since starting Python for each would take most of the time.
    """

    def run() -> int:
        try:
            cli.main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    with (
        patch.dict(os.environ, environment(settings, **more)),
        patch.object(sys, "argv", ["xinsheng", *map(str, arguments)]),
        redirect_stdout(io.StringIO()) as output,
        redirect_stderr(io.StringIO()) as errors,
    ):
        status = await asyncio.to_thread(run)
    return status, output.getvalue(), errors.getvalue()


def quiet(*_: object) -> None:
    """Progress that nobody watches."""


async def take(url: str, keyring: Keyring, folder: Path) -> tuple[Path, Path]:
    """A backup of a database in this folder, and its keys."""
    path, keys = folder / "a.backup", folder / "a.keys"
    targets: dict[Any, Path] = {"backup": path, "keys": keys}
    await taking.take(url, keyring, targets, progress=quiet)
    return path, keys


async def restore(url: str, keyring: Keyring, path: Path, keys: Path | None) -> restoring.Counted:
    """Restore a backup into a database."""
    with restoring.proved(keyring, path, keys, progress=quiet) as backup:
        await restoring.restore(url, backup, progress=quiet)
    return await restoring.count(url)


@asynccontextmanager
async def served(settings: Settings, url: str, token: str | None) -> AsyncIterator[Api]:
    """The app on another database, with the same secret keys, as the client of this token."""
    app = create(replace(settings, database_url=url))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as http,
    ):
        yield Api(http, app, token)


async def contents(url: str) -> dict[str, list[str]]:
    """Every row of every table that is backed up, without the transactions that stored them.

    Without the register of files too: a restore looks which there are.
    """
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch("""
            SELECT relname FROM pg_class WHERE relkind = 'r' AND relpersistence = 'p'
            AND relnamespace = 'public'::regnamespace
        """)
        return {
            table: [
                row["found"]
                for row in await connection.fetch(
                    f"SELECT (to_jsonb(one) - 'transaction_id')::text AS found FROM {table} AS one "
                    "ORDER BY 1"
                )
            ]
            for (table,) in tables
            if table not in {*LEFT_OUT, "key_files"}
        }
    finally:
        await connection.close()


async def tables_in(url: str) -> int:
    """How many tables a database has."""
    connection = await asyncpg.connect(url)
    try:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace"
        )
        return found
    finally:
        await connection.close()
