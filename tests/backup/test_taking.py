"""Taking backups: whole files or none, and what becomes of older ones."""

import os
import resource
import signal
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from app.backup import files
from app.backup.sealing import BackupRefused, Header, Kind, Sealer, current_key_id
from app.core import clock
from app.core.keyring import Keyring
from tests.backup.conftest import (
    Lived,
    NewDatabase,
    contents,
    environment,
    restore,
    said,
    take,
)
from tests.processes import XINSHENG

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    made = tmp_path / "disk"
    made.mkdir()
    return made


async def test_a_backup_and_its_keys_lie_side_by_side_for_their_owner_alone(
    lived: Lived, tmp_path: Path
) -> None:
    status, output, errors = await said(lived.settings, "backup")
    assert (status, errors) == (0, "")
    made = sorted((tmp_path / "backups").iterdir())
    assert [one.suffix for one in made] == [".backup", ".keys", ".destructions"]
    assert made[0].stem == made[1].stem
    assert all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in made)
    assert stat.S_IMODE(made[0].parent.stat().st_mode) == 0o700
    assert all(str(one) in output for one in made[:2])
    status, output, _ = await said(lived.settings, "restore", "--verify", made[0])
    assert status == 0
    assert output.count("is whole") == 2


async def test_where_both_go_is_for_the_operator_to_say(lived: Lived, folder: Path) -> None:
    keys = folder / "elsewhere"
    keys.mkdir()
    for arguments, more in (
        (("backup", folder, "--keys", keys), {}),
        (("backup", folder / "b", "--keys", keys / "b"), {}),
        (("backup", "--no-keys"), {"XINSHENG_BACKUP_DIR": str(folder / "new")}),
    ):
        assert (await said(lived.settings, *arguments, **more))[0] == 0
    names = sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())
    assert [one for one in names if "xinsheng-" not in one] == ["b", "elsewhere/b"]
    assert [one.suffix for one in (folder / "new").glob("*Z*")] == [".backup"]
    lists = [one for one in names if one.endswith(".destructions")]
    assert [str(Path(one).parent) for one in lists] == ["elsewhere", "new", "."]
    assert len(names) == 8


async def test_nothing_is_written_over_and_no_folder_is_made_up(lived: Lived, folder: Path) -> None:
    (folder / "a.backup").write_text("mine")
    for target, reason in (
        ("a.backup", "is there already"),
        ("unmounted/a.backup", "no folder"),
    ):
        status, _, errors = await said(lived.settings, "backup", folder / target)
        assert status == 1
        assert reason in errors
    status, _, errors = await said(lived.settings, "backup", folder / "b", "--keys", folder / "b")
    assert status == 1
    assert "two names" in errors
    assert [one.name for one in folder.iterdir()] == ["a.backup"]
    assert (folder / "a.backup").read_text() == "mine"


@pytest.mark.process
async def test_a_full_disk_leaves_nothing_behind(lived: Lived, folder: Path) -> None:
    done = subprocess.run(
        [str(XINSHENG), "backup", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(lived.settings),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)),
        check=False,
    )
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.process
async def test_killed_in_the_middle_it_leaves_no_backup_and_the_next_one_clears_up(
    lived: Lived, keyring: Keyring, folder: Path
) -> None:
    killed = subprocess.run(
        [sys.executable, "-m", "tests.backup.killed", "take", folder],
        env=environment(lived.settings),
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    left = [one.name for one in folder.iterdir()]
    assert len(left) == 2
    assert all(one.startswith(".") and one.endswith(".unfinished") for one in left)
    await take(str(lived.settings.database_url), keyring, folder)
    assert sorted(one.name for one in folder.iterdir()) == ["a.backup", "a.keys"]


def test_an_unfinished_file_that_is_still_being_written_is_left_alone(folder: Path) -> None:
    with files.NewFile(folder / "one.backup") as one:
        one.write(b"one")
        with files.NewFile(folder / "two.backup") as two:
            assert len(list(folder.iterdir())) == 2
            two.finish()
        one.finish()
    assert sorted(path.name for path in folder.iterdir()) == ["one.backup", "two.backup"]


def test_older_ones_of_ours_are_removed_and_no_others(folder: Path, keyring: Keyring) -> None:
    foreign = Keyring((b"of quite another deployment, this key is",))

    def file(name: str, kind: Kind, days: int, ring: Keyring = keyring) -> Path:
        path = folder / name
        header = Header(
            kind=kind,
            id="",
            created_at=(clock.now() - timedelta(days=days)).isoformat(),
            revision="1",
            key_id=current_key_id(ring, kind),
            salt="00",
        )
        with path.open("wb") as opened:
            Sealer(opened.write, ring, header)
        return path

    newest = file("new.backup", "backup", 0)
    kept = [
        file("young.backup", "backup", 6),
        file("foreign.backup", "backup", 90, foreign),
        file("old.keys", "keys", 90),
        file("old.bak", "backup", 90),
    ]
    (folder / "notes.backup").write_text("not one of ours")
    (folder / "empty.backup").touch()
    (folder / "folder.backup").mkdir()
    (folder / "link.backup").symlink_to(file("elsewhere", "backup", 90))
    old = file("old.backup", "backup", 8)
    os.utime(old)
    assert files.remove_older(newest, keyring, "backup", 7) == [old]
    assert not old.exists()
    assert all(one.exists() for one in (newest, *kept))
    assert len(list(folder.iterdir())) == 10
    assert files.remove_older(folder / "new.keys", keyring, "keys", 7) == [folder / "old.keys"]


async def test_tables_of_others_are_named_and_left_out(
    lived: Lived, folder: Path, keyring: Keyring, new_database: NewDatabase
) -> None:
    url, target = str(lived.settings.database_url), await new_database()
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE TABLE recipes (id int GENERATED ALWAYS AS IDENTITY, name text)"
    )
    await connection.execute("INSERT INTO recipes (name) VALUES ('汤')")
    await connection.close()
    expected = await contents(url)  # before the backup itself is written into the audit
    status, _, errors = await said(lived.settings, "backup", folder / "a.backup")
    assert status == 0
    assert "recipes" in errors
    await restore(target, keyring, folder / "a.backup", folder / "a.keys")
    del expected["recipes"]
    assert await contents(target) == expected


async def test_an_empty_database_is_nothing_to_back_up(
    new_database: NewDatabase, folder: Path, keyring: Keyring
) -> None:
    with pytest.raises(BackupRefused, match="nothing to back up"):
        await take(await new_database(), keyring, folder)
    assert list(folder.iterdir()) == []
