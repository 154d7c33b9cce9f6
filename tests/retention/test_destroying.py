"""Destroying a campaign's key on command: when, by whom, at once with everything else."""

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core.database import Database
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.counts import recounting
from app.main import create
from app.responses.directory import Directory
from app.retention.erasing import erase_due, finish, forget_keys
from app.retention.lists import Lists, listed
from tests.backup.conftest import environment, said
from tests.factories import Api, invitations, open_campaign, submission
from tests.retention.conftest import Answered, deliver, interview

ROOT = Path(__file__).parents[2]
URL = "/v1/campaigns/C/destroy-key"
CONFIRMED = {"confirm": "C"}


@pytest.fixture
def lists(settings: Settings) -> Lists:
    """Where this deployment keeps its list."""
    return Lists.of(settings, Keyring(settings.secret_keys))


async def recounted(database: Database) -> list[Any]:
    """Where counts differ from their rows."""
    return [found async for one in recounting.check(database) for found in one.differences]


async def test_only_an_archived_campaigns_key_is_destroyed_by_its_owner_who_confirms_it(
    answered: Answered,
) -> None:
    api = answered.api
    for step in (None, "close"):
        if step:
            await api.made("POST", f"/v1/campaigns/C/{step}")
        refused = await api.post(URL, CONFIRMED)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/campaign-state")
        assert "archive it" in refused.json()["detail"]
    await api.made("POST", "/v1/campaigns/C/archive")
    for body in ({}, {"confirm": "D"}, {"confirm": "c"}, {"confirm": None}, None):
        refused = await api.post(URL, body)
        assert refused.status_code in (400, 422), body
    assert (await api.post("/v1/campaigns/none/destroy-key", CONFIRMED)).status_code == 404
    reader = await answered.api.as_client("results:exact links:write")
    assert (await reader.post(URL, CONFIRMED)).status_code == 403
    county = await answered.api.as_client("campaigns:write", unit="A")
    refused = await county.post(URL, CONFIRMED)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-owner")
    assert await answered.asked("SELECT count(*) FROM claims") == 4
    assert await answered.asked("SELECT count(*) FROM campaign_keys") == 2


async def test_claims_and_details_go_with_the_key_and_the_rest_stays(
    answered: Answered, lists: Lists, settings: Settings
) -> None:
    api = answered.api
    results = "/v1/campaigns/C/results?by=unit,question,channel"
    before = await api.made("GET", results)
    await answered.archive()
    revision = await answered.asked("SELECT revision FROM campaigns")
    done = await answered.destroy()
    assert done["campaign"] == "C"
    assert done["cause"] == "command"
    assert done["erased"]["claims"] == 4
    assert done["erased"]["interviews"] == 1
    assert await answered.asked("SELECT count(*) FROM claims") == 0
    assert await answered.asked("SELECT array_agg(purpose) FROM campaign_keys") == ["receipt"]
    assert await answered.asked("SELECT content_mac FROM interviews") == b""
    assert await answered.asked("SELECT revision FROM campaigns") > revision
    assert (await api.made("GET", results))["rows"] == before["rows"]
    assert await recounted(api.app.state.database) == []
    for receipt in answered.receipts:
        read = await api.made("POST", "/v1/receipts/read", {"receipt": receipt})
        assert read["status"] == "accepted"
    [entry] = (await api.made("GET", "/v1/audit?action=campaign.destroy-key"))["items"]
    assert entry["object"] == "C"
    assert entry["detail"]["claims"] == 4
    [listed_one] = listed(lists.keyring, settings.data_dir)
    assert (listed_one.campaign, listed_one.cause) == ("C", "command")
    assert listed_one.destroyed_at == datetime.fromisoformat(done["destroyed_at"])


async def test_the_second_time_tells_what_the_first_did(answered: Answered) -> None:
    await answered.archive()
    first = await answered.destroy()
    assert first["last_copy_expires_at"] == first["destroyed_at"], "no backup has ever been taken"
    assert "snapshots" in first["note"]
    assert await answered.destroy() == first
    entries = await answered.api.made("GET", "/v1/audit?action=campaign.destroy-key")
    assert len(entries["items"]) == 1


