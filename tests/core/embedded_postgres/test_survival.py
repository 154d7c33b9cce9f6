"""The embedded PostgreSQL: claims, kills and recoveries."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.core.embedded_postgres import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    client_url,
)
from app.core.embedded_postgres import processes as server_processes
from app.core.embedded_postgres import server as module
from tests.core.embedded_postgres.servers import (
    CREATE_KEPT,
    FORKING_CLAIMANT,
    ROOT,
    kill,
    opened_files,
    postmaster,
    processes,
    psql,
    query,
    ready,
    running,
    until,
)

pytestmark = pytest.mark.process


def test_starting_is_quick(first_start: tuple[Path, float], data_dir: Path) -> None:
    began = time.monotonic()
    with EmbeddedPostgres(data_dir):
        assert time.monotonic() - began < 60  # measured: 0.1 s
    assert first_start[1] < 90  # measured: 0.8 s


def test_stopping_leaves_nothing_running(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    server.start()
    number = postmaster(data_dir)
    server.stop()
    server.stop()
    assert processes(data_dir) == []
    assert not Path(f"/proc/{number}").exists(), "not even a zombie"
    assert os.listdir(data_dir / "postgres" / "socket") == []


def test_the_last_claim_keeps_the_server(
    data_dir: Path, claim: Callable[[Path], subprocess.Popen[str]]
) -> None:
    other = claim(data_dir)
    ready(other)
    number = postmaster(data_dir)
    with EmbeddedPostgres(data_dir) as server:
        assert postmaster(data_dir) == number
        other.communicate()
        assert other.returncode == 0
        assert query(server.url(), "select 1") == "1"
    assert processes(data_dir) == []


def test_two_first_starts_at_once_make_one_server(
    fresh: Path, claim: Callable[[Path], subprocess.Popen[str]]
) -> None:
    both = claim(fresh), claim(fresh)
    for claimant in both:
        ready(claimant)
    log = (fresh / "postgres" / "postgresql.log").read_text()
    assert log.count("ready to accept connections") == 1
    for claimant in both:
        claimant.communicate()
    assert processes(fresh) == []


def test_a_start_waits_for_a_slower_one(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEFTOVER_GRACE_SECONDS", 0.01)
    monkeypatch.setattr(module, "_LEFTOVER_SECONDS", 0.02)
    servers = [EmbeddedPostgres(fresh) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        for call in [pool.submit(server.start) for server in servers]:
            call.result()
        for call in [pool.submit(server.stop) for server in servers]:
            call.result()
    assert processes(fresh) == []


def test_the_server_outlives_its_starter_and_the_next_one_joins_it(
    data_dir: Path, claim: Callable[[Path], subprocess.Popen[str]]
) -> None:
    starter = claim(data_dir)
    ready(starter)
    number = postmaster(data_dir)
    assert number
    assert os.getsid(number) != os.getsid(starter.pid), "Ctrl-C there would reach the server"
    starter.kill()
    starter.wait()
    with EmbeddedPostgres(data_dir) as server:
        assert postmaster(data_dir) == number
        assert query(server.url(), "select 1") == "1"
    assert processes(data_dir) == []


def test_the_server_holds_no_claim(server: EmbeddedPostgres) -> None:
    for number in processes(server.data_dir):
        assert not any(target.endswith(".lock") for target in opened_files(number))


def test_a_forked_child_does_not_take_its_parents_claim_away(data_dir: Path) -> None:
    command = [sys.executable, "-c", FORKING_CLAIMANT, str(data_dir)]
    with running(command) as other:
        ready(other)
        lock = data_dir / "postgres" / "claims.lock"
        with lock.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert processes(data_dir)


def test_an_interrupted_start_leaves_no_server(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "answers", interrupt)
    with pytest.raises(KeyboardInterrupt):
        EmbeddedPostgres(data_dir).start()
    assert processes(data_dir) == []


# Survival


def test_what_was_committed_survives_a_kill_of_everything(
    data_dir: Path, claim: Callable[[Path], subprocess.Popen[str]]
) -> None:
    claimant = claim(data_dir)
    ready(claimant)
    query(client_url(data_dir), CREATE_KEPT)
    claimant.kill()
    kill(*processes(data_dir))
    with EmbeddedPostgres(data_dir) as server:
        assert query(server.url(), "select n from kept") == "42"


def test_starting_again_brings_a_killed_server_back(server: EmbeddedPostgres) -> None:
    query(server.url(), CREATE_KEPT)
    kill(postmaster(server.data_dir))
    server.start()
    assert query(server.url(), "select n from kept") == "42"


def test_a_backend_that_outlives_its_server_is_ended(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LEFTOVER_GRACE_SECONDS", 0.5)
    # A backend that computes does not notice the death of its server.
    endless = [*psql(server.url()), "-c", "do $$ begin loop end loop; end $$"]
    with running(endless):
        looping = "select pid from pg_stat_activity where query like 'do %' and state = 'active'"
        until(lambda: query(server.url(), looping))
        backend = int(query(server.url(), looping))
        kill(postmaster(server.data_dir))
        server.start()
        assert backend not in processes(server.data_dir)
        assert query(server.url(), "select 1") == "1"


def test_a_server_that_dies_while_it_is_joined_is_replaced(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = postmaster(server.data_dir)

    def answers(*arguments: str) -> bool:
        if postmaster(server.data_dir) == number:
            kill(number)
            return False
        return real(*arguments)

    real = server_processes.answers
    monkeypatch.setattr(module, "answers", answers)
    server.start()
    assert postmaster(server.data_dir) != number
    assert query(server.url(), "select 1") == "1"


def test_a_server_that_cannot_be_seen_is_waited_for_and_named(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LEFTOVER_GRACE_SECONDS", 0.1)
    monkeypatch.setattr(module, "_LEFTOVER_SECONDS", 0.3)
    # As a container on the same volume would: only the lock shows that its server lives.
    descriptor = os.open(data_dir / "postgres", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        with pytest.raises(EmbeddedPostgresError, match="perhaps in another container"):
            EmbeddedPostgres(data_dir).start()
    finally:
        os.close(descriptor)
    with EmbeddedPostgres(data_dir):
        pass


def test_a_stale_number_may_belong_to_another_process_by_now(
    data_dir: Path, claim: Callable[[Path], subprocess.Popen[str]]
) -> None:
    claimant = claim(data_dir)
    ready(claimant)
    account = (data_dir / "postgres" / "cluster-18").stat()
    claimant.kill()
    kill(*processes(data_dir))
    user = account.st_uid if ROOT else None
    with running(["sleep", "60"], user) as unrelated:
        files = ["cluster-18/postmaster.pid", "socket/.s.PGSQL.5432.lock"]
        for file in (data_dir / "postgres" / name for name in files):
            _, rest = file.read_text().split("\n", 1)
            file.write_text(f"{unrelated.pid}\n{rest}")
        with EmbeddedPostgres(data_dir) as server:
            assert query(server.url(), "select 1") == "1"
        assert unrelated.poll() is None, "it was none of our business"


def test_a_first_start_killed_halfway_leaves_no_half_made_cluster(
    fresh: Path, claim: Callable[[Path], subprocess.Popen[str]]
) -> None:
    killed = claim(fresh)
    until(lambda: list(fresh.glob("postgres/cluster-18.new-*/base")))
    killed.kill()
    assert not (fresh / "postgres" / "cluster-18").exists()
    with EmbeddedPostgres(fresh) as server:
        assert query(server.url(), "select 1") == "1"
    assert [path.name for path in fresh.glob("postgres/cluster-*")] == ["cluster-18"]


def test_after_a_crash_of_one_backend_the_server_takes_connections_again(
    server: EmbeddedPostgres,
) -> None:
    number = postmaster(server.data_dir)
    sleep = [*psql(server.url()), "-c", "select pg_sleep(60)"]
    with running(sleep) as client:
        sleeping = "select pid from pg_stat_activity where query = 'select pg_sleep(60)'"
        until(lambda: query(server.url(), sleeping))
        kill(int(query(server.url(), sleeping)))
        client.wait(20)
    server.start()
    assert query(server.url(), "select 1") == "1"
    assert postmaster(server.data_dir) == number


def test_a_deleted_socket_is_made_again(server: EmbeddedPostgres) -> None:
    (server.data_dir / "postgres" / "socket" / ".s.PGSQL.5432").unlink()
    server.start()
    assert query(server.url(), "select 1") == "1"


def test_a_server_that_is_shutting_down_is_replaced(server: EmbeddedPostgres) -> None:
    number = postmaster(server.data_dir)
    assert number
    pid_file = server.data_dir / "postgres" / "cluster-18" / "postmaster.pid"
    clients = "select count(*) from pg_stat_activity where backend_type = 'client backend'"
    with running(psql(server.url())):
        until(lambda: query(server.url(), clients) == "2")
        os.kill(number, signal.SIGTERM)  # the kind of shutdown that waits for clients
        until(lambda: "stopping" in pid_file.read_text())
        server.start()
        assert postmaster(server.data_dir) != number
        assert query(server.url(), "select 1") == "1"


def test_a_long_log_is_put_aside(data_dir: Path) -> None:
    log = data_dir / "postgres" / "postgresql.log"
    os.truncate(log, 17 * 1024 * 1024)
    with EmbeddedPostgres(data_dir):
        assert log.stat().st_size < 10_000
        assert log.with_name("postgresql.log.1").stat().st_size == 17 * 1024 * 1024
