"""The file of secret keys: made once, rotated beside running servers, which follow it."""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from app.core.background import background
from app.core.disks import sync_folder
from app.core.keyring import Keyring

log = logging.getLogger("xinsheng.keys")

MIN_BYTES = 32
FOLLOWED_WITHIN = 2.0
"""Seconds within which a running server takes up what has changed."""


def parsed(text: str) -> tuple[bytes, ...]:
    """Keys from their text, separated by commas; the first signs. Errors: ValueError."""
    keys = tuple(
        part.strip().encode(errors="surrogateescape") for part in text.split(",") if part.strip()
    )
    if not keys or any(len(key) < MIN_BYTES for key in keys):
        raise ValueError(f"needs keys of at least {MIN_BYTES} bytes, separated by commas")
    return keys


def read(path: Path) -> tuple[bytes, ...]:
    """The keys in a file. Errors: OSError, ValueError."""
    return parsed(path.read_text("utf-8", errors="surrogateescape"))


def new() -> bytes:
    """A new key."""
    return secrets.token_hex(MIN_BYTES).encode()


def make(path: Path) -> None:
    """Make the file with a new key; one that another process made meanwhile is kept."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written aside and linked, so that two processes starting at once agree on one key.
    draft = _drafted(path, [new()])
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def write(path: Path, keys: Sequence[bytes]) -> None:
    """Put these keys in the place of those in the file, all at once. Errors: OSError."""
    draft = _drafted(path, keys)
    try:
        draft.replace(path)
    except OSError:
        draft.unlink()
        raise
    sync_folder(path.parent)


def _drafted(path: Path, keys: Sequence[bytes]) -> Path:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(b",".join(keys) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return draft


@asynccontextmanager
async def following(keyring: Keyring, path: Path | None) -> AsyncIterator[None]:
    """Take up changes of the file of keys while the context lasts; None: there is no file."""
    if path is None:
        yield
        return
    async with background(_follow(keyring, path)):
        yield


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_ino, state.st_mtime_ns


async def _follow(keyring: Keyring, path: Path) -> None:
    seen = None
    while True:
        try:
            changed = _state(path)
            if changed != seen:
                keyring.renew(read(path))
                seen = changed
        except (OSError, ValueError) as error:
            # Those that are held go on to serve.
            log.error("the secret keys cannot be read: %s", type(error).__name__)
        await asyncio.sleep(FOLLOWED_WITHIN / 2)
