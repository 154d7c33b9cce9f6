"""How far a push has come, in a small file: a digest, numbers, nothing of any person."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from app.push.wording import Stopped

STATUSES = ("accepted", "replayed", "updated", "already_answered", "rejected")


class State(msgspec.Struct, forbid_unknown_fields=True):
    """Of one file to one campaign on one server."""

    round: int = 0
    """Counted up when a push ends with rejected items, so that the next one is judged anew."""
    parts: int = 0
    """How many were acknowledged."""
    counts: dict[str, int] = {}
    """By status, of the acknowledged parts."""
    rejected_bytes: int = 0
    """How long the list of rejected items was then."""
    finished: bool = False

    def add(self, counts: Mapping[str, int]) -> None:
        """Count the items of one more part."""
        for name in STATUSES:
            self.counts[name] = self.counts.get(name, 0) + counts.get(name, 0)
        self.parts += 1


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where states are kept."""
    base = environment.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "xinsheng"


@contextmanager
def held(path: Path) -> Iterator["Keeper"]:
    """The state at a path, which no other process changes meanwhile. Errors: Stopped."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = path.with_suffix(".lock").open("w")
    except OSError as error:
        raise _unwritable(path, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Stopped(
                "这个文件正由另一个进程推送。", "Another process is pushing this file already."
            ) from error
        yield Keeper(path)


class Keeper:
    """Reads the state, and writes it so that it is whole whatever is killed when."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.state = _read(path)

    def keep(self) -> None:
        """Write it. Errors: Stopped."""
        beside = self._path.with_suffix(".new")
        try:
            with beside.open("wb") as opened:
                opened.write(msgspec.json.encode(self.state))
                written(opened)
            beside.replace(self._path)
        except OSError as error:
            raise _unwritable(self._path, error) from error


def written(opened: IO[bytes]) -> None:
    """Wait until what was written is on the disk."""
    opened.flush()
    os.fsync(opened.fileno())


def _read(path: Path) -> State:
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError, ValueError):
        return State()  # without it everything is sent again, which changes nothing


def _unwritable(path: Path, error: OSError) -> Stopped:
    return Stopped(
        f"无法写入 {path.parent}（{error.strerror}）：用 XDG_STATE_HOME 指定别的目录。",
        f"{path.parent} cannot be written ({error.strerror}): name another folder by "
        "XDG_STATE_HOME.",
    )