async def test_whoever_comes_to_a_campaign_without_key_is_told_that_it_is_closed(
    answered: Answered,
) -> None:
    api = answered.api
    await answered.archive()
    await answered.destroy()
    for url in (
        f"/v1/invitations/{answered.unused}/responses",
        f"/v1/links/{answered.link}/responses",
    ):
        reply = await api.post(url, submission())
        assert (reply.status_code, reply.json()["type"]) == (410, "/problems/closed")
    for url in (f"/s/{answered.link}", f"/i/{answered.token}"):
        page = await api.http.get(url)
        assert page.status_code == 410
        assert "已经结束" in page.text
    late = await deliver(api, interview("V-2"))
    assert (late.status_code, late.json()["type"]) == (410, "/problems/closed")


async def test_other_campaigns_keep_their_keys(answered: Answered) -> None:
    api = answered.api
    await open_campaign(api, "D")
    [token] = await invitations(api, 1, campaign="D")
    await api.made("POST", f"/v1/invitations/{token}/responses", submission())
    await answered.archive()
    await answered.destroy()
    again = await api.post(f"/v1/invitations/{token}/responses", submission())
    assert again.json()["type"] == "/problems/already-answered"


async def test_every_process_forgets_the_key(answered: Answered, settings: Settings) -> None:
    """A second process, which has it in its memory from answering."""
    second = create(replace(settings))
    transport = httpx.ASGITransport(app=second, raise_app_exceptions=False)
    async with (
        second.router.lifespan_context(second),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as http,
    ):
        for url in (f"/s/{answered.link}", f"/i/{answered.token}"):
            assert (await http.get(url)).status_code == 200
        directory: Directory = second.state.reception.directory
        held = [directory._rules.values(), [one.rules for one in directory._entrances.values()]]
        assert all(rules.identity_key for part in held for rules in part)
        assert len(directory._entrances) == 2
        await answered.archive()
        await answered.destroy()
        await forget_keys(second.state.database, directory)
        assert not directory._rules
        assert not directory._entrances
        reply = await Api(http, second).post(
            f"/v1/invitations/{answered.unused}/responses", submission()
        )
        assert reply.status_code == 410
        await forget_keys(second.state.database, directory)
        assert len(directory._rules) == 1, "what has no key may be remembered"


async def test_destroyed_by_several_at_once_it_is_destroyed_once(
    answered: Answered, lists: Lists
) -> None:
    """By requests, and by retention, whose time has come at the same moment."""
    database: Database = answered.api.app.state.database
    await answered.archive()
    await database.pool.execute(
        "UPDATE campaigns SET opens_at = now() - interval '401 days', "
        "closes_at = now() - interval '400 days', revision = revision + 1"
    )
    *done, erased, _ = await asyncio.gather(
        *(answered.destroy() for _ in range(4)), erase_due(database, lists), finish(database, lists)
    )
    # Who was not the one whose turn it was does it the next time.
    assert erased + await erase_due(database, lists) == ["C"]
    assert len({one["destroyed_at"] for one in done}) == 1
    assert await answered.asked("SELECT count(*) FROM claims") == 0
    assert await answered.asked("SELECT sum((erased->>'claims')::int) FROM destructions") == 4
    assert await answered.asked("SELECT erased_at IS NOT NULL FROM campaigns")


async def test_at_once_with_answers_withdrawals_and_interviews_nothing_is_left_behind(
    answered: Answered, lists: Lists
) -> None:
    api = answered.api
    database: Database = api.app.state.database
    tokens = await invitations(api, 40)

    async def answer(token: str) -> int:
        reply = await api.post(f"/v1/invitations/{token}/responses", submission())
        if reply.status_code == 201 and token in tokens[::3]:
            receipt = {"receipt": reply.json()["receipt"]}
            withdrawn = await api.post("/v1/receipts/withdraw", receipt)
            assert withdrawn.status_code in (200, 410)
            return 0 if withdrawn.status_code == 200 else 1
        assert reply.status_code in (201, 410)
        return 1 if reply.status_code == 201 else 0

    async def call(number: int) -> int:
        reply = await deliver(api, interview(f"W-{number}", f"+86139000000{number:02}"))
        assert reply.status_code in (200, 410)
        return int(reply.status_code == 200)

    async def end() -> int:
        await answered.archive()
        await answered.destroy()
        return 0

    work = [*map(answer, tokens[:20]), end(), *map(call, range(10)), *map(answer, tokens[20:])]
    stored = sum(await asyncio.gather(*work))
    await finish(database, lists)
    assert await answered.asked("SELECT count(*) FROM claims") == 0
    assert await answered.asked("SELECT sum(sign) FROM responses") == 4 + stored
    assert await recounted(database) == []


