"""Backups: how old the newest is, and whether its keys and its disk are what they should be."""

import time
from collections.abc import Iterator
from pathlib import Path

from app.core.settings import Settings
from app.doctor.findings import Finding, failure, fine, warning

_HOUR = 3600.0
_DUE = 36 * _HOUR
"""One each night, with room for a night's being late."""
_OVERDUE = 7 * 24 * _HOUR
_FUTURE = 0.25 * _HOUR
_TIMER = "docs/operating/xinsheng-backup.timer takes one each night"


def check_backups(settings: Settings) -> Iterator[Finding]:
    """The age of the newest backup and of the newest file of campaigns' keys, by their files."""
    folder = settings.backups
    try:
        newest = _newest(folder, "*.backup")
        keys = _newest(folder, "*.keys")
    except OSError as error:
        yield failure(
            "backups",
            f"{folder} cannot be looked at ({error.strerror}).",
            "Mount its disk, or run this as the service's own user or as root.",
        )
        return
    yield _judged(folder, newest)
    if newest is None:
        return
    if _on_one_disk(folder, settings.data_dir):
        yield warning(
            "backups",
            f"{folder} is on the disk of the data: both are lost together.",
            "Set XINSHENG_BACKUP_DIR to another disk, or copy backups to another machine.",
        )
    yield _judged_keys(folder, keys, newest)


def _newest(folder: Path, pattern: str) -> float | None:
    if not folder.is_dir():
        return None
    next(folder.iterdir(), None)  # glob says nothing of a folder that may not be read
    times = [one.stat().st_mtime for one in folder.glob(pattern) if one.is_file()]
    return max(times, default=None)


def _on_one_disk(folder: Path, data_dir: Path) -> bool:
    return data_dir.exists() and folder.stat().st_dev == data_dir.stat().st_dev


def _judged(folder: Path, newest: float | None) -> Finding:
    if newest is None:
        return failure(
            "backups",
            f"There is no backup in {folder}.",
            f"Run xinsheng backup; {_TIMER}.",
        )
    age = time.time() - newest
    found = f"The newest backup in {folder} is {age / _HOUR:,.0f} hours old."
    if age < -_FUTURE:
        return warning(
            "backups",
            f"The newest backup in {folder} is of a time to come.",
            "Look at this machine's clock.",
        )
    if age < _DUE:
        return fine("backups", found)
    judge = failure if age >= _OVERDUE else warning
    return judge(
        "backups",
        found,
        f"Look why none was taken since: journalctl --namespace=xinsheng -u xinsheng-backup; "
        f"{_TIMER}.",
    )


def _judged_keys(folder: Path, keys: float | None, newest: float) -> Finding:
    if keys is None:
        return fine(
            "backup-keys",
            f"No campaigns' keys lie in {folder}. Without them a restored campaign takes no more "
            "answers: be sure that they are kept elsewhere.",
        )
    behind = newest - keys
    if behind < _DUE:
        return fine("backup-keys", "The newest backup has campaigns' keys beside it.")
    return warning(
        "backup-keys",
        f"The newest campaigns' keys in {folder} are {behind / _HOUR:,.0f} hours older than the "
        "newest backup: campaigns made since cannot go on after a restore.",
        "Take backups with their keys (without --no-keys), or be sure that they are kept "
        "elsewhere.",
    )
