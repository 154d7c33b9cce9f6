"""A server with an open campaign, a contractor's credentials, and files to push."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.push import command
from tests.factories import campaign_body
from tests.processes import Server, server
from tests.push.files import client_of, token_of

UNITS = (
    "code,name,kind,parent,stage,period,students,parents,teachers\n"
    "W,潍坊市,city,,,,,,\nA,甲县,county,W,,,,,\n"
    "A1,第一小学,school,A,primary,2026-autumn,100,200,10\n"
    "A2,第二小学,school,A,primary,2026-autumn,100,200,10\n"
)


@dataclass
class Bureau:
    """A running server as its bureau sees it."""

    running: Server
    token: str
    contractor: dict[str, str] = field(default_factory=dict)
    """The contractor's credentials, as environment variables."""

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of a request that must succeed."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        url = f"{self.running.base}{path}"
        reply = httpx.request(method, url, headers=headers, timeout=60, **options)
        assert reply.is_success, reply.text
        return reply.json()

    def of_contractor(self) -> "Bureau":
        """The same, asking as the contractor."""
        own = self.contractor
        return Bureau(
            self.running,
            token_of(self.running, own["XINSHENG_CLIENT_ID"], own["XINSHENG_CLIENT_SECRET"]),
        )

    def deliveries(self, campaign: str = "C") -> list[dict[str, Any]]:
        """What was delivered, in order."""
        found = self.ask("GET", f"/v1/campaigns/{campaign}/reconciliation?by=batch")
        rows: list[dict[str, Any]] = found["rows"]
        return rows


def bureau_of(running: Server) -> Bureau:
    """The bureau of a server, with units W > A > A1, A2 and open campaigns C and D."""
    _, token = client_of(running, "admin")
    bureau = Bureau(running, token)
    kind = {"Content-Type": "text/csv"}
    bureau.ask("POST", "/v1/units/import", content=UNITS.encode(), headers=kind)
    for code in ("C", "D"):
        bureau.ask("PUT", f"/v1/campaigns/{code}", json=campaign_body())
        bureau.ask("POST", f"/v1/campaigns/{code}/open")
    scopes = "interviews:write tallies:write"
    made = bureau.ask(
        "POST", "/v1/clients", json={"name": "c", "scopes": scopes.split(), "unit": "W"}
    )
    bureau.contractor = {
        "XINSHENG_CLIENT_ID": made["client_id"],
        "XINSHENG_CLIENT_SECRET": made["client_secret"],
        "XINSHENG_SERVER": running.base,
    }
    return bureau


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    """The bureau of a server of this file's own."""
    with server(tmp_path_factory.mktemp("push") / "data") as running:
        yield bureau_of(running)


Push = Callable[..., tuple[int, str]]


@pytest.fixture
def push(
    bureau: Bureau,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> Push:
    """`xinsheng push` with these arguments: its exit status and what it said."""
    for name, value in bureau.contractor.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def run(*arguments: str | os.PathLike[str]) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            command.main([str(one) for one in arguments])
        said = capfd.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return code, said.out + said.err

    return run


def as_ndjson(items: list[dict[str, Any]]) -> bytes:
    """Items as lines of JSON."""
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in items)
