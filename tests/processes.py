"""Real server processes for tests: started in a session of their own, and surely ended."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

XINSHENG = Path(sys.executable).with_name("xinsheng")
"""The console command of the environment that runs the tests."""
_READY_SECONDS = 60
_STOP_SECONDS = 45
_POLL_SECONDS = 0.05


@dataclass
class Server:
    """One `xinsheng serve`, and where it can be reached."""

    base: str
    data_dir: Path
    log: Path
    process: "subprocess.Popen[bytes]"

    def wait_ready(self) -> None:
        """Wait until /readyz answers 200. Errors: AssertionError with its log, after a minute."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"it ended:\n{self.said()}"
            try:
                if httpx.get(f"{self.base}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(_POLL_SECONDS)
        raise AssertionError(f"not ready after {_READY_SECONDS} s:\n{self.said()}")

    def said(self) -> str:
        """What it has printed."""
        return self.log.read_text("utf-8", errors="replace")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, as an operator does; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL to it and its workers; what it started in other sessions is left alone."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(_STOP_SECONDS)


def free_port() -> int:
    """A port that nobody listened on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def server(
    data_dir: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    worker: bool = False,
    port: int | None = None,
) -> Iterator[Server]:
    """A server on a data directory, ready to answer; ended with the context whatever happens.

    `worker`: with the background worker that it has by itself. `port`: one that is free.
    """
    port = port or free_port()
    log = data_dir.parent / f"{data_dir.name}-{port}.log"
    command = [str(XINSHENG), "serve", "--port", str(port), "--data-dir", str(data_dir), *options]
    command += [] if worker else ["--no-worker"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    running = Server(f"http://127.0.0.1:{port}", data_dir, log, process)
    try:
        running.wait_ready()
        yield running
    finally:
        if process.poll() is None:
            try:
                running.stop()
            except subprocess.TimeoutExpired:
                running.kill()
