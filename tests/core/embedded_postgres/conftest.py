"""Data directories, servers and users for the tests of the embedded PostgreSQL."""

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.embedded_postgres import (
    EmbeddedPostgres,
)
from tests.core.embedded_postgres.servers import (
    CLAIMANT,
    end,
    running,
    until,
)


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, float]]:
    """A data directory that was started once, and the seconds that this took."""
    folder = tmp_path_factory.mktemp("first")
    began = time.monotonic()
    with EmbeddedPostgres(folder / "data"):
        took = time.monotonic() - began
    yield folder / "data", took
    shutil.rmtree(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for data directories: no server and no file in it outlives the test."""
    yield tmp_path
    for data_dir in tmp_path.iterdir():
        end(data_dir)
    shutil.rmtree(tmp_path)


@pytest.fixture
def data_dir(first_start: tuple[Path, float], folder: Path) -> Iterator[Path]:
    """A data directory with a stopped cluster; the tests have it one after the other."""
    data_dir = first_start[0].rename(folder / "data")
    data_dir.chmod(0o700)
    yield data_dir
    end(data_dir)
    data_dir.rename(first_start[0])


@pytest.fixture
def fresh(folder: Path) -> Path:
    """A data directory that doesn't exist yet."""
    return folder / "fresh"


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A running server."""
    with EmbeddedPostgres(data_dir) as server:
        yield server


@pytest.fixture
def claim() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Starts other processes with a claim; `ready` waits until they have it."""
    with contextlib.ExitStack() as stack:
        yield lambda data_dir: stack.enter_context(
            running([sys.executable, "-c", CLAIMANT, str(data_dir)])
        )


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="xinsheng-test-") as name:
        os.chmod(name, 0o755)
        yield Path(name)
        for data_dir in Path(name).iterdir():
            end(data_dir)


@pytest.fixture(scope="module")
def ordinary_user() -> Iterator[pwd.struct_passwd]:
    """A throwaway user."""
    name = f"xinsheng-test-{os.getpid()}"
    subprocess.run(["useradd", "--system", "--no-create-home", name], check=True)
    yield pwd.getpwnam(name)
    until(lambda: subprocess.run(["userdel", name], check=False).returncode == 0)
