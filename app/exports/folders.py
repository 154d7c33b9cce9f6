"""Folders for files in the making: gone when they are made, and also after a process was killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NAME = "exports-in-the-making"


@contextmanager
def folder(data_dir: Path) -> Iterator[Path]:
    """A folder of this process's own, which nobody else may read, while the context lasts.

    Those of processes that were killed are removed first: whoever makes a file holds a lock, which
    ends with the process. Blocks; errors: OSError.
    """
    place = data_dir / _NAME
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(place):
        for left in place.iterdir():
            _remove_abandoned(left)
        own = Path(tempfile.mkdtemp(dir=place))
        held = os.open(own, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
        os.close(held)


def _remove_abandoned(left: Path) -> None:
    with suppress(OSError):  # in use, or gone by now
        descriptor = os.open(left, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left)
        finally:
            os.close(descriptor)


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
