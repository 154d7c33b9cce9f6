"""Processes of the embedded PostgreSQL, as the kernel and its socket show them."""

import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROTOCOL_3 = 196608
_ANSWER_SECONDS = 5
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Process:
    """One process, known by its start time too, so that a reused number isn't taken for it."""

    pid: int
    started: str

    @classmethod
    def find(cls, pid: int) -> "Process | None":
        """The live process of that number; None when there is none, or a zombie."""
        process = cls(pid, _stat(pid)[1])
        return process if process.alive() else None

    @classmethod
    def child(cls, pid: int) -> "Process":
        """A child of ours that nobody has reaped yet, dead or alive."""
        return cls(pid, _stat(pid)[1])

    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        state, started = _stat(self.pid)
        return started == self.started and state not in "ZX"

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens when the process is gone or is not ours to signal."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Wait that long for its end; True when it has ended. A child of ours is reaped."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        return True

    def serves(self, cluster: Path) -> bool:
        """Whether it is a postgres process that works in that data directory."""
        # Every process of a server has its data directory as its working directory.
        try:
            program = Path(os.readlink(f"/proc/{self.pid}/exe")).name
            folder = os.stat(f"/proc/{self.pid}/cwd")
            return program.startswith("postgres") and os.path.samestat(folder, cluster.stat())
        except OSError:
            return False


def serving(cluster: Path) -> Iterator[Process]:
    """All postgres processes that work in that data directory."""
    for name in os.listdir("/proc"):
        process = Process.find(int(name)) if name.isdigit() else None
        if process is not None and process.serves(cluster):
            yield process


def answers(socket_path: str, role: str, database: str) -> bool:
    """Whether a server behind that socket takes connections: not when it starts or recovers."""
    parameters = f"user\0{role}\0database\0{database}\0\0".encode()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(socket_path)
            connection.sendall(struct.pack("!ii", len(parameters) + 8, _PROTOCOL_3) + parameters)
            return _admits(connection)
    except OSError:
        return False


def _admits(connection: socket.socket) -> bool:
    with connection.makefile("rb") as replies:
        while len(header := replies.read(5)) == 5:
            kind, length = struct.unpack("!ci", header)
            body = replies.read(length - 4)
            if kind == b"Z":  # ready for a query: take leave properly, or the log has an entry
                connection.sendall(b"X\0\0\0\4")
                return True
            if kind == b"E":
                # 57P03: starting, recovering or stopping. Any other refusal comes from a server
                # that is up, for example one whose connections are all taken.
                return b"\0C57P03\0" not in body
    return False


def _stat(pid: int) -> tuple[str, str]:
    """The state and the start time of a process; "X" (dead) when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in brackets, may hold anything; the state follows it.
            fields = file.read().rpartition(b")")[2].decode().split()
    except OSError:
        return "X", ""
    return fields[0], fields[19]
