"""The machine: room on disks, who may read the files, the secret keys, the clock, open files."""

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.doctor import machine
from app.doctor.running import check_open_files, check_server, running
from app.serving import only_here


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a deployment whose database is not looked at here."""
    return Settings(
        data_dir=tmp_path / "data",
        keys_file=tmp_path / "data" / "secret-keys",
        database_url=None,
        secret_keys=(os.urandom(32),),
        public_url="http://127.0.0.1:8000",
    )


def test_a_disk_is_judged_by_the_room_it_has(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    folder = tmp_path / "not" / "made" / "yet"
    assert machine.check_disk(folder, scarce=0, least=0).state == "ok"
    scarce = machine.check_disk(folder, scarce=4 * free, least=0)
    assert scarce.state == "warning"
    assert "GiB are free" in scarce.found
    full = machine.check_disk(folder, scarce=4 * free, least=2 * free)
    assert full.state == "failure"
    assert "Never delete" in full.advice


def test_a_backup_disk_is_looked_at_too(settings: Settings, tmp_path: Path) -> None:
    assert len(list(machine.check_disks(settings))) == 1
    elsewhere = dataclasses.replace(settings, backup_dir=tmp_path)
    assert [str(tmp_path) in one.found for one in machine.check_disks(elsewhere)] == [True, True]


@pytest.mark.parametrize(
    ("folder", "file", "states"),
    [
        (0o700, 0o600, ["ok", "ok"]),
        (0o755, 0o600, ["warning", "ok"]),
        (0o700, 0o640, ["ok", "failure"]),
        (0o700, 0o604, ["ok", "failure"]),
    ],
)
def test_what_others_may_read_is_found(
    settings: Settings, folder: int, file: int, states: list[str]
) -> None:
    assert settings.keys_file is not None
    settings.data_dir.mkdir()
    settings.keys_file.write_text("k")
    settings.keys_file.chmod(file)
    settings.data_dir.chmod(folder)
    findings = list(machine.check_files(settings))
    assert [one.state for one in findings] == states
    for one in findings:
        assert ("chmod" in one.advice) == (one.state != "ok")


def test_files_that_are_not_there_are_no_fault(settings: Settings) -> None:
    assert list(machine.check_files(settings)) == []


def test_keys_that_a_person_made_up_are_found_and_not_shown(settings: Settings) -> None:
    assert machine.check_keys(settings).state == "ok"
    typed = b"abcabc" * 8
    found = machine.check_keys(dataclasses.replace(settings, secret_keys=(typed,)))
    assert found.state == "failure"
    assert "abc" not in found.found + found.advice
    twice = dataclasses.replace(settings, secret_keys=settings.secret_keys * 2)
    assert machine.check_keys(twice).state == "warning"


def test_the_clock_is_synchronised_or_not_or_nobody_knows() -> None:
    assert machine.clock_is_synchronised() in (True, False, None)
    states = {one: machine.check_clock(one) for one in (True, False, None)}
    assert [one.state for one in states.values()] == ["ok", "warning", "ok"]
    assert "not known" in states[None].found


@contextmanager
def holding(settings: Settings, *, files: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that holds the data directory as a server does, and may open so many files."""
    program = (
        "import dataclasses, resource, sys, time; from pathlib import Path\n"
        "from app.core.settings import Settings; from app.serving import only_here\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))\n"
        f"settings = Settings(data_dir=Path({str(settings.data_dir)!r}), database_url=None,\n"
        f"    secret_keys=(b'k' * 32,), public_url={settings.public_url!r})\n"
        "with only_here(settings): print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            yield process
        finally:
            process.kill()


def test_a_running_server_is_found_with_its_open_files(settings: Settings) -> None:
    settings.data_dir.mkdir()
    assert running(settings.data_dir) is None
    assert [one.state for one in check_server(None, settings)] == ["warning"]
    with holding(settings, files=900) as process:
        server = running(settings.data_dir)
        assert server is not None
        assert (server.process, server.public_url) == (process.pid, settings.public_url)
        assert (server.files, server.workers, server.user) == (900, 1, os.geteuid())
        few = check_open_files(server)
        assert few.state == "failure"
        assert "LimitNOFILE" in few.advice
        assert check_open_files(dataclasses.replace(server, files=4096)).state == "warning"
        assert check_open_files(dataclasses.replace(server, files=65536)).state == "ok"
    deadline = time.monotonic() + 20
    while running(settings.data_dir) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running(settings.data_dir) is None


def test_a_server_with_other_settings_is_said(settings: Settings) -> None:
    with only_here(dataclasses.replace(settings, public_url="https://survey.example.org")):
        server = running(settings.data_dir)
    assert server is not None
    assert server.process == os.getpid()
    [found] = check_server(server, settings)
    assert found.state == "warning"
    assert "https://survey.example.org" in found.found
    assert "environment" in found.advice
