"""A new cluster: the data of the embedded PostgreSQL, with its roles, database and settings."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from app.core.embedded_postgres.accounts import EmbeddedPostgresError
from app.core.embedded_postgres.addresses import DATABASE, ROLE, SUPERUSER
from app.core.embedded_postgres.folders import Folder, last_lines

# Defaults: an operator changes them with ALTER SYSTEM. Durability stays PostgreSQL's own (fsync,
# synchronous_commit).
_SETTINGS = {
    "max_connections": "200",
    # The first change of a page after a checkpoint writes the page whole to the log. Responses
    # come in under random ids, all over the indexes: checkpoints by the gigabyte would make
    # millions of them ten times as expensive as thousands.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    # Reads back what was in memory before a restart: or the first burst waits for the disk.
    "shared_preload_libraries": "pg_prewarm",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
_STATEMENTS = [
    # No superuser: whatever reaches this role, it runs no programs and reads no files.
    f"CREATE ROLE {ROLE} LOGIN CREATEDB",
    f"GRANT pg_monitor TO {ROLE}",
    # Without the lines DETAIL and CONTEXT, which quote the rows that offend a constraint.
    f"ALTER ROLE {ROLE} SET log_error_verbosity = 'terse'",
    f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
    *(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in _SETTINGS.items()),
]
_LEAST_BUFFERS, _MOST_BUFFERS = 256, 2048


def create(folder: Folder, opened: int, programs: Path) -> None:
    """Make the folder's cluster: all of it, or, killed on the way, nothing.

    `opened` is the folder's descriptor, `programs` holds initdb and postgres.
    Errors: EmbeddedPostgresError with what initdb or postgres said; OSError,
    SubprocessError.
    """
    for abandoned in folder.path.glob("cluster-*.new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{folder.cluster.name}.new-", dir=folder.path))
    try:
        folder.hand_over(draft)
        data = ["-D", f"/proc/self/fd/{opened}/{draft.name}"]
        _run(folder, opened, [str(programs / "initdb"), *data, *_options(folder.major)])
        single = [str(programs / "postgres"), "--single", *data, "-c", "exit_on_error=true"]
        statements = [*_STATEMENTS, f"ALTER SYSTEM SET shared_buffers = '{_shared_buffers()}MB'"]
        _run(folder, opened, [*single, "postgres"], "".join(f"{line}\n" for line in statements))
        draft.rename(folder.cluster)
        os.fsync(opened)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _shared_buffers() -> int:
    """An eighth of the machine's memory, in megabytes."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    return max(_LEAST_BUFFERS, min(memory // 8, _MOST_BUFFERS))


def _options(major: int) -> list[str]:
    # Sorting by code point never changes with the system's libraries, so no index breaks.
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return [
        f"--username={SUPERUSER}",
        "--encoding=UTF8",
        # Behind the socket's folder, which only the server's account and root can pass.
        "--auth-local=trust",
        "--auth-host=reject",
        "--data-checksums",
        *(builtin if major >= 17 else ["--locale=C.UTF-8"]),
    ]


def _run(folder: Folder, opened: int, command: list[str], given: str = "") -> None:
    with folder.spawn(command, opened, pipes=True, errors=subprocess.STDOUT) as program:
        try:
            output, _ = program.communicate(given)
        except BaseException:
            program.kill()
            raise
    if program.returncode != 0:
        raise EmbeddedPostgresError(
            f"{Path(command[0]).name} failed with status {program.returncode}:\n\n"
            f"{last_lines(output)}\n\nPut right what it says, then try again."
        )
