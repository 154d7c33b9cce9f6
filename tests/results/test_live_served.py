"""The live stream of a server as it is served: it ends in order when the server does."""

import json
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.factories import campaign_body
from tests.processes import XINSHENG, server


@pytest.mark.process
def test_a_server_that_is_told_to_end_ends_its_streams(tmp_path: Path) -> None:
    with server(tmp_path / "data") as running:
        create = ["clients", "create", "x", "--scope", "admin", "--json", "--data-dir"]
        made = subprocess.check_output([XINSHENG, *create, running.data_dir], timeout=60)
        client = json.loads(made)
        with httpx.Client(base_url=running.base, timeout=30) as http:
            reply = http.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(client["client_id"], client["client_secret"]),
            )
            http.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"
            http.put("/v1/units/W", json={"name": "潍坊市", "kind": "city"}).raise_for_status()
            http.put("/v1/campaigns/C", json=campaign_body()).raise_for_status()
            http.post("/v1/campaigns/C/open").raise_for_status()
            with http.stream("GET", "/v1/campaigns/C/stream") as stream:
                lines = stream.iter_lines()
                assert any(line == "event: results" for line in lines)
                running.process.send_signal(signal.SIGTERM)
                assert any(line == "event: end" for line in lines)
                assert running.process.wait(40) == 0
