"""Files in the making: killed, twice at once, overtaken by an erasure; and nothing lies around."""

import asyncio
import os
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.core.database import Database
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.exports.columns import Column, Table
from app.exports.files import Writer, writer
from app.exports.folders import folder
from app.exports.jobs import exports
from app.exports.schemas import Format
from app.jobs.attending import Ended, Later, Left, attend
from app.retention.erasing import erase_due
from app.retention.lists import Lists
from tests.exports.world import FULL, done, every_kind, queued, random_campaign, respond
from tests.factories import Api
from tests.jobs.kinds import QUICK
from tests.retention.test_erasing import close_before

_KEYS = "an operator's own key of 32 bytes or more"
_PATIENCE_SECONDS = 60


@asynccontextmanager
async def storing_held_up(url: str | None) -> AsyncIterator[Callable[[], Any]]:
    """Nobody can store a piece of a file meanwhile; gives what waits until somebody wants to."""
    connection = await asyncpg.connect(url)

    async def wanted() -> None:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await connection.fetchval(
                "SELECT count(*) FROM pg_locks "
                "WHERE relation = 'export_chunks'::regclass AND NOT granted"
            ):
                await asyncio.sleep(0.05)

    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE export_chunks IN EXCLUSIVE MODE")
            yield wanted
    finally:
        await connection.close()


async def attended(api: Api, settings: Settings, job: str) -> object:
    """What becomes of a job that this process takes."""
    database: Database = api.app.state.database
    handler = exports(database, settings.data_dir)
    job_id = UUID(job.rpartition("/")[2])
    return await attend(database, handler, job_id, stopping=asyncio.Event(), pace=QUICK)


async def kept(api: Api) -> tuple[int, int]:
    """How many files there are, and pieces of them."""
    row = await api.app.state.database.pool.fetchrow(
        "SELECT (SELECT count(*) FROM exports), (SELECT count(*) FROM export_chunks)"
    )
    return tuple(row)


def folders(settings: Settings) -> list[Path]:
    """Folders of files in the making."""
    return list((settings.data_dir / "exports-in-the-making").iterdir())


@pytest.mark.process
async def test_what_a_killed_worker_had_half_made_is_made_anew_and_leaves_nothing(
    admin: Api, settings: Settings
) -> None:
    await random_campaign(admin, 40)
    job = await queued(admin)
    own = {"XINSHENG_DATABASE_URL": str(settings.database_url), "XINSHENG_SECRET_KEYS": _KEYS}
    own |= {"XINSHENG_DATA_DIR": str(settings.data_dir), "XINSHENG_MIGRATE": "1"}
    command = [str(Path(sys.executable).with_name("xinsheng")), "worker"]
    async with storing_held_up(settings.database_url) as wanted:
        process = subprocess.Popen(command, env={**os.environ, **own})
        try:
            await wanted()
        finally:
            process.kill()
            process.wait()
        [left] = folders(settings)
        assert (left / "export.csv").stat().st_size > 0
        assert oct(left.stat().st_mode)[-3:] == "700"
    assert await kept(admin) == (0, 0)
    assert isinstance(await attended(admin, settings, job), Ended)
    assert await kept(admin) == (1, 1)
    assert folders(settings) == []
    found = await admin.made("GET", job)
    assert found["state"] == "done"


async def test_two_workers_at_once_make_one_file(admin: Api, settings: Settings) -> None:
    await random_campaign(admin, 40)
    job = await queued(admin)
    outcomes = await asyncio.gather(*(attended(admin, settings, job) for _ in range(2)))
    assert {type(one) for one in outcomes} <= {Ended, Left}
    assert any(isinstance(one, Ended) for one in outcomes)
    assert await kept(admin) == (1, 1)
    assert folders(settings) == []
    assert isinstance(await attended(admin, settings, job), Ended)
    assert await kept(admin) == (1, 1)


async def test_an_erasure_meanwhile_has_the_file_made_anew(admin: Api, settings: Settings) -> None:
    await every_kind(admin)
    await respond(admin, "A1", FULL)
    job = await queued(admin)
    async with storing_held_up(settings.database_url) as wanted:
        making = asyncio.create_task(attended(admin, settings, job))
        await wanted()
        await erased(admin, settings)
    assert isinstance(await making, Later)
    assert await kept(admin) == (0, 0)
    assert isinstance(await attended(admin, settings, job), Ended)
    found = (await admin.made("GET", job))["result"]
    reply = await admin.get(found["file"])
    assert reply.status_code == 200
    assert await kept(admin) == (1, 1)


async def erased(admin: Api, settings: Settings) -> None:
    """Have retention erase the campaign now."""
    await close_before(admin, timedelta(days=5000))
    lists = Lists.of(settings, Keyring(settings.secret_keys))
    assert await erase_due(admin.app.state.database, lists) == ["C"]


async def test_an_erasure_forgets_the_files_that_were_made(admin: Api, settings: Settings) -> None:
    await every_kind(admin)
    await respond(admin, "A1", FULL)
    made = await done(admin, settings)
    await erased(admin, settings)
    assert (await admin.get(made["file"])).status_code == 404
    assert await kept(admin) == (0, 0)


def test_a_folder_in_use_is_left_alone_and_one_that_was_left_goes(tmp_path: Path) -> None:
    with folder(tmp_path) as one:
        (one.parent / "left").mkdir()
        with folder(tmp_path) as other:
            assert sorted(one.parent.iterdir()) == sorted([one, other])
        assert list(one.parent.iterdir()) == [one]
    with pytest.raises(OSError, match="full"), folder(tmp_path) as one:
        raise OSError("full")
    assert not one.exists()


def test_the_libraries_for_files_are_loaded_with_the_first_file() -> None:
    program = "import sys, app.main, app.worker; print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert {"pyarrow", "xlsxwriter", "pandas"}.isdisjoint(told.stdout.split())


_COLUMNS = tuple(
    Column(f"c{number}", "text" if number % 2 else "category", {}, ("满意", "不满意"))
    for number in range(10)
)


def memory_of(file: Writer, batches: int) -> int:
    """The most memory that writing so many batches of 200 rows takes, in bytes."""
    tracemalloc.start()
    try:
        file.begin(Table("parent", _COLUMNS))
        for number in range(batches):
            texts = [f"第 {number} 段 {row}" for row in range(200)]
            file.write([texts if one.kind == "text" else [0, 1] * 100 for one in _COLUMNS])
        file.finish([], "")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_many_rows_take_no_more_memory_than_few(form: Format, tmp_path: Path) -> None:
    few = memory_of(writer(form, tmp_path / "few"), 2)
    many = memory_of(writer(form, tmp_path / "many"), 20)
    assert many < 1.5 * few


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_a_file_that_is_given_up_closes_what_it_opened(form: Format, tmp_path: Path) -> None:
    file = writer(form, tmp_path / "file")
    file.abandon()
    file = writer(form, tmp_path / "other")
    file.begin(Table("parent", _COLUMNS))
    file.write([["x"] if one.kind == "text" else [None] for one in _COLUMNS])
    file.abandon()
    open_files = [os.readlink(one) for one in Path("/proc/self/fd").iterdir() if one.exists()]
    assert not [one for one in open_files if one.startswith(str(tmp_path))]
