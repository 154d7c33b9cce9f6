"""Rotating secret keys: beside a running server, with nobody refused in between."""

import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from app.core import secret_keys
from app.core.keyring import Keyring
from app.retention import lists
from tests.processes import XINSHENG, Server, server

DESTROYED = lists.Entry("C", datetime(2026, 9, 1, tzinfo=UTC), "command", datetime.now(UTC))


def xinsheng(data_dir: Path, *arguments: str, status: int = 0) -> str:
    """What a command says; its exit status must be this."""
    command = [str(XINSHENG), *arguments, "--data-dir", str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def token(running: Server, client_id: str, secret: str) -> str:
    """A fresh access token."""
    form = {"grant_type": "client_credentials"}
    reply = httpx.post(f"{running.base}/oauth/token", data=form, auth=(client_id, secret))
    assert reply.status_code == 200, reply.text
    return str(reply.json()["access_token"])


class Busy:
    """Asks for tokens and uses them at once, without a pause, until it is stopped."""

    def __init__(self, running: Server, client_id: str, secret: str) -> None:
        self._asked = (running, client_id, secret)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.statuses: list[int] = []

    def __enter__(self) -> "Busy":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        running = self._asked[0]
        while not self._stop.is_set():
            headers = {"Authorization": f"Bearer {token(*self._asked)}"}
            # Connections of their own, so that both workers are asked.
            for _ in range(3):
                reply = httpx.get(f"{running.base}/v1/units", headers=headers)
                self.statuses.append(reply.status_code)


@pytest.mark.process
def test_keys_rotate_and_retire_beside_a_running_server(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with server(data_dir, "--workers", "2") as running:
        printed = xinsheng(data_dir, "clients", "create", "x", "--scope", "admin")
        client_id, secret = (line.split()[1] for line in printed.splitlines()[:2])
        former = token(running, client_id, secret)
        lists.add(_keyring(data_dir), data_dir, [DESTROYED])
        with Busy(running, client_id, secret) as busy:
            said = xinsheng(data_dir, "keys", "rotate")
        assert "signs from now on" in said
        assert len(busy.statuses) > 20
        assert set(busy.statuses) == {200}
        old, new = _ids(data_dir)
        headers = {"Authorization": f"Bearer {former}"}
        assert httpx.get(f"{running.base}/v1/units", headers=headers).status_code == 200
        assert "signs" in xinsheng(data_dir, "keys", "list").splitlines()[0]
        assert "key that signs" in xinsheng(data_dir, "keys", "retire", new, status=1)
        assert "no key 00" in xinsheng(data_dir, "keys", "retire", "00", status=1)
        xinsheng(data_dir, "keys", "retire", old)
        assert _ids(data_dir) == [new]
        assert "entries are whole" in xinsheng(data_dir, "audit", "verify")
        assert lists.listed(_keyring(data_dir), data_dir) == {DESTROYED}


def _ids(data_dir: Path) -> list[str]:
    """Ids of the keys, the oldest first."""
    return [one.hex() for one in reversed(_keyring(data_dir).ids)]


def _keyring(data_dir: Path) -> Keyring:
    return Keyring(secret_keys.read(data_dir / "secret-keys"))


def test_a_file_of_keys_is_replaced_as_a_whole_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    secret_keys.make(path)
    [first] = secret_keys.read(path)
    secret_keys.make(path)
    assert secret_keys.read(path) == (first,)
    second = secret_keys.new()
    secret_keys.write(path, [second, first])
    assert secret_keys.read(path) == (second, first)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["keys"]


def test_a_keyring_holds_other_keys_once_it_is_renewed() -> None:
    one, two = b"1" * 32, b"2" * 32
    keyring = Keyring((one,))
    sealed = keyring.wrap(b"plain", context=b"c")
    assert Keyring.wrapped_by(sealed) == keyring.ids[0]
    keyring.renew((two, one))
    assert keyring.unwrap(sealed, context=b"c") == b"plain"
    assert keyring.current("access-token").id == Keyring((two,)).ids[0]
