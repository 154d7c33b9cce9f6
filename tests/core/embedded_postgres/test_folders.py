"""The embedded PostgreSQL: what lies where, who can reach it, and how it is addressed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from app.core.embedded_postgres import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    addresses,
    client_url,
)
from tests.core.embedded_postgres.servers import (
    ROOT,
    mode,
    opened_files,
    processes,
    psql,
    query,
    renamed,
)

pytestmark = pytest.mark.process


def test_everything_lies_in_the_data_directory(server: EmbeddedPostgres) -> None:
    folder = server.data_dir / "postgres"
    names = {path.name for path in folder.iterdir()}
    log = "postgresql.log"
    assert names == {"cluster-18", "socket", log, "claims.lock", "changes.lock"}
    query(server.url(), "select 1")
    numbers = processes(server.data_dir)
    assert len(numbers) > 3
    for number in numbers:
        for target in opened_files(number):
            inside = target.startswith((str(folder), "/dev/null", "/dev/shm/PostgreSQL."))
            assert inside or not target.startswith("/"), target


def test_a_new_data_directory_is_its_owners_alone(first_start: tuple[Path, float]) -> None:
    assert mode(first_start[0]) == 0o700
    # Root's folder lets the server's account through, and nobody else.
    assert mode(first_start[0] / "postgres") == (0o710 if ROOT else 0o700)
    assert mode(first_start[0] / "postgres" / "cluster-18") == 0o700
    assert mode(first_start[0] / "postgres" / "socket") == 0o700


def test_existing_folders_keep_their_mode_and_owner(data_dir: Path) -> None:
    data_dir.chmod(0o751)
    above = [data_dir, *data_dir.parents]
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above]
    with EmbeddedPostgres(data_dir):
        pass
    after = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above]
    assert after == before


def test_only_the_socket_leads_in(server: EmbeddedPostgres) -> None:
    assert query(server.url(), "show listen_addresses") == ""
    assert mode(server.data_dir / "postgres" / "socket" / ".s.PGSQL.5432") == 0o700
    query(server.url(role="postgres"), "alter system set listen_addresses = '127.0.0.1'")
    server.stop()
    server.start()
    assert query(server.url(), "show listen_addresses") == ""
    query(server.url(role="postgres"), "alter system reset listen_addresses")


def test_settings(server: EmbeddedPostgres) -> None:
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "max_connections": "200",
        "max_wal_size": "4096",
        "checkpoint_timeout": "900",
        "pg_prewarm.autoprewarm": "on",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
    }
    rows = query(server.url(), "select name, setting from pg_settings").splitlines()
    found = dict(row.split("|", 1) for row in rows)
    # In pages of 8 KB: an eighth of the memory, within bounds.
    assert 256 << 7 <= int(found["shared_buffers"]) <= 2048 << 7
    assert {name: found[name] for name in expected} == expected
    locale = "select datlocprovider, datlocale from pg_database where datname = 'xinsheng'"
    assert query(server.url(), locale) == "b|C.UTF-8"
    assert query(server.url(), "select upper('é'), length('心声')") == "É|2"


def test_the_role_owns_its_database_and_is_no_superuser(server: EmbeddedPostgres) -> None:
    who = "select current_user, current_database(), rolsuper, rolcreatedb, pg_get_userbyid(datdba)"
    tables = "from pg_roles, pg_database where rolname = current_user"
    found = query(server.url(), f"{who} {tables} and datname = current_database()")
    assert found == "xinsheng|xinsheng|f|t|xinsheng"


def test_the_log_does_not_quote_rows(server: EmbeddedPostgres) -> None:
    create = "drop table if exists phones; create table phones (number text unique)"
    query(server.url(), create)
    insert = [*psql(server.url()), "-v", "n=13800138000", "-f", "-"]
    for _ in range(2):
        script = "insert into phones values ($1) \\bind :n \\g\n"
        subprocess.run(insert, input=script, text=True, capture_output=True, check=False)
    log = (server.data_dir / "postgres" / "postgresql.log").read_text()
    assert "duplicate key" in log
    assert "13800138000" not in log


# Addresses


@pytest.mark.parametrize(
    "name", ["教育 局 100% #1?&x=y", "a,b:c", "long" * 30], ids=["odd", "list", "long"]
)
async def test_the_url_works_from_any_folder(data_dir: Path, name: str) -> None:
    asyncpg = pytest.importorskip("asyncpg")
    with renamed(data_dir, name) as moved, EmbeddedPostgres(moved) as server:
        assert query(server.url(), "select current_user") == "xinsheng"
        assert query(client_url(moved, "postgres"), "select current_database()") == "postgres"
        connection = await asyncpg.connect(server.url())
        assert await connection.fetchval("select 1") == 1
        await connection.close()


def test_a_short_plain_path_stands_in_the_url_itself() -> None:
    expected = "postgresql://xinsheng@/xinsheng?host=%2Fsrv%2Fa%20b%2Fpostgres%2Fsocket&port=5432"
    assert client_url(Path("/srv/a b")) == expected


def test_a_long_path_needs_a_server_that_was_started_once(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="Start the embedded PostgreSQL there"):
        client_url(tmp_path / ("long" * 30))


def test_a_url_follows_a_data_directory_that_was_replaced(tmp_path: Path) -> None:
    socket = tmp_path / ("long" * 30) / "postgres" / "socket"
    for content in ("old", "new"):
        shutil.rmtree(socket, ignore_errors=True)
        socket.mkdir(parents=True)
        (socket / content).touch()
        assert os.listdir(addresses.socket_folder(socket)) == [content]
