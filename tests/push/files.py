"""Files of a contractor's, and clients of a running server."""

import json
import os
import subprocess
from typing import Any

import httpx

from tests.processes import XINSHENG, Server
from tests.telephone.deliveries import in_vain, interview


def client_of(running: Server, scope: str, *options: str) -> tuple[dict[str, str], str]:
    """The credentials of a new client of a running server, and a token for them."""
    done = subprocess.run(
        [str(XINSHENG), "clients", "create", "push", "--scope", scope, "--json", *options],
        env={**os.environ, "XINSHENG_DATA_DIR": str(running.data_dir)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found, token_of(running, found["client_id"], found["client_secret"])


def token_of(running: Server, client_id: str, secret: str) -> str:
    """A token for a client's credentials."""
    reply = httpx.post(
        f"{running.base}/oauth/token",
        auth=(client_id, secret),
        data={"grant_type": "client_credentials"},
        timeout=60,
    )
    assert reply.status_code == 200, reply.text
    return str(reply.json()["access_token"])


def wave(count: int, prefix: str = "V") -> list[dict[str, Any]]:
    """So many interviews, every fourth of them in vain."""
    return [
        in_vain(f"{prefix}-{number}", unit=f"A{number % 2 + 1}")
        if number % 4 == 3
        else interview(f"{prefix}-{number}", unit=f"A{number % 2 + 1}")
        for number in range(count)
    ]
