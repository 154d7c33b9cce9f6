"""The folder DATA_DIR/postgres: who owns what in it, its locks, and programs that work in it.

    DATA_DIR/postgres/       mode 0700; made by root: root's, mode 0710 for the server's group
        cluster-18/          the data, one folder per major version of PostgreSQL
        socket/              .s.PGSQL.5432, the only way in
        postgresql.log       what the server says; postgresql.log.1 is the one before
        claims.lock          shared by every process that wants the server to be up
        changes.lock         held by the one process that starts or stops it

Programs get their paths as /proc/self/fd/N/…, N being this folder, opened by us. So their account
needs no right to pass the folders above (DATA_DIR may be root's, mode 0700), and no path is too
long for a socket, whose address has room for 107 bytes.
"""

import contextlib
import fcntl
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.core.embedded_postgres.accounts import (
    SYSTEM_ACCOUNT,
    Account,
    EmbeddedPostgresError,
    name_of,
    owner,
    system_account,
)
from app.core.embedded_postgres.binaries import ENVIRONMENT

_MAX_LOG_BYTES = 16 * 1024 * 1024
_LINES_SHOWN = 15


Program = subprocess.Popen[str]


@dataclass(frozen=True)
class Folder:
    """DATA_DIR/postgres, ready for use with one major version of PostgreSQL."""

    path: Path
    cluster: Path
    account: Account | None
    """Who the server runs as; None for ourselves."""

    @classmethod
    def prepare(cls, data_dir: Path, version: str) -> Self:
        """Make what is missing of the folder. What exists above it is never changed.

        Errors: OSError; EmbeddedPostgresError, and nothing was written, when the data is of
        another major version, or not ours to use.
        """
        path = data_dir / "postgres"
        cluster = path / f"cluster-{re.split('[^0-9]', version)[0]}"
        _check_version(cluster, version)
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        folder = cls(path, cluster, _account_for(path, cluster))
        with folder.opened() as descriptor:
            if folder.account and os.fstat(descriptor).st_uid == 0:
                # The account can pass it, but not swap what root opens in it.
                os.fchown(descriptor, -1, folder.account.gid)
                os.fchmod(descriptor, 0o710)  # nosec B103 # the group may pass, not look
        folder.socket.mkdir(mode=0o700, exist_ok=True)
        folder.hand_over(folder.socket)
        return folder

    @property
    def socket(self) -> Path:
        """The folder of the socket."""
        return self.path / "socket"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.path / "postgresql.log"

    @property
    def major(self) -> int:
        """The major version of PostgreSQL."""
        return int(self.cluster.name.removeprefix("cluster-"))

    def hand_over(self, path: Path) -> None:
        """Make it the server account's own."""
        if self.account and path.lstat().st_uid != self.account.uid:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """The folder as a descriptor, for `spawn`."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def open_lock(self, name: str, mode: int) -> int:
        """A descriptor that holds the lock, until it is closed or its process ends.

        Errors: BlockingIOError when the mode has LOCK_NB and someone else holds it.
        """
        descriptor = self._open(name, os.O_RDWR)
        try:
            fcntl.flock(descriptor, mode)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    @contextlib.contextmanager
    def locked(self, name: str, mode: int) -> Iterator[None]:
        """The lock, held for the length of a block; errors as `open_lock`."""
        descriptor = self.open_lock(name, mode)
        try:
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def log_for_writing(self) -> Iterator[int]:
        """The log as a descriptor to append to; a long one is put aside first."""
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > _MAX_LOG_BYTES:
                self.log.rename(self.log.with_suffix(".log.1"))
        descriptor = self._open(self.log.name, os.O_WRONLY | os.O_APPEND)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def log_tail(self, start: int = 0) -> str:
        """The last lines of the log that lie after that byte."""
        with self.log.open("rb") as log:
            log.seek(max(start, os.fstat(log.fileno()).st_size - 64 * 1024))
            return last_lines(log.read().decode(errors="replace"))

    def spawn(self, command: list[str], opened: int, *, pipes: bool, errors: int) -> Program:
        """Start a program as the server's account, without our terminal, locks or environment.

        Its paths in the folder begin with /proc/self/fd/`opened`. Its output goes where `errors`
        says, or with `pipes`, like its input, to us. Errors: OSError, SubprocessError.
        """
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes else errors,
            stderr=errors,
            text=True,
            errors="replace",
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
            env=ENVIRONMENT,
            cwd="/",
            umask=0o077,
            start_new_session=True,
            pass_fds=(opened,),
        )

    def _open(self, name: str, flags: int) -> int:
        file = os.open(self.path / name, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        if self.account:
            # Root's visit leaves nothing behind that the folder's owner cannot open.
            status = self.path.stat()
            os.fchown(file, status.st_uid, status.st_gid)
        return file


def text_of(path: Path) -> str:
    """The beginning of a small file; nothing when it is not there. Errors: OSError."""
    try:
        with path.open("rb") as file:
            return file.read(4096).decode(errors="replace")
    except FileNotFoundError:
        return ""


def last_lines(text: str) -> str:
    """The last lines, for a message to a human."""
    return "\n".join(text.strip().splitlines()[-_LINES_SHOWN:]) or "(nothing)"


def _check_version(cluster: Path, version: str) -> None:
    if cluster.exists():
        found = text_of(cluster / "PG_VERSION").strip()
        if not found:
            raise EmbeddedPostgresError(
                f"{cluster} is not the data of a PostgreSQL server: it has no readable "
                "PG_VERSION. Restore it from a backup, or move it away to begin with an empty one."
            )
        others = [found]
    else:
        names = [path.name for path in cluster.parent.glob("cluster-*")]
        others = [name[8:] for name in names if re.fullmatch(r"cluster-\d+", name)]
    if others and f"cluster-{others[0]}" != cluster.name:
        raise EmbeddedPostgresError(
            f"The data in {cluster.parent} was made by PostgreSQL {others[0]}, but the programs "
            f"are PostgreSQL {version}. Nothing was changed. Run the release that brought "
            f"PostgreSQL {others[0]}, back up with it, and restore into a new data directory."
        )


def _account_for(path: Path, cluster: Path) -> Account | None:
    made = cluster.exists()
    status = (cluster if made else path).stat()
    if os.geteuid() == 0:
        if made and status.st_uid == 0:
            raise EmbeddedPostgresError(
                f"{cluster} belongs to root, and PostgreSQL refuses to run as root. Give it to "
                f"the account for it: `chown -R {SYSTEM_ACCOUNT}: '{cluster}'`."
            )
        return owner(status) if status.st_uid else system_account()
    if status.st_uid != os.geteuid():
        raise EmbeddedPostgresError(
            f"{path} is {name_of(status.st_uid)}'s, not yours. Run this as "
            f"{name_of(status.st_uid)} or root, or choose another data directory."
        )
    return None
