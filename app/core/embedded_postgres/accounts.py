"""The account that the embedded PostgreSQL runs as: PostgreSQL refuses to run as root."""

import grp
import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass

SYSTEM_ACCOUNT = "xinsheng"
_SYSTEM_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot do what was asked.

    The message is for a human: what happened, why, and, last, what to do next.
    """


@dataclass(frozen=True)
class Account:
    """A user and its group, by number."""

    uid: int
    gid: int


def owner(status: os.stat_result) -> Account:
    """The account that owns a file; its group is the user's own where that is known."""
    try:
        return Account(status.st_uid, pwd.getpwuid(status.st_uid).pw_gid)
    except KeyError:
        return Account(status.st_uid, status.st_gid)


def name_of(uid: int) -> str:
    """The user's name, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def system_account() -> Account:
    """The dedicated system account, made when it is missing. Only root can make it.

    Errors: EmbeddedPostgresError when it cannot be made, or has root's rights.
    """
    account = _find() or _make()
    if account.uid == 0:
        raise EmbeddedPostgresError(
            f"The account {SYSTEM_ACCOUNT} has root's rights, and PostgreSQL refuses those. "
            "Give the account another user id, or run this as an ordinary user."
        )
    return account


def _find() -> Account | None:
    try:
        entry = pwd.getpwnam(SYSTEM_ACCOUNT)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def _make() -> Account:
    reason = "useradd is not installed"
    useradd = shutil.which("useradd", path=_SYSTEM_PATH)
    # Another useradd may hold the lock on /etc/passwd, perhaps to make this very account.
    for _ in range(10) if useradd else ():
        done = subprocess.run(
            [
                useradd or "useradd",
                "--system",
                "--no-create-home",
                "--home-dir=/nonexistent",
                "--shell=/usr/sbin/nologin",
                *_group_option(),
                SYSTEM_ACCOUNT,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        account = _find()
        if account is not None:
            return account
        reason = done.stderr.strip() or f"useradd ended with status {done.returncode}"
        if "try again" not in reason:
            break
        time.sleep(0.5)
    raise EmbeddedPostgresError(
        f"PostgreSQL refuses to run as root, and the account {SYSTEM_ACCOUNT} for it could not "
        f"be made ({reason}). Make it with `useradd --system --no-create-home --home-dir "
        f"/nonexistent --shell /usr/sbin/nologin {SYSTEM_ACCOUNT}`, or run this as an ordinary "
        "user."
    )


def _group_option() -> list[str]:
    try:
        grp.getgrnam(SYSTEM_ACCOUNT)
    except KeyError:
        return ["--user-group"]
    return ["--gid", SYSTEM_ACCOUNT]
