"""Restoring: everything comes back as it was, or nothing at all happens."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from app.backup import restoring
from app.backup.sealing import BackupRefused
from app.core import migrating
from app.core.database import Database, engine
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.counts import recounting
from app.installation import prepare
from tests.backup.conftest import (
    Lived,
    NewDatabase,
    contents,
    environment,
    quiet,
    restore,
    served,
    tables_in,
    take,
)
from tests.core.test_migrations import FIRST, OLD
from tests.factories import submission

ROOT = Path(__file__).parents[2]
OTHER = Keyring((b"another secret key, as long as they must be",))


async def test_everything_comes_back_even_on_the_same_server(
    lived: Lived, keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    source, target = str(lived.settings.database_url), await new_database()
    path, keys = await take(source, keyring, tmp_path)
    restored = await restore(target, keyring, path, keys)
    assert (restored.responses, restored.campaigns) == (7, 1)
    assert await contents(target) == await contents(source)
    assert len((await contents(target))["claims"]) == 7
    async with served(lived.settings, target, lived.api.token) as api:
        assert await lived.results(api) == await lived.results()
    counting = Database(target, pool_size=1)
    differing = [one.differences async for one in recounting.check(counting)]
    await counting.close()
    assert differing == [[]]


async def test_those_who_answered_before_are_known_after(
    lived: Lived, keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    source, target = str(lived.settings.database_url), await new_database()
    await restore(target, keyring, *await take(source, keyring, tmp_path))
    async with served(lived.settings, target, lived.api.token) as api:
        read = await api.made("POST", "/v1/receipts/read", {"receipt": lived.receipt})
        assert read["answers"] == lived.sent["answers"]
        gone = await api.made("POST", "/v1/receipts/read", {"receipt": lived.withdrawn})
        assert gone["status"] == "withdrawn"
        url = f"/v1/invitations/{lived.token}/responses"
        again = await api.post(url, lived.sent)
        assert (again.status_code, again.json()["receipt"]) == (200, lived.receipt)
        assert (await api.post(url, submission())).status_code == 409
        before = (await lived.results(api))["rows"]
        fresh = f"/v1/invitations/{lived.unused[0]}/responses"
        assert (await api.post(fresh, submission())).status_code == 201
        assert (await lived.results(api))["rows"] != before
        withdrawn = await api.made("POST", "/v1/receipts/withdraw", {"receipt": lived.receipt})
        assert withdrawn["status"] == "withdrawn"
        assert (await api.post(url, submission())).status_code == 201


async def test_a_restored_database_can_be_backed_up_and_restored_again(
    lived: Lived, keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    first, second = await new_database(), await new_database()
    (tmp_path / "again").mkdir()
    files = await take(str(lived.settings.database_url), keyring, tmp_path)
    await restore(first, keyring, *files)
    async with served(lived.settings, first, lived.api.token) as api:
        fresh = f"/v1/invitations/{lived.unused[0]}/responses"
        assert (await api.post(fresh, submission())).status_code == 201
        expected = await lived.results(api)
    files = await take(first, keyring, tmp_path / "again")
    await restore(second, keyring, *files)
    assert await contents(second) == await contents(first)
    async with served(lived.settings, second, lived.api.token) as api:
        assert await lived.results(api) == expected
        await api.made("POST", "/v1/receipts/withdraw", {"receipt": lived.receipt})


async def test_numbers_go_on_where_they_were_and_what_is_fixed_stays_fixed(
    lived: Lived, keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    source, target = str(lived.settings.database_url), await new_database()
    connection = await asyncpg.connect(source)
    # The newest is gone: its number must not be given to another.
    given = await connection.fetchval(
        "INSERT INTO units (code, name, kind) VALUES ('Z', 'Z', 'city') RETURNING id"
    )
    await connection.execute("DELETE FROM units WHERE code = 'Z'")
    await connection.close()
    await restore(target, keyring, *await take(source, keyring, tmp_path))
    connection = await asyncpg.connect(target)
    next_one = await connection.fetchval(
        "INSERT INTO units (code, name, kind) VALUES ('Y', 'Y', 'city') RETURNING id"
    )
    assert next_one == given + 1
    for table in ("questionnaire_versions", "audit_entries"):
        with pytest.raises(asyncpg.RaiseError, match="only ever appended to"):
            await connection.execute(f"DELETE FROM {table}")
    await connection.close()


async def test_without_its_keys_results_stand_and_nobody_can_answer(
    lived: Lived, keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    source, target = str(lived.settings.database_url), await new_database()
    path, _ = await take(source, keyring, tmp_path)
    await restore(target, keyring, path, None)
    async with served(lived.settings, target, lived.api.token) as api:
        assert await lived.results(api) == await lived.results()
        fresh = await api.post(f"/v1/invitations/{lived.unused[0]}/responses", submission())
        assert 400 <= fresh.status_code < 500
        read = await api.post("/v1/receipts/read", {"receipt": lived.receipt})
        assert read.status_code == 404
        assert await lived.results(api) == await lived.results()


async def test_a_backup_of_the_first_release_becomes_a_database_of_this_one(
    keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    old, new = await new_database(), await new_database()
    database = engine(old)
    async with database.begin() as connection:
        await connection.run_sync(migrating.upgrade, FIRST)
    await database.dispose()
    raw = await asyncpg.connect(old)
    await raw.execute(OLD)
    await raw.close()
    path, keys = await take(old, keyring, tmp_path)
    restored = await restore(new, keyring, path, keys)
    assert restored.responses == 3
    raw = await asyncpg.connect(new)
    shown = await raw.fetch("SELECT answers FROM readable_responses")
    assert [row["answers"] for row in shown] == ['{"stars": 4}'] * 3
    assert await raw.fetchval("SELECT version_num FROM alembic_version") == migrating.newest()
    await raw.close()


async def test_a_database_that_was_made_but_never_used_is_as_good_as_an_empty_one(
    lived: Lived, keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    source, target = str(lived.settings.database_url), await new_database()
    await prepare(target)
    await restore(target, keyring, *await take(source, keyring, tmp_path))
    assert await contents(target) == await contents(source)


async def test_nothing_that_is_there_is_touched(
    lived: Lived, keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    source, target = str(lived.settings.database_url), await new_database()
    path, keys = await take(source, keyring, tmp_path)
    await restore(target, keyring, path, keys)
    before = await contents(target)
    with pytest.raises(BackupRefused, match="not empty"):
        await restore(target, keyring, path, keys)
    assert await contents(target) == before
    strange = await new_database()
    connection = await asyncpg.connect(strange)
    await connection.execute("CREATE TABLE recipes (name text)")
    with pytest.raises(BackupRefused, match="recipes"):
        await restore(strange, keyring, path, keys)
    await connection.close()
    assert await tables_in(strange) == 1


async def test_a_server_on_the_database_is_found(
    lived: Lived,
    keyring: Keyring,
    new_database: NewDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(restoring, "_PAUSE", 0.01)
    source, target = str(lived.settings.database_url), await new_database()
    path, keys = await take(source, keyring, tmp_path)
    await prepare(target)
    async with served(lived.settings, target, None) as api:
        assert (await api.get("/readyz")).status_code == 200
        with pytest.raises(BackupRefused, match="stop it"):
            await restore(target, keyring, path, keys)
        assert (await api.get("/readyz")).status_code == 200


async def test_files_that_are_not_what_they_should_be_are_refused_before_anything(
    lived: Lived, keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    source, target = str(lived.settings.database_url), await new_database()
    path, keys = await take(source, keyring, tmp_path)
    (tmp_path / "other").mkdir()
    _, other_keys = await take(source, keyring, tmp_path / "other")
    content = path.read_bytes()
    cut, flipped = tmp_path / "cut.backup", tmp_path / "flipped.backup"
    cut.write_bytes(content[:-20])
    flipped.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    cases = [
        (OTHER, path, keys, "XINSHENG_SECRET_KEYS"),
        (keyring, cut, keys, "cut short"),
        (keyring, flipped, keys, "altered or damaged"),
        (keyring, path, other_keys, "another backup"),
        (keyring, keys, None, "file of keys"),
        (keyring, path, path, "file of backup"),
        (keyring, ROOT / "README.md", None, "no backup"),
    ]
    for ring, one, other, reason in cases:
        with pytest.raises(BackupRefused, match=reason):
            await restore(target, ring, one, other)
        assert await tables_in(target) == 0
    await restore(
        target,
        Keyring((b"a new key in front of the others!", b"test-key-" + b"0" * 32)),
        path,
        keys,
    )


async def test_a_backup_of_a_newer_program_is_refused(
    lived: Lived,
    keyring: Keyring,
    new_database: NewDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = str(lived.settings.database_url), await new_database()
    path, keys = await take(source, keyring, tmp_path)
    connection = await asyncpg.connect(source)
    await connection.execute("UPDATE alembic_version SET version_num = 'of the future'")
    await connection.close()
    with pytest.raises(BackupRefused, match="newer than this program"):
        await take(source, keyring, tmp_path)
    # This program, before the last migration was written.
    older = migrating.known() - {migrating.newest()}
    monkeypatch.setattr(migrating, "known", lambda: older)
    with pytest.raises(BackupRefused, match="newer than this program"):
        await restore(target, keyring, path, keys)
    assert await tables_in(target) == 0


async def test_a_file_that_changes_while_it_is_restored_leaves_nothing_behind(
    lived: Lived, keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    source, target = str(lived.settings.database_url), await new_database()
    path, keys = await take(source, keyring, tmp_path)
    content = path.read_bytes()
    with restoring.proved(keyring, path, keys, progress=quiet) as backup:
        with path.open("rb+") as file:
            file.seek(len(content) - 30)
            file.write(bytes(5))
        with pytest.raises(BackupRefused, match="altered or damaged"):
            await restoring.restore(target, backup, progress=quiet)
    assert await tables_in(target) == 0
    path.write_bytes(content)
    await restore(target, keyring, path, keys)


@pytest.mark.process
async def test_killed_in_the_middle_it_leaves_nothing_and_can_be_run_again(
    lived: Lived, settings: Settings, keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    source, target = str(lived.settings.database_url), await new_database()
    path, keys = await take(source, keyring, tmp_path)
    for share in ("0.3", "0.9"):
        killed = subprocess.run(
            [sys.executable, "-m", "tests.backup.killed", "restore", path, share],
            env=environment(settings, XINSHENG_DATABASE_URL=target),
            cwd=ROOT,
            timeout=60,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
        assert await tables_in(target) == 0
    await restore(target, keyring, path, keys)
    assert await contents(target) == await contents(source)


async def test_a_database_that_goes_away_is_noticed_and_left_empty(
    lived: Lived, keyring: Keyring, new_database: NewDatabase, tmp_path: Path
) -> None:
    source, target = str(lived.settings.database_url), await new_database()
    connection = await asyncpg.connect(source)
    # More than fits on the way, so that the restore is waiting for room when it happens.
    await connection.execute(
        "INSERT INTO response_texts (campaign_id, submission_id, sequence, position, body) "
        "SELECT 1, gen_random_uuid(), 0, 0, repeat(md5(n::text), 10000) "
        "FROM generate_series(1, 100) AS n"
    )
    path, keys = await take(source, keyring, tmp_path)
    ended: list[int] = []

    async def end_it() -> None:
        # In two steps: in one, the server may end others before it looks at what they do.
        for row in await connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY \"response_texts\"%'"
        ):
            ended.append(row["pid"])
            await connection.execute("SELECT pg_terminate_backend($1)", row["pid"])

    loop = asyncio.get_running_loop()

    def progress(what: str, share: float) -> None:
        if what.startswith("Restoring") and not ended:
            asyncio.run_coroutine_threadsafe(end_it(), loop).result(30)

    with (
        restoring.proved(keyring, path, keys, progress=quiet) as backup,
        pytest.raises((asyncpg.PostgresError, DBAPIError)),
    ):
        await asyncio.wait_for(restoring.restore(target, backup, progress=progress), 60)
    assert ended
    await connection.close()
    assert await tables_in(target) == 0
    await restore(target, keyring, path, keys)
