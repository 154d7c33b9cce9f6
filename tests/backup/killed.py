"""A backup, or a restore, that kills its own process when it has come so far.

python -m tests.backup.killed take FOLDER
python -m tests.backup.killed restore FILE SHARE
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from app.backup import restoring, taking
from app.backup.sealing import Kind
from app.core import settings as environment
from app.core.keyring import Keyring


def main() -> None:
    """Begin, and be killed."""
    command, path, *share = sys.argv[1:]
    settings = environment.load()
    keyring, url = Keyring(settings.secret_keys), str(settings.database_url)
    if command == "take":
        _take(url, keyring, Path(path))
    else:
        _restore(url, keyring, Path(path), float(share[0]))


def _take(url: str, keyring: Keyring, folder: Path) -> None:
    def progress(table: str, rows: int, size: int) -> None:
        if table == "responses":
            os.kill(os.getpid(), signal.SIGKILL)

    targets: dict[Kind, Path] = {"backup": folder / "a.backup", "keys": folder / "a.keys"}
    asyncio.run(taking.take(url, keyring, targets, progress=progress))


def _restore(url: str, keyring: Keyring, path: Path, share: float) -> None:
    def progress(what: str, done: float) -> None:
        if what.startswith("Restoring") and done > share:
            os.kill(os.getpid(), signal.SIGKILL)

    with restoring.proved(keyring, path, None, progress=progress) as backup:
        asyncio.run(restoring.restore(url, backup, progress=progress))


if __name__ == "__main__":
    main()
