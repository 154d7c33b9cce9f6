"""Time, size and memory of a backup and of restoring it.

    .venv/bin/python -m scripts.bench.backups [--responses 1000000]

Responses of six closed questions and a text, each with a claim. Both commands run as an operator
runs them, on a PostgreSQL that runs already; memory is the highest resident of the command.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from app.core.embedded_postgres import EmbeddedPostgres
from scripts.bench.prepared import prepared
from scripts.bench.serving import machine

_MIB = 1 << 20
_KEYS = "the key of a deployment that is only measured"


@dataclass(frozen=True)
class _Run:
    """What a command took."""

    seconds: float
    highest: int
    """Bytes resident."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--responses", type=int, default=1_000_000)
    responses = parser.parse_args().responses
    os.environ["XINSHENG_SECRET_KEYS"] = _KEYS
    with tempfile.TemporaryDirectory() as folder:
        file, other = Path(folder) / "bench.backup", Path(folder) / "other"
        with prepared(invitations=1, stored=responses) as database:
            data_dir = database.environment["XINSHENG_DATA_DIR"]
            backup = _run("backup", str(file), "--data-dir", data_dir)
        size = file.stat().st_size
        verify = _run("restore", str(file), "--verify", "--data-dir", str(other))
        with EmbeddedPostgres(other):
            restore = _run("restore", str(file), "--data-dir", str(other))
    print(f"{machine()}; {responses:,} responses, a file of {size / 1e6:,.0f} MB")
    print(f"{'':<12}{'seconds':>10}{'responses/s':>14}{'MB/s':>8}{'MiB':>8}")
    for name, run in (("backup", backup), ("check", verify), ("restore", restore)):
        rates = f"{responses / run.seconds:>14,.0f}{size / 1e6 / run.seconds:>8.1f}"
        print(f"{name:<12}{run.seconds:>10.1f}{rates}{run.highest / _MIB:>8.0f}")


def _run(*arguments: str) -> _Run:
    begun = time.monotonic()
    command = [str(Path(sys.executable).with_name("xinsheng")), *arguments, "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return _Run(time.monotonic() - begun, usage.ru_maxrss * 1024)


if __name__ == "__main__":
    main()
