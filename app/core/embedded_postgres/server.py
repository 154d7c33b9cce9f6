"""PostgreSQL that starts with the app and keeps its data in the app's data directory (Linux).

What lies where is told in `folders`. Who starts and stops the server is decided by locks
that vanish with their process, so a kill at any moment leaves nothing to repair by hand:

- A claim (a shared lock) says "I use the server". Who gives the last one back stops it.
- The server and all its children hold a lock on DATA_DIR/postgres itself, inherited through the
  open folder that they are started with. While it is held, no second server is started on the
  data, not even from a container that cannot see the first one's processes.
"""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from app.core.embedded_postgres import binaries as programs_of
from app.core.embedded_postgres import clusters
from app.core.embedded_postgres.accounts import EmbeddedPostgresError
from app.core.embedded_postgres.addresses import (
    DATABASE,
    PORT,
    ROLE,
    SOCKET_NAME,
    client_url,
    socket_folder,
)
from app.core.embedded_postgres.folders import Folder, text_of
from app.core.embedded_postgres.processes import Process, answers, serving

# Given on the command line, so that no configuration file opens a second way in. Behind the socket
# anybody is trusted: only the server's account and root can pass its folder.
_FIXED_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_destination": "stderr",
}
_CHANGES = "changes.lock"
_CLAIMS = "claims.lock"

_POLL_SECONDS = 0.02
# Recovery after a crash replays up to max_wal_size (4 GB): minutes, on a slow disk.
_READY_SECONDS = 300
_LEFTOVER_SECONDS = 15
_LEFTOVER_GRACE_SECONDS = 5
_FAST_STOP_SECONDS = 60
_IMMEDIATE_STOP_SECONDS = 10


