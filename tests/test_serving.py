"""The `xinsheng` command as an operator meets it: starts, refusals, ends."""

import json
import signal
import subprocess
import uuid
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.core.embedded_postgres import EmbeddedPostgres
from app.serving import NotServed, bound, serve
from tests.factories import INDICATORS
from tests.processes import XINSHENG, free_port, server

KEYS = "an operator's own key of 32 bytes or more"


def said(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit status and standard error of a command that must end by itself."""
    done = subprocess.run(
        [str(XINSHENG), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    return done.returncode, done.stderr


@pytest.mark.process
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_when_asked_to(
    tmp_path: Path, workers: str, number: signal.Signals
) -> None:
    with server(tmp_path / "data", "--workers", workers) as running:
        assert httpx.get(f"{running.base}/healthz").json() == {"status": "ok"}
        assert running.stop(number) == 0
        assert list((running.data_dir / "postgres" / "socket").iterdir()) == []


@pytest.mark.process
def test_a_second_server_on_the_same_data_says_so(tmp_path: Path) -> None:
    with server(tmp_path / "data") as running:
        port = str(free_port())
        status, error = said("serve", "--port", port, "--data-dir", str(running.data_dir))
        assert status == 1
        assert "running" in error
        assert running.base in error
        assert httpx.get(f"{running.base}/readyz").status_code == 200


@pytest.mark.process
def test_a_taken_port_is_said_clearly(tmp_path: Path) -> None:
    with server(tmp_path / "data") as running:
        port = running.base.rpartition(":")[2]
        status, error = said("serve", "--port", port, "--data-dir", str(tmp_path / "other"))
    assert status == 1
    assert f"Port {port}" in error


def test_a_port_that_is_taken_while_it_starts_is_said_too() -> None:
    port = free_port()
    with bound("127.0.0.1", port) as late, bound("127.0.0.1", port) as quick:
        quick.listen()
        with pytest.raises(NotServed, match=f"taken port {port}"):
            serve(late, workers=1)


@pytest.mark.process
def test_another_database_is_swapped_in_by_its_url(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with EmbeddedPostgres(tmp_path / "elsewhere") as database:
        own = {"XINSHENG_DATABASE_URL": database.url(), "XINSHENG_SECRET_KEYS": KEYS}
        with server(data_dir, "--demo", environment=own) as running:
            [url] = [one for one in running.said().split() if "/i/" in one]
            token = url.rpartition("/")[2]
            sent = {
                "submission_id": str(uuid.uuid4()),
                "answers": dict.fromkeys(INDICATORS, "satisfied"),
            }
            address = f"{running.base}/v1/invitations/{token}/responses"
            assert httpx.post(address, json=sent).status_code == 201
            assert httpx.post(address, json=sent).status_code == 200
            assert running.stop() == 0
        assert not (data_dir / "postgres").exists()
        assert not (data_dir / "secret-keys").exists()


@pytest.mark.process
def test_another_database_needs_keys_and_an_address(tmp_path: Path) -> None:
    cases = {
        "XINSHENG_SECRET_KEYS": {"XINSHENG_DATABASE_URL": "postgresql://u@127.0.0.1:1/x"},
        "XINSHENG_DATABASE_URL": {"XINSHENG_DATABASE_URL": "mysql://x"},
        "XINSHENG_PUBLIC_URL": {"XINSHENG_PUBLIC_URL": "survey.example.cn"},
    }
    for named, environment in cases.items():
        status, error = said("migrate", "--data-dir", str(tmp_path), environment=environment)
        assert status == 1
        assert named in error
        assert "Traceback" not in error


@pytest.mark.process
def test_a_database_that_is_away_is_named_without_a_traceback(tmp_path: Path) -> None:
    own = {
        "XINSHENG_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x",
        "XINSHENG_SECRET_KEYS": KEYS,
    }
    status, error = said("migrate", "--data-dir", str(tmp_path), environment=own)
    assert status == 1
    assert "Traceback" not in error
    assert "secret" not in error


@pytest.mark.process
async def test_a_database_of_a_newer_program_is_refused_untouched(tmp_path: Path) -> None:
    data_dir = str(tmp_path / "data")
    assert said("migrate", "--data-dir", data_dir)[0] == 0
    with EmbeddedPostgres(tmp_path / "data") as database:
        connection = await asyncpg.connect(database.url())
        await connection.execute("UPDATE alembic_version SET version_num = 'of the future'")
        await connection.close()
    status, error = said("serve", "--port", str(free_port()), "--data-dir", data_dir)
    assert status == 1
    assert "newer than this program" in error


@pytest.mark.process
def test_commands_work_beside_a_running_server_and_without_one(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    create = ["clients", "create", "x", "--scope", "results:read", "--json", "--data-dir"]

    def created() -> dict[str, str]:
        made: dict[str, str] = json.loads(
            subprocess.check_output([str(XINSHENG), *create, str(data_dir)], timeout=60)
        )
        return made

    alone = created()
    with server(data_dir) as running:
        beside = created()
        for made in (alone, beside):
            reply = httpx.post(
                f"{running.base}/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(made["client_id"], made["client_secret"]),
            )
            assert reply.json()["scope"] == "results:read"
        shown = subprocess.check_output(
            [str(XINSHENG), "demo", "--data-dir", str(data_dir)], text=True, timeout=60
        )
        assert f"serves at {running.base}" in shown
        [link] = [word for word in shown.split() if "/s/" in word]
        assert httpx.get(link).status_code == 200
    status, error = said(
        "clients", "create", "x", "--scope", "nonsense", "--data-dir", str(data_dir)
    )
    assert status == 1
    assert "The scopes are" in error


@pytest.mark.process
async def test_a_recount_finds_and_mends_what_differs(tmp_path: Path) -> None:
    data_dir = str(tmp_path / "data")
    with server(tmp_path / "data", "--demo"):
        assert said("recount", "--data-dir", data_dir)[0] == 0
    with EmbeddedPostgres(tmp_path / "data") as database:
        connection = await asyncpg.connect(database.url())
        await connection.execute("UPDATE running_counts SET sums[1] = sums[1] + 1")
        changed = await connection.fetchval("SELECT count(*) FROM running_counts")
        await connection.close()
        status, error = said("recount", "--check", "--data-dir", data_dir)
        assert status == 1
        assert f"{changed} counts differ from their rows" in error
        assert said("recount", "--repair", "--data-dir", data_dir)[0] == 0
        assert said("recount", "--check", "--data-dir", data_dir)[0] == 0
