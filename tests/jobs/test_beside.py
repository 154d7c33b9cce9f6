"""`xinsheng serve` has a worker beside it; `xinsheng worker` is one by itself."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.jobs import beside
from tests.chaos.killing import postmaster
from tests.processes import XINSHENG, server

pytestmark = pytest.mark.process

_PATIENCE_SECONDS = 60
KEYS = "an operator's own key of 32 bytes or more"


def workers_of(process: int) -> list[int]:
    """The background workers among a process's children."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = (status.parent / "cmdline").read_bytes().split(b"\0")
            if f"\nPPid:\t{process}\n" in status.read_text() and b"app.worker" in command:
                found.append(int(status.parent.name))
        except OSError:
            continue
    return found


def comes(true: Callable[[], object]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    """Whether a process runs: those that have ended and wait to be fetched do not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def test_a_server_has_a_worker_which_is_replaced_when_it_dies_and_dies_with_it(
    tmp_path: Path,
) -> None:
    with server(tmp_path / "data", worker=True) as running:
        comes(lambda: workers_of(running.process.pid))
        [first] = workers_of(running.process.pid)
        os.kill(first, signal.SIGKILL)
        comes(lambda: [one for one in workers_of(running.process.pid) if one != first])
        [second] = workers_of(running.process.pid)
        assert "is started again" in running.said()
        database = postmaster(tmp_path / "data")
        assert database is not None
        os.kill(running.process.pid, signal.SIGKILL)
        comes(lambda: not is_alive(second))
    # It outlives its server, for the next one to take over.
    os.kill(database, signal.SIGINT)
    comes(lambda: not is_alive(database))


def test_workers_by_themselves_and_beside_a_server_end_in_order(
    tmp_path: Path, database_url: str
) -> None:
    own = {"XINSHENG_DATABASE_URL": database_url, "XINSHENG_SECRET_KEYS": KEYS}
    with server(tmp_path / "data", environment=own, worker=True) as running:
        log = tmp_path / "worker.log"
        with log.open("wb") as output:
            alone = subprocess.Popen(
                [str(XINSHENG), "worker", "--data-dir", str(tmp_path / "data")],
                stdout=output,
                env={**os.environ, **own},
            )
        try:
            comes(lambda: "Background jobs" in log.read_text())
            alone.terminate()
            assert alone.wait(_PATIENCE_SECONDS) == 0
        finally:
            alone.kill()
            alone.wait()
        comes(lambda: workers_of(running.process.pid))
        [beside] = workers_of(running.process.pid)
        assert running.stop() == 0
        assert not is_alive(beside)
    with server(tmp_path / "data", environment=own) as running:
        assert workers_of(running.process.pid) == []


def test_what_the_server_sets_while_its_worker_starts_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    started = tmp_path / "started"
    program = f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(60)"
    monkeypatch.setattr(beside, "_COMMAND", (sys.executable, "-S", "-c", program))
    for _ in range(5):
        started.unlink(missing_ok=True)
        with beside.worker_beside():
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not started.exists() and time.monotonic() < deadline:
                for number in range(500):
                    monkeypatch.setenv(f"XINSHENG_TEST_{number}", "set meanwhile")
                for number in range(500):
                    monkeypatch.delenv(f"XINSHENG_TEST_{number}")
        assert started.exists()
    assert not [one.message for one in caplog.records]
