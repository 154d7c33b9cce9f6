"""The list of destructions as files, which a restore needs: it brings an older database back.

One lies in the data directory and one beside the backups. A file is text: a line that names its
form and the key, a line of JSON for each destruction, and an HMAC over all that is above it. It is
replaced as a whole and on the disk before the database commits: what is cut short in between is
on the list, and is done then. Copies are put together, so that it takes all of them to forget.
"""

import fcntl
import hmac
import json
import logging
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from app.core.disks import sync_folder
from app.core.keyring import Keyring
from app.core.settings import Settings

log = logging.getLogger("xinsheng.retention")

Cause = Literal["command", "retention"]
SUFFIX = ".destructions"
_FIRST = re.compile(r"xinsheng destructions ([0-9]{1,9}) ([0-9a-f]{8})")
_FORM = 1
_LONGEST = 64 << 20


class ListRefused(RuntimeError):
    """A list of destructions is not what was written. The message says what to do."""


class Entry(NamedTuple):
    """One destruction, of a campaign that its code and its making tell from all others."""

    campaign: str
    made_at: datetime
    cause: Cause
    destroyed_at: datetime


@dataclass(frozen=True)
class Lists:
    """Where a deployment keeps its list: in its own folder, and beside its backups."""

    keyring: Keyring
    own: Path
    beside: Path

    @classmethod
    def of(cls, settings: Settings, keyring: Keyring) -> "Lists":
        """Those of this deployment."""
        return cls(keyring, settings.data_dir, settings.backups)

    def add(self, entries: Iterable[Entry], folders: Iterable[Path] = ()) -> bool:
        """Put these on the list, durably; `folders`: wherever else there are files of keys.

        False where one of those, or the folder of backups, cannot be written: that is made good by
        the next backup into it. Errors: OSError where the data directory refuses.
        """
        entries = list(entries)
        self.own.mkdir(mode=0o700, parents=True, exist_ok=True)
        add(self.keyring, self.own, entries)
        others = set(folders) | ({self.beside} if self.beside.is_dir() else set())
        # All of them are tried: one that is away must not keep the others from it.
        told = [self._beside(folder, entries) for folder in sorted(others)]
        return all(told)

    def _beside(self, folder: Path, entries: Iterable[Entry]) -> bool:
        try:
            add(self.keyring, folder, entries)
        except OSError as error:
            log.warning("the list of destructions beside backups: %s", type(error).__name__)
            return False
        return True

    def entries(self) -> set[Entry]:
        """All that is on either. Errors: ListRefused, OSError."""
        return {one for folder in (self.own, self.beside) for one in listed(self.keyring, folder)}


def listed(keyring: Keyring, folder: Path) -> set[Entry]:
    """What our lists in a folder say. Errors: ListRefused, OSError."""
    return {entry for path in ours(keyring, folder) for entry in read(keyring, path)}


def ours(keyring: Keyring, folder: Path) -> list[Path]:
    """The lists in a folder that were written under these keys: two deployments may share one."""
    return [
        path
        for path in sorted(folder.glob(f"*{SUFFIX}"))
        if path.is_file() and keyring.find("destructions", _key_id(path)) is not None
    ]


def _key_id(path: Path) -> bytes:
    with path.open("rb") as file:
        found = _FIRST.fullmatch(file.readline(100).decode(errors="replace").rstrip("\n"))
    return bytes.fromhex(found[2]) if found else b""


def read(keyring: Keyring, path: Path) -> set[Entry]:
    """What a list says. Errors: ListRefused where it was changed, or is another deployment's."""
    if path.stat().st_size > _LONGEST:
        raise _altered(path)
    whole = path.read_bytes().rstrip(b"\n")
    content, _, mac = whole.rpartition(b"\n")
    first, *lines = (content or whole).decode(errors="replace").split("\n")
    found = _FIRST.fullmatch(first)
    if found is None:
        raise ListRefused(f"{path} is no list of destructions.")
    if int(found[1]) != _FORM:
        raise ListRefused(f"{path} was written by a newer version of Xinsheng: use that one.")
    subkey = keyring.find("destructions", bytes.fromhex(found[2]))
    if subkey is None:
        raise ListRefused(
            f"{path} was written under another secret key than those here: give those of the "
            "deployment that it is of, the retired ones too."
        )
    if not hmac.compare_digest(_mac(subkey.key, content), mac):
        raise _altered(path)
    return {_parsed(line) for line in lines}


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256").hex().encode()


def _altered(path: Path) -> ListRefused:
    return ListRefused(
        f"{path} was altered or damaged: use another copy of it, such as that in the data "
        "directory or beside the backups."
    )


def _parsed(line: str) -> Entry:
    campaign, made_at, cause, destroyed_at = json.loads(line)
    return Entry(
        campaign, datetime.fromisoformat(made_at), cause, datetime.fromisoformat(destroyed_at)
    )


def add(keyring: Keyring, folder: Path, entries: Iterable[Entry]) -> None:
    """Put these on the list in a folder, which begins where there is none; all on the disk.

    It is sealed anew under the current key. One that was altered is put aside under another
    name. Errors: OSError.
    """
    with _alone(folder):
        paths = ours(keyring, folder)
        current = keyring.current("destructions")
        path = paths[0] if paths else folder / f"xinsheng-{current.id.hex()}{SUFFIX}"
        known: dict[tuple[str, datetime, str], Entry] = {}
        for one in sorted({*entries, *_kept(keyring, paths)}, key=lambda one: one.destroyed_at):
            # Whoever did it again, or at the same moment elsewhere: the first counts.
            known.setdefault(one[:3], one)
        lines = [f"xinsheng destructions {_FORM} {current.id.hex()}"]
        for entry in known.values():
            spelled = [entry.campaign, entry.made_at.isoformat(), entry.cause]
            lines.append(json.dumps([*spelled, entry.destroyed_at.isoformat()]))
        content = "\n".join(lines).encode()
        _replace(path, content + b"\n" + _mac(current.key, content) + b"\n")


def _kept(keyring: Keyring, paths: Iterable[Path]) -> Iterator[Entry]:
    for path in paths:
        try:
            yield from read(keyring, path)
        except ListRefused as error:
            log.error("%s", error)
            path.rename(path.with_name(f"{path.name}.{secrets.token_hex(4)}.altered"))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # some network file systems have no such locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        sync_folder(folder)
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with suppress(OSError):  # held, so that no backup takes it for what a killed one left
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.geteuid() == 0:
                # A command of root's must not lock out the server, which owns the folder.
                folder = path.parent.stat()
                with suppress(OSError):  # nor may root on another machine's disk
                    os.fchown(file.fileno(), folder.st_uid, folder.st_gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