class EmbeddedPostgres:
    """The PostgreSQL server of one data directory, shared with the other processes that use it.

    Runs as the user who starts it; started by root, as the account `xinsheng`, or as the owner of
    the data where that is another user. All errors are EmbeddedPostgresError. Not for several
    threads at once; several objects, in one or many processes, are fine.
    """

    def __init__(self, data_dir: Path, *, binaries: Path | None = None) -> None:
        """`binaries` holds bin/, such as /usr/lib/postgresql/15; by default the wheel's."""
        self.data_dir = data_dir.absolute()
        self._binaries = binaries
        self._folder: Folder | None = None
        self._claim: int | None = None
        self._child: Process | None = None
        self._log_start = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def binaries(self) -> Path:
        """The folder whose bin/ holds postgres, psql, pg_dump and the like."""
        return self._binaries or programs_of.wheel()

    def url(self, database: str = DATABASE, *, role: str = ROLE) -> str:
        """The URL to connect to; see `client_url`. The role `postgres` is the superuser."""
        return client_url(self.data_dir, database, role=role)

    def start(self) -> None:
        """Claim the server, and return when it takes connections.

        Starts it when it isn't running; makes it, with its role and database, the first time.
        Called again, it brings a server that died back.
        """
        if not Path("/proc/self/fd").is_dir():
            raise EmbeddedPostgresError(
                "The embedded PostgreSQL needs Linux with /proc. "
                "Set XINSHENG_DATABASE_URL to a server of your own."
            )
        with self._explained():
            version = programs_of.version(self.binaries)
            folder = self._folder = Folder.prepare(self.data_dir, version)
            with folder.locked(_CHANGES, fcntl.LOCK_EX):
                if self._claim is None:
                    self._claim = folder.open_lock(_CLAIMS, fcntl.LOCK_SH)
                try:
                    self._bring_up(folder)
                except EmbeddedPostgresError:
                    # A server that still recovers goes on: the next start joins it.
                    self._drop_claim()
                    raise
                except BaseException:
                    self._give_back(folder)
                    raise

    def is_running(self) -> bool:
        """Whether the server that was started is still there, as the kernel shows it: cheap.

        One that shuts down, or whose socket was deleted, is not; one that recovers is.
        """
        folder = self._folder
        if self._claim is None or folder is None:
            return False
        with self._explained():
            server = _running(folder.cluster)
            return server is not None and not _is_lost(folder, server)

    def stop(self) -> None:
        """Give the claim back, and stop the server if nobody else has one. Idempotent."""
        if self._claim is None or self._folder is None:
            return
        with self._explained():
            try:
                with self._folder.locked(_CHANGES, fcntl.LOCK_EX):
                    self._give_back(self._folder)
            finally:
                self._drop_claim()

    def _give_back(self, folder: Folder) -> None:
        self._drop_claim()
        with (
            contextlib.suppress(BlockingIOError),
            folder.locked(_CLAIMS, fcntl.LOCK_EX | fcntl.LOCK_NB),
        ):
            server = _running(folder.cluster)
            if server:
                _end(server, folder.log)

    def _drop_claim(self) -> None:
        # Closed, not unlocked: a forked child that stops must not unlock its parent's claim.
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def _bring_up(self, folder: Folder) -> None:
        if self._child:
            self._child.wait(0)
        with folder.opened() as opened:
            while server := _join_or_lock(folder, opened):
                if self._comes_up(folder, server):
                    return
            server = self._launch(folder, opened)
        if not self._comes_up(folder, server):
            raise EmbeddedPostgresError(
                f"PostgreSQL did not start. The last lines of {folder.log}:\n\n"
                f"{folder.log_tail(self._log_start)}\n\nPut right what they say, then try again."
            )

    def _comes_up(self, folder: Folder, server: Process) -> bool:
        """Wait until it takes connections; False when it ends instead."""
        path = f"{socket_folder(folder.socket)}/{SOCKET_NAME}"
        deadline = time.monotonic() + _READY_SECONDS
        while not (_status(folder, server) == "ready" and answers(path, ROLE, DATABASE)):
            if server.wait(_POLL_SECONDS):
                return False
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"PostgreSQL (process {server.pid}) takes no connections after "
                    f"{_READY_SECONDS} s:\n\n{folder.log_tail(self._log_start)}\n\n"
                    f"If {folder.log} says that it still recovers, try again later."
                )
        return True

    def _launch(self, folder: Folder, opened: int) -> Process:
        """Start a server on the locked folder, with a new cluster where there is none."""
        programs = self.binaries
        if folder.account:
            programs = programs_of.reachable(programs, folder.account)
        if not folder.cluster.exists():
            clusters.create(folder, opened, programs / "bin")
        # The lock says that no server is alive: these would only stop a new one, should their
        # process numbers mean some other process by now.
        for stale in (folder.cluster / "postmaster.pid", *folder.socket.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        with folder.log_for_writing() as log:
            self._log_start = os.fstat(log).st_size
            command = _server_command(folder, opened, programs / "bin" / "postgres")
            program = folder.spawn(command, opened, pipes=False, errors=log)
        # It may outlive us: Popen shall neither wait for it nor warn; Process.wait reaps it.
        program.returncode = 0
        self._child = Process.child(program.pid)
        return self._child

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedPostgresError(
                f"The embedded PostgreSQL in {self.data_dir} cannot be used: {error}. Check that "
                "you may use this folder and that its disk has room, or choose another data "
                "directory."
            ) from error


def _server_command(folder: Folder, opened: int, postgres: Path) -> list[str]:
    here = f"/proc/self/fd/{opened}"
    settings = [f"--{name}={value}" for name, value in _FIXED_SETTINGS.items()]
    paths = ["-D", f"{here}/{folder.cluster.name}", "-k", f"{here}/{folder.socket.name}"]
    return [str(postgres), *paths, *settings]


def _join_or_lock(folder: Folder, opened: int) -> Process | None:
    """A server to join; or None, and then the folder is locked for a new one."""
    began = time.monotonic()
    while True:
        server = _running(folder.cluster)
        if server and not _is_lost(folder, server):
            return server
        if server:
            _end(server, folder.log)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            _clear_leftovers(folder.cluster, time.monotonic() - began)
        time.sleep(_POLL_SECONDS)


def _running(cluster: Path) -> Process | None:
    """The server's main process. A number in postmaster.pid alone proves nothing."""
    number = _pid_file(cluster)[0]
    if not re.fullmatch(r"-?\d{1,10}", number):
        return None
    process = Process.find(abs(int(number)))
    if process is None or not process.serves(cluster):
        return None
    if number.startswith("-"):
        raise EmbeddedPostgresError(
            f"{cluster} is open in a single-user PostgreSQL, process {process.pid}. "
            "End that one, then try again."
        )
    return process


def _pid_file(cluster: Path) -> list[str]:
    return [*text_of(cluster / "postmaster.pid").split("\n"), *[""] * 8]


def _status(folder: Folder, server: Process) -> str:
    lines = _pid_file(folder.cluster)
    return lines[7].strip() if lines[0] == str(server.pid) else ""


def _is_lost(folder: Folder, server: Process) -> bool:
    """Whether it takes connections no more: it is shutting down, or its socket was deleted."""
    status = _status(folder, server)
    return status == "stopping" or (
        status == "ready" and not (folder.socket / SOCKET_NAME).exists()
    )


def _clear_leftovers(cluster: Path, waited: float) -> None:
    """Deal with what an ended server left running: backends that finish a query, mostly."""
    if waited < _LEFTOVER_GRACE_SECONDS:
        return
    leftovers = list(serving(cluster))
    for process in leftovers:
        # Nobody waits for their work any more; what they committed is in the write-ahead log.
        process.signal(signal.SIGKILL)
    if waited > _LEFTOVER_SECONDS:
        numbers = ", ".join(str(process.pid) for process in leftovers)
        raise EmbeddedPostgresError(
            f"An earlier PostgreSQL still uses {cluster}, though its main process is gone: "
            f"{f'process {numbers}' if numbers else 'perhaps in another container'}. "
            "End it, then try again."
        )


def _end(server: Process, log: Path) -> None:
    """Fast shutdown: sessions end, committed work is kept; at the worst it is recovered."""
    server.signal(signal.SIGINT)
    if server.wait(_FAST_STOP_SECONDS):
        return
    server.signal(signal.SIGQUIT)
    if not server.wait(_IMMEDIATE_STOP_SECONDS):
        raise EmbeddedPostgresError(
            f"PostgreSQL (process {server.pid}) does not stop. See {log}, and end it with "
            f"`kill -9 {server.pid}`: the next start recovers the data."
        )
