"""The demonstration: loaded once however often, the same everywhere."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from fastapi import FastAPI

from app.core.embedded_postgres import EmbeddedPostgres
from app.core.settings import Settings
from app.demonstration import NotLoaded
from app.main import create
from tests.demonstration.reading import counts, figures, load
from tests.factories import Api
from tests.processes import XINSHENG

ONCE = 4245 + 221
"""Responses in the ledger: online, and of the contractor's complete and partial interviews."""


@pytest.fixture
async def elsewhere(
    postgres: EmbeddedPostgres, template: str, tmp_path: Path
) -> AsyncIterator[FastAPI]:
    """The app on another fresh database, with other keys and a data directory not there yet."""
    connection = await asyncpg.connect(postgres.url(role="postgres"))
    settings = Settings(
        data_dir=tmp_path / "elsewhere",
        database_url=postgres.url("test_elsewhere"),
        secret_keys=(b"another-key-" + b"1" * 32,),
        public_url="http://elsewhere",
    )
    try:
        await connection.execute(
            f"CREATE DATABASE test_elsewhere TEMPLATE {template} OWNER xinsheng"
        )
        app = create(settings)
        async with app.router.lifespan_context(app):
            yield app
        await connection.execute("DROP DATABASE test_elsewhere WITH (FORCE)")
    finally:
        await connection.close()


async def test_loading_it_again_does_nothing_more(app: FastAPI) -> None:
    said: list[str] = []
    shown = await load(app, said)
    assert any("telephone interviews" in one for one in said)
    rows, read = await counts(app), await figures(app)
    assert rows["responses"] == ONCE
    before = await counts(app)
    said.clear()
    assert await load(app, said) == shown
    assert said == []
    assert await counts(app) == before
    assert await figures(app) == read


async def test_loaded_twice_at_once_it_is_there_once(app: FastAPI) -> None:
    first, second = await asyncio.gather(load(app), load(app))
    assert first == second
    rows = await counts(app)
    assert rows["responses"] == ONCE
    assert (rows["clients"], rows["campaigns"], rows["units"]) == (4, 3, 121)
    assert (rows["links"], rows["invitation_batches"], rows["interviews"]) == (216, 12, 294)


async def test_figures_repeat_on_every_machine(app: FastAPI, elsewhere: FastAPI) -> None:
    await load(app)
    await load(elsewhere)
    assert await figures(app) == await figures(elsewhere)


@pytest.mark.process
@pytest.mark.parametrize("answers", [0, 2000])
async def test_killed_on_the_way_and_loaded_again_it_is_as_if_loaded_once(
    app: FastAPI, elsewhere: FastAPI, answers: int
) -> None:
    await _killed_once_there_are(answers, app.state.settings)
    rows = await counts(app)
    assert answers <= rows["responses"] < ONCE, "it was to be killed on the way"
    await load(app)
    await load(elsewhere)
    assert await counts(app) == await counts(elsewhere)
    assert await figures(app) == await figures(elsewhere)


async def _killed_once_there_are(answers: int, settings: Settings) -> None:
    """Run `xinsheng demo`, and SIGKILL it as soon as this many responses are stored."""
    assert settings.database_url is not None
    keys = ",".join(key.decode() for key in settings.secret_keys)
    process = subprocess.Popen(
        [str(XINSHENG), "demo", "--data-dir", str(settings.data_dir)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={
            **os.environ,
            "XINSHENG_DATABASE_URL": settings.database_url,
            "XINSHENG_SECRET_KEYS": keys,
        },
        start_new_session=True,
    )
    connection = await asyncpg.connect(settings.database_url)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            begun = await connection.fetchval("SELECT count(*) FROM campaigns")
            if begun and await connection.fetchval("SELECT count(*) FROM responses") >= answers:
                break
            await asyncio.sleep(0.005)
    finally:
        await connection.close()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        printed, _ = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, printed.decode()


async def test_it_touches_nothing_that_is_somebodys_own(app: FastAPI, admin: Api) -> None:
    await admin.made("PUT", "/v1/units/370700", {"name": "潍坊", "kind": "city"})
    rows = await counts(app)
    with pytest.raises(NotLoaded, match="370700"):
        await load(app)
    assert await counts(app) == rows
    assert (await admin.made("GET", "/v1/units/370700"))["name"] == "潍坊"
