"""The stand-in by itself, as people without an account run it."""

import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from app.demonstration import Credential, Shown
from app.serving import welcome
from tests.factories import Api
from tests.identity.wechat.stand_in.server import APP_ID, PEOPLE, StandIn
from tests.identity.wechat.stand_in.tricks import TRICKS
from tests.processes import free_port

ROOT = Path(__file__).parents[3]
QUERY = {
    "appid": APP_ID,
    "redirect_uri": "http://127.0.0.1:8000/wechat/callback",
    "response_type": "code",
    "scope": "snsapi_base",
    "state": "abc",
}


async def test_a_newcomer_chooses_who_to_be_and_what_fails(stand_in: StandIn) -> None:
    async with httpx.AsyncClient(base_url=stand_in.url) as client:
        page = await client.get("/connect/oauth2/authorize", params=QUERY)
        for name in (*PEOPLE, *TRICKS):
            assert f"as={name}" in page.text
        chosen = await client.get("/connect/oauth2/authorize", params={**QUERY, "as": "li"})
        assert "/wechat/callback?code=" in chosen.headers["Location"]
        assert chosen.headers["Location"].endswith("state=abc")


@pytest.mark.parametrize(
    ("name", "value"),
    [("appid", "wx1"), ("scope", "snsapi_userinfo"), ("state", "a" * 129), ("state", "a-b")],
)
async def test_it_refuses_what_wechat_would(stand_in: StandIn, name: str, value: str) -> None:
    async with httpx.AsyncClient(base_url=stand_in.url) as client:
        asked = {**QUERY, name: value, "as": "li"}
        reply = await client.get("/connect/oauth2/authorize", params=asked)
    assert reply.status_code == 400
    assert name in reply.text


async def test_the_demonstration_says_what_to_open(api: Api) -> None:
    client = Credential("bureau", "id", "secret", "admin")
    page = "http://x/results/C#id:secret"
    shown = Shown((client,), "http://x/s/abc", "http://x/i/def", "http://x/v1/results", page)
    said = welcome(api.app.state.settings, shown)
    assert "http://x/s/abc?wechat=yes" in said
    assert page in said.split()


@pytest.mark.process
def test_it_ends_with_the_server_that_it_was_started_for() -> None:
    port = free_port()
    module = "tests.identity.wechat.stand_in"
    command = f'"{sys.executable}" -m {module} --port {port} --ends-with $$ & exec sleep 60'
    with subprocess.Popen(["bash", "-c", command], cwd=ROOT) as server:
        url = f"http://127.0.0.1:{port}/connect/oauth2/authorize?{urlencode(QUERY)}"
        try:
            assert _status(url, wanted=200) == 200
        finally:
            server.kill()
    assert _status(url, wanted=None) is None


def _status(url: str, *, wanted: int | None) -> int | None:
    """What an address answers, waiting until it is what is wanted; None: nobody listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            found: int | None = httpx.get(url, timeout=5).status_code
        except httpx.TransportError:
            found = None
        if found == wanted or time.monotonic() > deadline:
            return found
        time.sleep(0.1)
