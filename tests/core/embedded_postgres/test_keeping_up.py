"""A server that dies while others serve from it is brought back."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from app.core.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError, keeping_up, kept_up
from tests.core.embedded_postgres.servers import CREATE_KEPT, postmaster, processes, query, until

pytestmark = pytest.mark.process


def back_in_place_of(former: int | None, server: EmbeddedPostgres) -> None:
    """Wait until another server takes connections."""
    until(lambda: postmaster(server.data_dir) not in (former, None) and server.is_running())
    with EmbeddedPostgres(server.data_dir):
        assert query(server.url(), "select n from kept") == "42"


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT], ids=str
)
def test_a_server_that_ends_is_started_again(
    server: EmbeddedPostgres, number: signal.Signals
) -> None:
    query(server.url(), CREATE_KEPT)
    with kept_up(server):
        for _ in range(2):
            former = postmaster(server.data_dir)
            assert former
            os.kill(former, number)
            back_in_place_of(former, server)


def test_it_ends_with_the_context_and_leaves_the_server_to_its_owner(data_dir: Path) -> None:
    before = threading.active_count()
    with EmbeddedPostgres(data_dir) as server:
        with kept_up(server):
            assert threading.active_count() == before + 1
        assert threading.active_count() == before
        former = postmaster(data_dir)
        assert former
        os.kill(former, signal.SIGINT)
        until(lambda: not server.is_running())
        time.sleep(2 * keeping_up._INTERVAL)
        assert not server.is_running()
    assert processes(data_dir) == []


def test_what_cannot_be_started_is_tried_again(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeping_up, "_AFTER_FAILURE", 0.1)
    query(server.url(), CREATE_KEPT)
    [cluster] = (server.data_dir / "postgres").glob("cluster-*")
    settings = cluster / "postgresql.auto.conf"
    usual = settings.read_text()
    with kept_up(server):
        with settings.open("a") as file:
            file.write("no_such_setting = 1\n")
        former = postmaster(server.data_dir)
        assert former
        os.kill(former, signal.SIGKILL)
        until(lambda: "PostgreSQL is not back yet" in caplog.text)
        assert "no_such_setting" in caplog.text
        settings.write_text(usual)
        back_in_place_of(former, server)


def test_whether_it_runs_is_known_without_asking_it(server: EmbeddedPostgres) -> None:
    assert server.is_running()
    assert not EmbeddedPostgres(server.data_dir).is_running(), "it claims nothing"
    server.stop()
    assert not server.is_running()


def test_a_single_user_server_is_reported(server: EmbeddedPostgres) -> None:
    [cluster] = (server.data_dir / "postgres").glob("cluster-*")
    status = cluster / "postmaster.pid"
    lines = status.read_text()
    status.write_text(f"-{lines}")
    try:
        with pytest.raises(EmbeddedPostgresError, match="single-user"):
            server.is_running()
    finally:
        status.write_text(lines)
