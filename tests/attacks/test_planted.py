"""What belongs to persons, planted in requests that pass, fail and break: no log holds it after."""

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.attacks.shielded import head
from tests.chaos.ledger import authorised, connected
from tests.chaos.wire import Wire
from tests.factories import Api, campaign_body, invitations, link, open_campaign, tree
from tests.phone_page.conftest import hidden
from tests.processes import Server, server

pytestmark = pytest.mark.process

PHONE, TEXT, NAME = "13812345678", "planted-answer-text", "planted-interviewer"
BEARER, SECRET = "planted.bearer.token", "planted-client-secret"
ZH = {"zh-CN": "…"}
QUESTIONNAIRE = {"title": ZH, "questions": [{"code": "q", "type": "text", "label": ZH}]}
BROKEN = ("responses", "interviews", "client_secrets")
"""Tables without which requests fail in a way that nobody foresaw."""


@dataclass
class Planted:
    """A server that writes down all it can, and what must not be in it."""

    running: Server
    api: Api
    secrets: dict[str, str] = field(default_factory=dict)
    request_ids: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)

    async def ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        reply = await self.api.request(method, url, **options)
        self.request_ids.add(reply.headers["X-Request-Id"])
        self.statuses.add(reply.status_code)
        return reply

    def logs(self) -> dict[str, str]:
        """All that the server and its PostgreSQL have written."""
        files: list[Path] = [self.running.log, *self.running.data_dir.rglob("*.log*")]
        return {str(one): one.read_text("utf-8", errors="replace") for one in files}


@pytest.fixture
async def planted(tmp_path: Path) -> AsyncIterator[Planted]:
    environment = {"XINSHENG_LOG_LEVEL": "debug"}
    with server(tmp_path / "data", "--workers", "1", environment=environment) as running:
        async with authorised(running) as api:
            await tree(api)
            await api.made("PUT", "/v1/questionnaires/own", QUESTIONNAIRE)
            await api.made("POST", "/v1/questionnaires/own/publish")
            asked = {"parent": {"questionnaire": "own", "version": 1}}
            await open_campaign(api, populations=asked)
            yield Planted(running, api)


async def everything(planted: Planted) -> None:
    """Every kind of request that carries something of a person's, good and bad."""
    secrets, ask = planted.secrets, planted.ask
    token, other = secrets["invitation"], secrets["other invitation"]
    answers = {"submission_id": str(uuid.uuid4()), "answers": {"q": TEXT}}
    stored = await ask("POST", f"/v1/invitations/{token}/responses", json=answers)
    if stored.status_code == 201:
        secrets["receipt"] = stored.json()["receipt"]
    receipt = {"receipt": secrets["receipt"]}
    await ask("POST", f"/v1/invitations/{token}x/responses", json=answers)
    await ask("POST", f"/v1/invitations/{token}/responses", json={**answers, TEXT: PHONE})
    wrong = {**answers, "answers": {"q": [TEXT], TEXT: TEXT}}
    await ask("POST", f"/v1/invitations/{token}/responses", json=wrong)
    for path in (f"/i/{other}", f"/i/{other}/{PHONE}", f"/i/{other}?phone={PHONE}", f"/s/{PHONE}"):
        page = await ask("GET", path)
        form = {**hidden(page.text), "q.q": TEXT, PHONE: PHONE}
        await ask("POST", path, data=form)
        await ask("POST", path, data={**form, "submission_id": PHONE})
    for deed in ("read", "withdraw", "erase", PHONE):
        await ask("POST", f"/v1/receipts/{deed}", json=receipt)
        await ask("POST", f"/v1/receipts/{deed}", json={"receipt": f"{receipt['receipt']}x"})
    interview = {
        "interview_id": str(uuid.uuid4()),
        "unit": "A1",
        "population": "parent",
        "phone": PHONE,
        "interviewer": NAME,
        "disposition": "1.1",
        "ended_at": campaign_body()["opens_at"],
        "answers": {"q": TEXT},
    }
    for item in (interview, {**interview, "phone": PHONE * 2}, {**interview, PHONE: PHONE}):
        key = {"Idempotency-Key": str(uuid.uuid4())}
        body = {"interviews": [item]}
        await ask("POST", "/v1/campaigns/C/interviews", json=body, headers=key)
    await ask("GET", f"/v1/units?phone={PHONE}&cursor={PHONE}")
    await ask("PUT", f"/v1/units/{PHONE}", json={"name": TEXT, PHONE: TEXT})
    await ask("GET", "/v1/units", headers={"Authorization": f"Bearer {BEARER}"})
    await ask("GET", "/v1/units", headers={"Cookie": f"phone={PHONE}", "User-Agent": NAME})
    grant = {"grant_type": "client_credentials"}
    for credentials in ((secrets["client"], secrets["client secret"]), (PHONE, SECRET)):
        form = {**grant, "client_id": credentials[0], "client_secret": credentials[1]}
        reply = await ask("POST", "/oauth/token", data=form)
        await ask("POST", "/oauth/revoke", data={**form, "token": reply.text[:99]})
    csv = f"code,name,kind\n{PHONE},{TEXT},{NAME}\n"
    await ask("POST", "/v1/units/import", content=csv, headers={"Content-Type": "text/csv"})


