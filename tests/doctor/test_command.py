"""`xinsheng doctor` as an operator meets it: beside a server, without one, with nothing."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest

from app.doctor import examining
from app.doctor.findings import Check, as_json
from tests.processes import XINSHENG, free_port, server

DOCUMENT = Path(__file__).parents[2] / "docs" / "operating" / "doctor.md"
SOUND = (
    "settings",
    "files",
    "keys",
    "reachable",
    "proxy",
    "database",
    "durability",
    "encoding",
    "connections",
    "upkeep",
    "migrations",
    "folding",
    "jobs",
    "open-files",
)
"""Checks that a server of any machine passes."""
SECRET = "a-password-that-nobody-shall-read"


def doctor(
    data_dir: Path, *options: str, **environment: str
) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Exit status, and findings by check."""
    done = subprocess.run(
        [str(XINSHENG), "doctor", "--json", "--data-dir", str(data_dir), *options],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.stderr == ""
    assert SECRET not in done.stdout
    return done.returncode, by_check(json.loads(done.stdout))


def by_check(findings: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The findings of each check."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in findings:
        assert bool(one["advice"]) == (one["state"] != "ok"), one
        assert one["docs"] == f"docs/operating/doctor.md#{one['check']}"
        found.setdefault(one["check"], []).append(one)
    return found


def states(findings: dict[str, list[dict[str, Any]]], *checks: str) -> list[str]:
    """The worst state of each of these checks."""
    rank = ["ok", "warning", "failure"]
    return [max((one["state"] for one in findings[check]), key=rank.index) for check in checks]


@pytest.mark.process
def test_it_looks_at_a_deployment_with_its_server_and_without(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with server(data_dir, "--workers", "2") as running:
        status, findings = doctor(data_dir)
        assert status == 1  # there is no backup
        assert states(findings, *SOUND) == ["ok"] * len(SOUND), findings
        assert states(findings, "backups", "public-url") == ["failure", "warning"]
        assert running.base in findings["server"][0]["found"]
        assert "2 workers" in findings["server"][0]["found"]
        (data_dir / "backups").mkdir(mode=0o700)
        (data_dir / "backups" / "xinsheng-1.backup").write_bytes(b"")
        data_dir.chmod(0o755)
        assert running.stop() == 0
    done = subprocess.run(
        [str(XINSHENG), "doctor", "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert list((data_dir / "postgres" / "socket").iterdir()) == []
    for line in ("WARNING  server", "WARNING  files", "ok       database"):
        assert line in done.stdout
    assert f"chmod 700 {data_dir}" in " ".join(done.stdout.split())
    assert "failures: 0, " in done.stdout


async def looked_at(
    monkeypatch: pytest.MonkeyPatch, data_dir: Path, **environment: str
) -> dict[str, list[dict[str, Any]]]:
    """Findings by check, with these settings and no others."""
    for name in [one for one in os.environ if one.startswith("XINSHENG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XINSHENG_DATA_DIR", str(data_dir))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return by_check(json.loads(as_json(await examining.examine())))


async def test_it_makes_nothing_where_nothing_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = tmp_path / "none"
    findings = await looked_at(monkeypatch, none)
    assert states(findings, "settings") == ["failure"]
    assert list(findings) == ["settings"]
    assert not none.exists()
    findings = await looked_at(monkeypatch, none, XINSHENG_SECRET_KEYS=os.urandom(32).hex())
    assert states(findings, "settings", "server", "database") == ["ok", "warning", "warning"]
    assert not none.exists()


async def test_a_wrong_setting_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = await looked_at(
        monkeypatch,
        tmp_path,
        XINSHENG_PUBLIC_URL="survey.example.org",
        XINSHENG_SECRET_KEYS=os.urandom(32).hex(),
    )
    assert list(findings) == ["settings"]
    assert "XINSHENG_PUBLIC_URL" in findings["settings"][0]["found"]


def test_a_database_that_cannot_be_reached_is_a_finding(tmp_path: Path) -> None:
    status, findings = doctor(
        tmp_path,
        XINSHENG_DATABASE_URL=f"postgresql://x:{SECRET}@127.0.0.1:{free_port()}/x",
        XINSHENG_SECRET_KEYS=os.urandom(32).hex(),
    )
    assert status == 1
    [found] = findings["database"]
    assert found["state"] == "failure"
    assert "cannot be asked" in found["found"]
    assert "disk" in findings


async def test_an_embedded_database_that_does_not_start_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "postgres" / "cluster-18").mkdir(parents=True)
    findings = await looked_at(monkeypatch, tmp_path, XINSHENG_SECRET_KEYS=os.urandom(32).hex())
    assert states(findings, "database") == ["failure"]
    assert "PG_VERSION" in findings["database"][0]["found"]


def test_every_check_is_explained() -> None:
    headings = re.findall(r"^## (.+)$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert headings == list(get_args(Check))
