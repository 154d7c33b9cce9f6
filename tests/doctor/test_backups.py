"""Backups: how old the newest is by its file, and where it and its keys lie."""

import dataclasses
import os
import time
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.doctor.backups import check_backups

HOUR = 3600


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose backups go to the data directory."""
    return Settings(
        data_dir=tmp_path,
        database_url=None,
        secret_keys=(os.urandom(32),),
        public_url="http://127.0.0.1:8000",
    )


def aged(folder: Path, name: str, hours: float) -> None:
    """A file that was written so many hours ago."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    then = time.time() - hours * HOUR
    os.utime(folder / name, (then, then))


def states(settings: Settings) -> dict[str, set[str]]:
    """The states that each check found."""
    found: dict[str, set[str]] = {}
    for one in check_backups(settings):
        found.setdefault(one.check, set()).add(one.state)
        assert bool(one.advice) == (one.state != "ok")
    return found


def test_no_backup_at_all_fails(settings: Settings) -> None:
    assert states(settings) == {"backups": {"failure"}}
    settings.backups.mkdir()
    assert states(settings) == {"backups": {"failure"}}
    aged(settings.backups, ".xinsheng-1.backup.0123abcd.unfinished", 1)
    assert states(settings) == {"backups": {"failure"}}


@pytest.mark.parametrize(
    ("hours", "state"), [(1, "ok"), (35, "ok"), (40, "warning"), (24 * 8, "failure")]
)
def test_the_newest_backup_grows_old(settings: Settings, hours: float, state: str) -> None:
    aged(settings.backups, "xinsheng-2.backup", hours)
    aged(settings.backups, "xinsheng-1.backup", 24 * 30)
    [first, *_] = check_backups(settings)
    assert (first.check, first.state) == ("backups", state)
    assert f"{hours} hours" in first.found


def test_a_backup_from_a_time_to_come_is_no_comfort(settings: Settings) -> None:
    aged(settings.backups, "xinsheng-1.backup", -5)
    [first, *_] = check_backups(settings)
    assert first.state == "warning"
    assert "clock" in first.advice


def test_a_backup_on_the_disk_of_the_data_is_warned_of(settings: Settings, tmp_path: Path) -> None:
    aged(settings.backups, "xinsheng-1.backup", 1)
    assert states(settings)["backups"] == {"ok", "warning"}
    if (elsewhere := Path("/dev/shm")).stat().st_dev != tmp_path.stat().st_dev:
        folder = elsewhere / f"xinsheng-test-{os.getpid()}"
        other = dataclasses.replace(settings, backup_dir=folder)
        try:
            aged(folder, "xinsheng-1.backup", 1)
            assert states(other)["backups"] == {"ok"}
        finally:
            (folder / "xinsheng-1.backup").unlink(missing_ok=True)
            folder.rmdir()


def test_keys_may_lie_elsewhere_but_not_fall_behind(settings: Settings) -> None:
    aged(settings.backups, "xinsheng-2.backup", 1)
    [*_, absent] = check_backups(settings)
    assert (absent.check, absent.state) == ("backup-keys", "ok")
    assert "elsewhere" in absent.found
    aged(settings.backups, "xinsheng-1.keys", 24 * 9)
    assert states(settings)["backup-keys"] == {"warning"}
    aged(settings.backups, "xinsheng-2.keys", 1)
    assert states(settings)["backup-keys"] == {"ok"}
