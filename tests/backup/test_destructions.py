"""A restore brings an older database back, and what was destroyed since is destroyed again."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.backup.sealing import read_header
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.retention.erasing import erase_due
from app.retention.lists import Entry, Lists, add, listed, ours
from tests.backup.conftest import Lived, NewDatabase, said, served
from tests.factories import Api, submission


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path) -> Settings:
    """Another machine: a data directory in which nothing was before."""
    return replace(settings, data_dir=tmp_path / "elsewhere")


@pytest.fixture
async def backed_up(lived: Lived, settings: Settings) -> Path:
    """A backup with its keys, in the usual folder, from before the key was destroyed."""
    assert (await said(settings, "backup", "--keep-keys", "7"))[0] == 0
    [path] = (settings.data_dir / "backups").glob("*.backup")
    return path


async def destroy(api: Api, code: str = "C") -> Any:
    """Archive a campaign and destroy its key; what the reply says."""
    for step in ("close", "archive"):
        await api.made("POST", f"/v1/campaigns/{code}/{step}")
    return await api.made("POST", f"/v1/campaigns/{code}/destroy-key", {"confirm": code})


async def restored(
    settings: Settings, url: str, *arguments: object, status: int = 0
) -> tuple[str, str]:
    """What a restore says, and its errors."""
    found = await said(replace(settings, database_url=url), "restore", "--quiet", *arguments)
    assert found[0] == status, found
    return found[1:]


async def held(url: str) -> tuple[int, list[str] | None, int]:
    """Claims, purposes of keys and destructions in a database."""
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM claims), "
            "(SELECT array_agg(purpose ORDER BY purpose) FROM campaign_keys), "
            "(SELECT count(*) FROM destructions)"
        )
        return row[0], row[1], row[2]
    finally:
        await connection.close()


BACK = (7, ["identity", "receipt"], 0)
GONE = (0, ["receipt"], 1)


async def test_what_was_destroyed_since_the_backup_is_destroyed_again(
    lived: Lived, elsewhere: Settings, backed_up: Path, new_database: NewDatabase
) -> None:
    expected = await lived.results()
    first = await destroy(lived.api)
    target = await new_database()
    output, _ = await restored(elsewhere, target, backed_up)
    assert "The key of C was destroyed again" in output
    assert "7 responses of 1 campaigns count" in output
    assert await held(target) == GONE
    async with served(elsewhere, target, lived.api.token) as api:
        assert await lived.results(api) == expected
        read = await api.made("POST", "/v1/receipts/read", {"receipt": lived.receipt})
        assert read["status"] == "accepted"
        # It was open when it was backed up, and archived when its key was destroyed.
        assert (await api.made("GET", "/v1/campaigns/C"))["state"] == "archived"
        fresh = await api.post(f"/v1/invitations/{lived.unused[0]}/responses", submission())
        assert fresh.status_code == 410
        [entry] = (await api.made("GET", "/v1/audit?action=campaign.destroy-key"))["items"]
        assert datetime.fromisoformat(entry["detail"]["first"]) == datetime.fromisoformat(
            first["destroyed_at"]
        )
    there = replace(elsewhere, database_url=target)
    assert (await said(there, "recount", "--check"))[0] == 0
    assert (await said(there, "audit", "verify"))[0] == 0


async def test_without_the_list_it_says_that_keys_may_be_back_and_takes_the_list_later(
    lived: Lived,
    elsewhere: Settings,
    settings: Settings,
    backed_up: Path,
    tmp_path: Path,
    new_database: NewDatabase,
) -> None:
    await destroy(lived.api)
    alone = tmp_path / "alone"
    alone.mkdir()
    for path in (backed_up, backed_up.with_suffix(".keys")):
        (alone / path.name).write_bytes(path.read_bytes())
    first, second = await new_database(), await new_database()
    output, _ = await restored(elsewhere, first, alone / backed_up.name)
    assert "No list of destructions" in output
    assert "--destructions FILE" in output
    assert await held(first) == BACK
    [path] = ours(Keyring(settings.secret_keys), settings.data_dir)
    output, _ = await restored(elsewhere, second, alone / backed_up.name, "--destructions", path)
    assert "destroyed again" in output
    assert await held(second) == GONE
    # The new data directory has the list by now: a server puts the first database right by it.
    async with asyncio.timeout(60), served(elsewhere, first, None):
        while await held(first) != GONE:
            await asyncio.sleep(0.05)


async def test_a_list_that_was_altered_is_refused_before_anything_is_restored(
    lived: Lived,
    elsewhere: Settings,
    settings: Settings,
    backed_up: Path,
    new_database: NewDatabase,
) -> None:
    await destroy(lived.api)
    target = await new_database()
    [path] = ours(Keyring(settings.secret_keys), backed_up.parent)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[-1]]) + "\n")
    _, errors = await restored(elsewhere, target, backed_up, status=1)
    assert "altered or damaged" in errors
    output, _ = await restored(elsewhere, target, backed_up, "--no-destructions")
    assert "may be back" in output
    assert await held(target) == BACK
    strange = Keyring((b"another deployment's secret key, long enough",))
    add(strange, settings.data_dir, [])
    [theirs] = ours(strange, settings.data_dir)
    _, errors = await restored(
        elsewhere, await new_database(), backed_up, "--destructions", theirs, status=1
    )
    assert "altered or damaged" in errors or "another secret key" in errors


async def test_another_campaign_that_has_taken_the_code_since_is_left_alone(
    lived: Lived,
    elsewhere: Settings,
    settings: Settings,
    backed_up: Path,
    new_database: NewDatabase,
) -> None:
    keyring = Keyring(settings.secret_keys)
    made_at = await lived.api.app.state.database.pool.fetchval("SELECT created_at FROM campaigns")
    other = Entry("C", made_at + timedelta(microseconds=1), "command", made_at)
    unknown = Entry("D", made_at, "retention", made_at)
    add(keyring, backed_up.parent, [other, unknown])
    target = await new_database()
    output, _ = await restored(elsewhere, target, backed_up)
    assert "2 destructions are listed" in output
    assert "destroyed again" not in output
    assert await held(target) == BACK
    assert listed(keyring, elsewhere.data_dir) == {other, unknown}, "kept for other backups"


async def test_what_retention_erased_is_erased_again_with_its_texts(
    lived: Lived,
    elsewhere: Settings,
    settings: Settings,
    backed_up: Path,
    new_database: NewDatabase,
) -> None:
    database = lived.api.app.state.database
    await database.pool.execute(
        "UPDATE campaigns SET opens_at = now() - interval '401 days', state = 'closed', "
        "closes_at = now() - interval '400 days', revision = revision + 1"
    )
    assert await erase_due(database, Lists.of(settings, Keyring(settings.secret_keys))) == ["C"]
    target = await new_database()
    output, _ = await restored(elsewhere, target, backed_up)
    assert "destroyed again" in output
    assert await held(target) == GONE
    connection = await asyncpg.connect(target)
    assert await connection.fetchval("SELECT count(*) FROM response_texts") == 0
    assert await connection.fetchval("SELECT count(*) FROM campaigns WHERE erased_at IS NULL") == 0
    await connection.close()


async def test_a_list_that_was_out_of_reach_is_made_good_by_the_next_backup(
    lived: Lived, settings: Settings, tmp_path: Path
) -> None:
    await destroy(lived.api)
    keyring = Keyring(settings.secret_keys)
    [entry] = listed(keyring, settings.data_dir)
    nas, stick = tmp_path / "nas", tmp_path / "stick"
    for folder in (nas, stick):
        folder.mkdir()
    assert (await said(settings, "backup", nas, "--keys", stick))[0] == 0
    assert listed(keyring, nas) == listed(keyring, stick) == {entry}


async def test_the_reply_says_when_the_last_file_of_keys_expires(
    lived: Lived, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    pool = lived.api.app.state.database.pool

    async def take(name: str, *options: str) -> datetime:
        paths = [tmp_path / f"{name}.backup", "--keys", folder / f"{name}.keys"]
        assert (await said(settings, "backup", *paths, *options))[0] == 0
        with (folder / f"{name}.keys").open("rb") as file:
            return read_header(file, name)[0].instant

    async def told() -> Any:
        return await lived.api.made("POST", "/v1/campaigns/C/destroy-key", {"confirm": "C"})

    first = await take("a")
    unknown = await destroy(lived.api)
    assert unknown["last_copy_expires_at"] is None
    assert f"{first:%Y-%m-%dT%H:%M:%S}" in unknown["note"]
    assert "--keep-keys" in unknown["note"]
    # As if it had been yesterday, so that files that are made now hold nothing of C any more.
    yesterday = "UPDATE {0} SET {1} = {1} - interval '1 day'"
    for column in ("destructions.recorded_at", "campaigns.created_at", "key_files.made_at"):
        await pool.execute(yesterday.format(*column.split(".")))
    assert (await told())["last_copy_expires_at"] is None
    await take("b", "--keep-keys", "9")
    await pool.execute(yesterday.format("key_files", "made_at") + " WHERE made_at = $1", first)
    known = await told()
    assert known["destroyed_at"] == unknown["destroyed_at"]
    expires = datetime.fromisoformat(known["last_copy_expires_at"])
    assert expires == first + timedelta(days=8)
    assert "9 days" in known["note"]
    (folder / "a.keys").unlink()
    await take("c")
    assert (await told())["last_copy_expires_at"] == known["destroyed_at"]


async def test_a_restore_knows_the_files_of_keys_beside_the_backup(
    lived: Lived, elsewhere: Settings, backed_up: Path, new_database: NewDatabase
) -> None:
    target = await new_database()
    await restored(elsewhere, target, backed_up)
    async with served(elsewhere, target, lived.api.token) as api:
        done = await destroy(api)
    with backed_up.with_suffix(".keys").open("rb") as file:
        made_at = read_header(file, "it")[0].instant
    expires = datetime.fromisoformat(done["last_copy_expires_at"])
    assert expires == made_at + timedelta(days=7)