async def test_a_claim_that_was_under_way_meanwhile_goes_within_the_hour(
    answered: Answered, lists: Lists
) -> None:
    database: Database = answered.api.app.state.database
    held = await database.pool.fetchrow(
        "SELECT claims.*, revision FROM claims JOIN campaigns ON id = campaign_id LIMIT 1"
    )
    async with database.pool.acquire() as other:
        slow = other.transaction()
        await slow.start()
        await other.execute(
            "INSERT INTO claims (campaign_id, fingerprint, submission_id) "
            "VALUES ($1, '\\x00', gen_random_uuid())",
            held["campaign_id"],
        )
        await answered.archive()
        await answered.destroy()
        await slow.commit()
    assert await answered.asked("SELECT count(*) FROM claims") == 1
    await finish(database, lists)
    assert await answered.asked("SELECT count(*) FROM claims") == 0


@pytest.mark.process
async def test_killed_before_the_commit_it_is_done_again_and_not_forgotten(
    answered: Answered, lists: Lists, settings: Settings
) -> None:
    database: Database = answered.api.app.state.database
    await answered.archive()
    killed = subprocess.run(
        [sys.executable, "-m", "tests.retention.killed"],
        env=environment(settings),
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert await answered.asked("SELECT count(*) FROM claims") == 4
    [entry] = listed(lists.keyring, settings.data_dir)
    assert await finish(database, lists) == [entry]
    assert await answered.asked("SELECT count(*) FROM claims") == 0
    assert await answered.asked("SELECT count(*) FROM campaign_keys") == 1
    assert await finish(database, lists) == []
    done = await answered.destroy()
    assert datetime.fromisoformat(done["destroyed_at"]) == entry.destroyed_at


async def test_what_cannot_be_put_on_the_list_is_not_destroyed(
    answered: Answered, settings: Settings
) -> None:
    await answered.archive()
    settings.data_dir.rename(settings.data_dir.with_name("moved"))
    settings.data_dir.write_text("not a folder")
    refused = await answered.api.post(URL, CONFIRMED)
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/list-not-written")
    assert await answered.asked("SELECT count(*) FROM claims") == 4
    settings.data_dir.unlink()
    settings.data_dir.mkdir()
    await answered.destroy()
    assert await answered.asked("SELECT count(*) FROM claims") == 0


async def test_where_the_folder_of_backups_is_out_of_reach_it_asks_for_a_backup(
    answered: Answered, settings: Settings, lists: Lists
) -> None:
    await answered.archive()
    folder = settings.data_dir / "backups"
    in_the_way = folder / f"xinsheng-{lists.keyring.ids[0].hex()}.destructions"
    in_the_way.mkdir(parents=True)
    done = await answered.destroy()
    assert "take a backup now" in done["note"]
    assert await answered.asked("SELECT count(*) FROM claims") == 0
    assert len(listed(lists.keyring, settings.data_dir)) == 1
    status, _, errors = await said(settings, "backup")
    assert status == 1
    assert "not the list of destructions" in errors
    in_the_way.rmdir()
    assert (await said(settings, "backup", folder / "b.backup"))[0] == 0
    assert listed(lists.keyring, folder) == listed(lists.keyring, settings.data_dir)


async def test_the_list_is_written_wherever_files_of_keys_lie(
    answered: Answered, settings: Settings, lists: Lists, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "nas"
    elsewhere.mkdir()
    assert (await said(settings, "backup", elsewhere / "b.backup", "--keep-keys", "7"))[0] == 0
    await answered.archive()
    done = await answered.destroy()
    assert "take a backup now" not in done["note"]
    assert len(listed(lists.keyring, elsewhere)) == 1


async def test_the_command_asks_and_does_what_the_api_does(
    answered: Answered, settings: Settings
) -> None:
    command = ["campaigns", "destroy-key", "C"]
    status, _, errors = await said(settings, *command, "--yes")
    assert status == 1
    assert "archive it" in errors
    await answered.archive()
    status, _, errors = await said(settings, *command)
    assert status == 1
    assert "--yes" in errors
    assert await answered.asked("SELECT count(*) FROM claims") == 4
    status, output, errors = await said(settings, *command, "--yes")
    assert (status, errors) == (0, "")
    assert "4 claims" in output
    assert await answered.asked("SELECT count(*) FROM claims") == 0
    assert (await said(settings, *command, "--yes"))[1] == output
    status, _, errors = await said(settings, "campaigns", "destroy-key", "none", "--yes")
    assert status == 1
    assert "no campaign none" in errors
