"""Where backups lie: whole files under their names or none, and how long they are kept."""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from app.backup.sealing import BackupRefused, Header, Kind, holds_key, read_header
from app.core import clock
from app.core.disks import sync_folder
from app.core.keyring import Keyring

SUFFIXES: dict[Kind, str] = {"backup": ".backup", "keys": ".keys"}
_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}\.unfinished")


def place(given: Path | None, default: Path, kind: Kind, name: str) -> Path:
    """The path of a new file: as given, or under `name` in the folder that is given.

    The default folder is made where there is none; another one must be there, lest a disk that is
    not mounted leave backups on the wrong one. Errors: BackupRefused.
    """
    if given is None:
        default.mkdir(mode=0o700, parents=True, exist_ok=True)
        given = default
    path = given / f"{name}{SUFFIXES[kind]}" if given.is_dir() else given
    if not path.parent.is_dir():
        raise BackupRefused(f"There is no folder {path.parent}: make it, or mount its disk.")
    if path.exists():
        raise BackupRefused(f"{path} is there already: choose another name.")
    return path


def default_name(instant: datetime) -> str:
    """What a backup of this instant is called, without its suffix."""
    return f"xinsheng-{instant:%Y-%m-%dT%H%M%SZ}"


def stem_of(path: Path) -> str:
    """The name that a backup's keys share with it."""
    return path.name.removesuffix(SUFFIXES["backup"])


class NewFile:
    """A file that gets its name when it is complete, and else is gone with the context.

    It is readable by its owner alone. A process that is killed leaves `.NAME.….unfinished`, which
    the next backup in the same folder removes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")

    def __enter__(self) -> Self:
        _remove_unfinished(self.path.parent)
        descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        # Held while we write, so that nobody takes it for what a killed process left.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # a full disk says it again
            self._file.close()
        self._draft.unlink(missing_ok=True)

    def write(self, content: bytes) -> None:
        """Append. Errors: BackupRefused where the disk is full, or fails."""
        with self._explained():
            self._file.write(content)

    def finish(self) -> int:
        """Give it its name, all of it being on the disk; returns its size in bytes.

        Errors: BackupRefused, also where something else took the name meanwhile.
        """
        with self._explained():
            self._file.flush()
            os.fsync(self._file.fileno())
            size = os.fstat(self._file.fileno()).st_size
            if self.path.exists():
                raise BackupRefused(f"{self.path} came into being meanwhile: choose another name.")
            self._draft.rename(self.path)
            sync_folder(self.path.parent)
        return size

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BackupRefused(
                f"{self.path} cannot be written ({error.strerror}), and nothing is left of it."
            ) from error


def _remove_unfinished(folder: Path) -> None:
    for path in folder.iterdir():
        if not _UNFINISHED.fullmatch(path.name):
            continue
        with suppress(OSError), path.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def remove_older(newest: Path, keyring: Keyring, kind: Kind, days: int) -> list[Path]:
    """Remove files of this kind, made under our keys over so many days ago, beside the newest.

    Their headers decide, not their names or dates. Returns those that were removed.
    """
    before = clock.now() - timedelta(days=days)
    removed = []
    for path, header in present(newest.parent, kind):
        if path != newest and holds_key(keyring, header) and header.instant < before:
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def present(folder: Path, kind: Kind) -> Iterator[tuple[Path, Header]]:
    """The files of this kind in a folder, whatever keys they were made under."""
    for path in sorted(folder.glob(f"*{SUFFIXES[kind]}")):
        with suppress(OSError, BackupRefused), path.open("rb") as file:
            header, _ = read_header(file, str(path))
            if header.kind == kind and path.is_file() and not path.is_symlink():
                yield path, header
