"""The machine: its clock, room on its disks, who may read the files, the secret keys."""

import ctypes
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from app.core.settings import Settings
from app.doctor.findings import Finding, failure, fine, warning

_GIB = 1 << 30
SCARCE_BYTES = 8 * _GIB
"""PostgreSQL's log before a checkpoint takes up to 4 GB by itself."""
LEAST_BYTES = 2 * _GIB
_RESPONSE_BYTES = 450
"""With two claims, indexes included; see docs/performance.md."""
_SYNCHRONISED_MARK = Path("/run/systemd/timesync/synchronized")
_UNSYNCHRONISED = 0x40
_TIME_ERROR = 5
_LEAST_DIFFERENT_BYTES = 8


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def clock_is_synchronised() -> bool | None:
    """Whether something keeps this machine's clock right; None where that cannot be known."""
    if _SYNCHRONISED_MARK.exists():
        return True
    try:
        kernel = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    timex = _Timex()
    answer = kernel(ctypes.byref(timex))
    if answer < 0:
        return None
    return answer != _TIME_ERROR and not timex.status & _UNSYNCHRONISED


def check_clock(synchronised: bool | None) -> Finding:
    """Whether something keeps the clock right: windows of campaigns and tokens go by it."""
    if synchronised is None:
        return fine("clock", "Whether something keeps this machine's clock right is not known.")
    if synchronised:
        return fine("clock", "Something keeps this machine's clock right.")
    return warning(
        "clock",
        "As far as the kernel knows, nothing keeps this machine's clock right.",
        "Install chrony (apt-get install chrony), or `timedatectl set-ntp true`; inside a "
        "bureau's network name its own time server.",
    )


def check_disk(folder: Path, *, scarce: int = SCARCE_BYTES, least: int = LEAST_BYTES) -> Finding:
    """Room on the disk of a folder, against what is `scarce` and what is the `least`, in bytes."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / _GIB:,.1f} GiB are free where {folder} lies"
    if free < least:
        return failure(
            "disk",
            f"{found}: when it is full, no response is taken.",
            "Make room now: remove old backups and logs, or give it a larger disk. Never delete "
            "anything in postgres/.",
        )
    if free < scarce:
        return warning(
            "disk",
            f"{found}.",
            f"Make room up to {scarce / _GIB:.0f} GiB before a campaign opens; a million "
            f"responses take about {_RESPONSE_BYTES / 1000:.2f} GB.",
        )
    millions = (free - scarce) / _RESPONSE_BYTES / 1e6
    return fine("disk", f"{found}: room for some {millions:,.0f} million responses.")


def check_disks(settings: Settings) -> Iterator[Finding]:
    """Room for the data, and for backups where they lie elsewhere."""
    yield check_disk(settings.data_dir)
    if settings.backup_dir is not None and settings.backup_dir.is_dir():
        yield check_disk(settings.backup_dir)


def check_files(settings: Settings) -> Iterator[Finding]:
    """Whether others than their owner may read the data directory and the secret keys."""
    wanted = {settings.data_dir: 0o700}
    if settings.keys_file is not None:
        wanted[settings.keys_file] = 0o600
    for path, only in wanted.items():
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield failure(
                "files",
                f"{path} cannot be looked at ({error.strerror}).",
                "Run this as the service's own user, or as root.",
            )
            continue
        if mode & 0o077:
            make = failure if path == settings.keys_file else warning
            advice = f"chmod {only:o} {path}"
            if path == settings.keys_file:
                advice += "; if others use this machine, change the keys too (xinsheng keys rotate)"
            yield make("files", f"{path} has mode {mode:04o}: others may use it.", f"{advice}.")
        else:
            yield fine("files", f"{path} is its owner's alone (mode {mode:04o}).")


def check_keys(settings: Settings) -> Finding:
    """How many secret keys there are, how long, and whether they look made up by a person."""
    keys = settings.secret_keys
    if any(len(set(key)) < _LEAST_DIFFERENT_BYTES for key in keys):
        return failure(
            "keys",
            "A secret key repeats a few characters: it can be guessed, and so can who answered.",
            "Make one with `openssl rand -hex 32`, put it in front, and see xinsheng keys rotate.",
        )
    if len(set(keys)) < len(keys):
        return warning("keys", "A secret key stands in the list twice.", "Remove one of the two.")
    lengths = ", ".join(str(len(key)) for key in keys)
    found = f"{len(keys)} secret key{'s' if len(keys) > 1 else ''}, of {lengths} bytes."
    return fine("keys", found)
