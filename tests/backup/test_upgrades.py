"""Upgrades: who may migrate a database that has something in it, and when."""

import subprocess
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from app.core import migrating
from app.core.database import engine
from app.core.embedded_postgres import EmbeddedPostgres
from app.core.settings import Settings
from tests.backup.conftest import NewDatabase, environment, said, tables_in
from tests.core.test_migrations import FIRST, OLD
from tests.processes import XINSHENG, free_port

COMMANDS = (
    ("demo",),
    ("recount",),
    ("clients", "create", "x", "--scope", "admin"),
)


async def at_the_first_release(url: str) -> None:
    """Make the database that the first release had."""
    database = engine(url)
    async with database.begin() as connection:
        await connection.run_sync(migrating.upgrade, FIRST)
    await database.dispose()
    connection = await asyncpg.connect(url)
    await connection.execute(OLD)
    await connection.close()


async def version(url: str) -> str:
    connection = await asyncpg.connect(url)
    found: str = await connection.fetchval("SELECT version_num FROM alembic_version")
    await connection.close()
    return found


@pytest.fixture
async def old(settings: Settings, new_database: NewDatabase) -> Settings:
    """A deployment on an external database that is behind."""
    url = await new_database()
    await at_the_first_release(url)
    return replace(settings, database_url=url)


async def test_no_command_migrates_an_external_database_unasked(old: Settings) -> None:
    for command in COMMANDS:
        status, _, errors = await said(old, *command)
        assert status == 1
        assert FIRST in errors
        assert migrating.newest() in errors
        assert errors.index("xinsheng backup") < errors.index("xinsheng migrate")
        assert await version(str(old.database_url)) == FIRST


async def test_backup_then_migrate_then_all_goes_on(old: Settings, tmp_path: Path) -> None:
    url = str(old.database_url)
    assert (await said(old, "backup"))[0] == 0
    assert await version(url) == FIRST
    assert (await said(old, "migrate"))[0] == 0
    assert await version(url) == migrating.newest()
    status, output, _ = await said(old, "recount")
    assert status == 0
    assert "C, parent" in output
    [backup] = (tmp_path / "backups").glob("*.backup")
    assert (await said(old, "restore", "--verify", backup))[0] == 0


async def test_a_setting_lets_every_start_migrate(old: Settings) -> None:
    status, _, errors = await said(old, "recount", XINSHENG_MIGRATE="yes")
    assert status == 1
    assert "XINSHENG_MIGRATE" in errors
    assert await version(str(old.database_url)) == FIRST
    assert (await said(old, "recount", XINSHENG_MIGRATE="1"))[0] == 0
    assert await version(str(old.database_url)) == migrating.newest()


async def test_an_empty_external_database_is_made_without_asking(
    settings: Settings, new_database: NewDatabase
) -> None:
    url = await new_database()
    assert (await said(replace(settings, database_url=url), "recount"))[0] == 0
    assert await version(url) == migrating.newest()


async def test_an_external_database_of_a_newer_program_is_refused_in_any_case(
    settings: Settings,
) -> None:
    url = str(settings.database_url)
    before = await tables_in(url)
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE alembic_version SET version_num = 'of the future'")
    await connection.close()
    for command in ("recount", "migrate", "backup"):
        status, _, errors = await said(settings, command, XINSHENG_MIGRATE="1")
        assert status == 1
        assert "newer" in errors
    assert await version(url) == "of the future"
    assert await tables_in(url) == before


@pytest.mark.process
async def test_a_server_does_not_start_on_a_database_that_is_behind(old: Settings) -> None:
    done = subprocess.run(
        [str(XINSHENG), "serve", "--port", str(free_port())],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(old),
        check=False,
    )
    assert done.returncode == 1
    assert "xinsheng migrate" in done.stderr
    assert await version(str(old.database_url)) == FIRST


@pytest.mark.process
async def test_the_embedded_database_is_migrated_by_itself(
    settings: Settings, tmp_path: Path
) -> None:
    with EmbeddedPostgres(tmp_path / "data") as server:
        await at_the_first_release(server.url())
        own = {"XINSHENG_DATABASE_URL": "", "XINSHENG_DATA_DIR": str(tmp_path / "data")}
        assert (await said(settings, "backup", **own))[0] == 0
        assert await version(server.url()) == FIRST
        assert (await said(settings, "recount", **own))[0] == 0
        assert await version(server.url()) == migrating.newest()