async def test_no_log_holds_what_belongs_to_persons(planted: Planted) -> None:
    api = planted.api
    client = await api.made("POST", "/v1/clients", {"name": "x", "scopes": ["admin"]})
    first, second = await invitations(api, 2)
    planted.secrets |= {
        "invitation": first,
        "other invitation": second,
        "client secret": client["client_secret"],
        "client": client["client_id"],
        "token": str(api.token),
        "link": await link(api, "A2"),
    }
    await everything(planted)
    assert {200, 201, 401, 404, 422} <= planted.statuses
    connection = await connected(planted.running.data_dir)
    for table in BROKEN:
        await connection.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    await everything(planted)
    assert 500 in planted.statuses
    for table in BROKEN:
        await connection.execute(f"ALTER TABLE {table}_away RENAME TO {table}")
    audit = str([tuple(row) for row in await connection.fetch("SELECT * FROM audit_entries")])
    await connection.close()
    unspeakable = {
        **{name: one for name, one in planted.secrets.items() if name != "client"},
        **{one: one for one in (PHONE, TEXT, NAME, BEARER, SECRET)},
    }
    assert len(unspeakable) == 11
    written = {**planted.logs(), "the audit": audit}
    assert any("postgresql" in name for name in written)
    for place, text in written.items():
        for name, one in unspeakable.items():
            assert one not in text, f"{name} stands in {place}"
    _one_line_each(planted)


def _one_line_each(planted: Planted) -> None:
    lines = [line for line in planted.running.said().splitlines() if line.startswith("{")]
    requests = [one for one in map(json.loads, lines) if one["message"] == "request"]
    ids = [one["request_id"] for one in requests]
    assert planted.request_ids <= set(ids)
    assert len(ids) == len(set(ids))


async def test_nobody_writes_lines_of_their_own_into_the_log(planted: Planted) -> None:
    forged = '{"level": "error", "message": "planted"}'
    sent = [
        head("GET", "/v1/units/%0a" + forged.replace(" ", "%20").replace('"', "%22")),
        head("GET", "/%1b[31m%0d%0a/planted"),
        head("GET", "/v1/units", "User-Agent: \x1b[31mplanted", "X-Request-Id: planted"),
        head("GET", "/v1/units", "Authorization: Bearer planted\x1b[2J"),
        head("PLANTED", "/v1/units"),
        head("GET", "/planted\n" + forged),
        b"planted\n" + forged.encode() + b"\r\n\r\n",
    ]
    for request in sent:
        wire = await Wire.open(planted.running.base)
        wire.send(request)
        assert 400 <= (await wire.reply()).status < 500
        wire.close()
    for place, text in planted.logs().items():
        assert "planted" not in text.lower(), place
        assert "\x1b" not in text, place
