"""What is measured, each of its own process, and the machine they run on."""

import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

OURS = "app.main:create"
NOT_FOLDING = "scripts.bench.not_folding:create"


def machine() -> str:
    """What this is measured on."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{os.cpu_count()} x {names[0] if names else platform.machine()}, {platform.system()}"


@contextmanager
def served(
    factory: str, workers: int, environment: Mapping[str, str], *, plainly: bool = False
) -> Iterator[int]:
    """A server of its own process, as `xinsheng serve` runs it; gives its port.

    `plainly`: by plain uvicorn instead, on the same event loop and parser.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = ["scripts.bench.server", factory, str(port), str(workers)]
    if plainly:
        command = ["uvicorn", factory, "--factory", "--port", str(port), "--workers", str(workers)]
        command += ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning"]
        command += ["--no-access-log", "--no-server-header", "--no-proxy-headers"]
    process = subprocess.Popen([sys.executable, "-m", *command], env={**os.environ, **environment})
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def working(environment: Mapping[str, str]) -> Iterator[int]:
    """A background worker of its own process; gives its number."""
    command = [sys.executable, "-P", "-m", "app.worker", str(os.getpid())]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended"
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=1)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
