"""The server that runs on the data directory: whether it does, as what, and its open files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app import serving
from app.core.settings import Settings
from app.doctor.findings import Finding, failure, fine, warning

ENOUGH_FILES = 8192
"""A queue that is full and a phone's connection for each who waits took 5,600."""


@dataclass(frozen=True)
class Running:
    """A server, as the kernel shows it; None for what it does not show us."""

    process: int
    public_url: str
    workers: int
    files: int | None
    """Open files that it may have; None: no limit, or not known."""
    user: int | None


def running(data_dir: Path) -> Running | None:
    """The server on a data directory, if there is one. Errors: OSError."""
    holder = serving.holder(data_dir)
    if holder is None:
        return None
    folder = Path("/proc") / str(holder.process)
    return Running(
        holder.process, holder.public_url, _workers(folder), _files(folder), _user(folder)
    )


def _workers(folder: Path) -> int:
    own = re.compile(rf"^PPid:\s+{folder.name}$", re.MULTILINE)
    children = [one for one in folder.parent.glob("[0-9]*") if own.search(_text(one / "status"))]
    commands = [_text(child / "cmdline") for child in children]
    return max(1, sum("spawn_main" in one for one in commands))


def _files(folder: Path) -> int | None:
    found = re.search(r"^Max open files +(\d+)", _text(folder / "limits"), re.MULTILINE)
    return int(found[1]) if found else None


def _user(folder: Path) -> int | None:
    try:
        return folder.stat().st_uid
    except OSError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def check_server(server: Running | None, settings: Settings) -> Iterator[Finding]:
    """Whether a server runs, with the settings that are looked at here, and not as root."""
    if server is None:
        yield warning(
            "server",
            f"No server runs on {settings.data_dir}.",
            "Start it: systemctl start xinsheng, or xinsheng serve. If one does run, this looks "
            "at another data directory: give its --data-dir.",
        )
        return
    workers = f"{server.workers} worker{'s' if server.workers > 1 else ''}"
    found = f"Process {server.process} serves {server.public_url} with {workers}."
    if server.public_url != settings.public_url:
        yield warning(
            "server",
            f"{found} Here XINSHENG_PUBLIC_URL is {settings.public_url}.",
            "Look with the server's own settings, or these findings are about others: load its "
            "environment file first (see the handbook).",
        )
    elif server.user == 0:
        yield warning(
            "server",
            f"{found} It runs as root.",
            "Serve as a user of its own: docs/operating/xinsheng.service does.",
        )
    else:
        yield fine("server", found)


def check_open_files(server: Running | None) -> Finding:
    """Whether the server may have enough connections open."""
    if server is None:
        return fine("open-files", "No server runs whose limit could be looked at.")
    if server.files is None:
        return fine("open-files", "The server's limit of open files is none, or not known.")
    found = f"The server may have {server.files:,} files open in each process."
    if server.files < ENOUGH_FILES:
        judge = failure if server.files < ENOUGH_FILES // 8 else warning
        return judge(
            "open-files",
            f"{found} Each phone that waits takes one.",
            "Set LimitNOFILE=65536 in its unit (or `ulimit -n 65536` before it), and restart it.",
        )
    return fine("open-files", found)
