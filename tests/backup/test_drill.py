"""The drill: backed up under load, restored elsewhere, and nobody notices the difference."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.core.embedded_postgres import EmbeddedPostgres
from tests.backup.conftest import live
from tests.factories import Api, answers, invitations, open_campaign, submission
from tests.processes import XINSHENG, Server, server

PEOPLE = 10_000
"""More than can answer in the time that a backup takes."""
AT_ONCE = 8
_IN_STEP = """
    SELECT count(*) AS responses, count(claims) AS claimed, count(said) AS spelled
    FROM responses JOIN campaigns ON campaigns.id = campaign_id AND campaigns.code = 'D'
    LEFT JOIN claims USING (transaction_id, campaign_id, submission_id)
    LEFT JOIN response_texts AS said USING (transaction_id, campaign_id, submission_id, sequence)
"""


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """A command that an operator gives."""
    command = [str(XINSHENG), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def printed(*arguments: object) -> str:
    """The output of a command that must succeed."""
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@asynccontextmanager
async def called(running: Server, client: dict[str, str]) -> AsyncIterator[Api]:
    """A server's API as this client sees it."""
    async with httpx.AsyncClient(base_url=running.base, timeout=30) as http:
        reply = await http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(client["client_id"], client["client_secret"]),
        )
        assert reply.status_code == 200, reply.text
        yield Api(http, None, reply.json()["access_token"])  # type: ignore[arg-type]


async def shown(api: Api) -> Any:
    """What dashboards show of campaign C, without the instants that it is of."""
    replies = []
    for wanted in ("results?by=unit,channel&level=school", "results?by=day", "coverage"):
        reply = await api.made("GET", f"/v1/campaigns/C/{wanted}")
        replies.append({name: value for name, value in reply.items() if name != "as_of"})
    return replies


class Crowd:
    """People who answer by invitation, one after the other in a few rows, until told to stop."""

    def __init__(self, api: Api, tokens: list[str]) -> None:
        self._api = api
        self._waiting = iter(tokens)
        self.acknowledged: dict[str, str] = {}
        """Submissions and their receipts."""
        self._stopped = False
        self._rows = [asyncio.create_task(self._answer()) for _ in range(AT_ONCE)]

    async def _answer(self) -> None:
        for token in self._waiting:
            if self._stopped:
                return
            sent = submission(answers=answers(comment=f"意见 {token}"))
            url = f"/v1/invitations/{token}/responses"
            reply = await self._api.made("POST", url, sent)
            self.acknowledged[sent["submission_id"]] = reply["receipt"]

    async def wait_for(self, count: int) -> None:
        """Wait until so many have been acknowledged."""
        while len(self.acknowledged) < count:
            assert not any(row.done() for row in self._rows)
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Let those who have begun finish."""
        self._stopped = True
        await asyncio.gather(*self._rows)


@pytest.mark.process
@pytest.mark.timeout(300)
async def test_the_drill(tmp_path: Path) -> None:
    first, second, disk = tmp_path / "first", tmp_path / "second", tmp_path / "disk"
    disk.mkdir()
    with server(first) as running:
        made = printed("clients", "create", "x", "--scope", "admin", "--json", "--data-dir", first)
        client = json.loads(made)
        async with called(running, client) as api:
            held = await live(api)
            before = await shown(api)
            asked = {"parent": {"questionnaire": "six", "version": 1}}
            await open_campaign(api, "D", populations=asked)
            crowd = Crowd(api, await invitations(api, PEOPLE, campaign="D"))
            await crowd.wait_for(20)
            surely = set(crowd.acknowledged)
            taking = ["backup", disk / "a.backup", "--data-dir", first]
            await asyncio.to_thread(printed, *taking)
            await crowd.wait_for(len(crowd.acknowledged) + 20)
            await crowd.stop()
        refused = run("restore", disk / "a.backup", "--data-dir", first)
        assert refused.returncode == 1
        assert "A server is running" in refused.stderr
    second.mkdir(mode=0o700)
    shutil.copy(first / "secret-keys", second)
    assert "every count is what its rows say" in printed(
        "restore", disk / "a.backup", "--data-dir", second
    )
    assert printed("recount", "--check", "--data-dir", second)
    assert printed("audit", "verify", "--data-dir", second)
    stored = await what_is_stored(second)
    assert surely <= stored < set(crowd.acknowledged)
    assert len(stored) > len(surely)
    with server(second) as running:
        async with called(running, client) as api:
            assert await shown(api) == before
            await nobody_notices(api, held)
            for submission_id in sorted(stored)[:20]:
                receipt = {"receipt": crowd.acknowledged[submission_id]}
                read = await api.made("POST", "/v1/receipts/read", receipt)
                assert read["answers"]["comment"].startswith("意见")


async def what_is_stored(data_dir: Path) -> set[str]:
    """The crowd's submissions in a database, each with its claim and its text."""
    with EmbeddedPostgres(data_dir) as database:
        connection = await asyncpg.connect(database.url())
        counted = await connection.fetchrow(_IN_STEP)
        assert counted["responses"] == counted["claimed"] == counted["spelled"]
        claims = await connection.fetchval(
            "SELECT count(*) FROM claims WHERE (campaign_id, submission_id) NOT IN "
            "(SELECT campaign_id, submission_id FROM responses)"
        )
        assert claims == 0
        rows = await connection.fetch(
            "SELECT submission_id FROM responses JOIN campaigns ON campaigns.id = campaign_id "
            "WHERE campaigns.code = 'D'"
        )
        await connection.close()
        return {str(row["submission_id"]) for row in rows}


async def nobody_notices(api: Api, held: dict[str, Any]) -> None:
    """Those who answered before the backup, and those who come after, meet the same service."""
    read = await api.made("POST", "/v1/receipts/read", {"receipt": held["receipt"]})
    assert read["answers"] == held["sent"]["answers"]
    gone = await api.made("POST", "/v1/receipts/read", {"receipt": held["withdrawn"]})
    assert gone["status"] == "withdrawn"
    url = f"/v1/invitations/{held['token']}/responses"
    again = await api.post(url, held["sent"])
    assert (again.status_code, again.json()["receipt"]) == (200, held["receipt"])
    assert (await api.post(url, submission())).status_code == 409
    fresh = f"/v1/invitations/{held['unused'][0]}/responses"
    assert (await api.post(fresh, submission())).status_code == 201
    page = await api.http.get(f"/s/{held['link']}")
    assert page.status_code == 200
