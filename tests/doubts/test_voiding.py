"""Voiding: nothing through a link or batch counts any more, and it can be taken back."""

from typing import Any

import httpx

from app.core.database import Database
from app.doubts import voiding
from app.doubts.voiding import queries
from app.responses.tables import Channel
from tests.doubts.crowds import Given, database_of, differences, flags, give, judged, publish
from tests.factories import Api, answers, invitations, link, open_campaign, submission, tree

WHY = {"reason": "班级群里转发了答案"}


async def respondents(api: Api) -> int:
    [row] = (await api.made("GET", "/v1/campaigns/C/results"))["rows"]
    found: int = row["respondents"]
    return found


async def batch_of(api: Api) -> int:
    """The newest batch of campaign C."""
    found: int = (await api.made("GET", "/v1/campaigns/C/invitations"))["items"][-1]["batch"]
    return found


async def respond(api: Api, url: str, body: dict[str, Any] | None = None) -> httpx.Response:
    return await api.post(f"/v1/{url}/responses", body or submission())


async def receipt_of(api: Api, url: str, body: dict[str, Any] | None = None) -> str:
    reply = await respond(api, url, body)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["receipt"])


async def status(api: Api, receipt: str) -> str:
    return str((await api.made("POST", "/v1/receipts/read", {"receipt": receipt}))["status"])


async def test_a_voided_batch_counts_no_more_and_is_told_so(ready: Api) -> None:
    tokens = await invitations(ready, 4)
    bodies = [submission() for _ in range(3)]
    urls = [f"invitations/{token}" for token in tokens]
    receipts = [await receipt_of(ready, *one) for one in zip(urls, bodies, strict=False)]
    await invitations(ready, 1, "A2")
    [kept] = await invitations(ready, 1, "B1")
    await receipt_of(ready, f"invitations/{kept}")
    batch = int((await ready.made("GET", "/v1/campaigns/C/invitations"))["items"][0]["batch"])
    url = f"/v1/campaigns/C/invitations/{batch}"
    made = await ready.made("POST", f"{url}/void", WHY)
    assert (made["batch"], made["link"], made["responses"]) == (batch, None, 3)
    assert (made["unit"], made["population"], made["reason"]) == ("A1", "parent", WHY["reason"])
    assert made["finished"]
    assert made["restored"] is None
    assert await respondents(ready) == 1
    assert await differences(ready) == []
    # Nothing more comes in; what came is told that it arrived.
    assert (await respond(ready, urls[3])).status_code == 410
    again = await respond(ready, urls[0], bodies[0])
    assert (again.status_code, again.json()["receipt"]) == (200, receipts[0])
    assert [await status(ready, receipt) for receipt in receipts] == ["voided"] * 3
    # Once more is the same.
    assert await ready.made("POST", f"{url}/void", {"reason": "other"}) == made
    assert (await ready.made("GET", "/v1/campaigns/C/voids"))["items"] == [made]


async def test_voiding_frees_persons_and_restoring_asks_who_has_answered_again(
    ready: Api,
) -> None:
    await ready.made("POST", "/v1/campaigns/C/close")
    await open_campaign(ready, "D", on_duplicate="keep_last")
    links = [await link(ready, unit, campaign="D") for unit in ("A1", "A2")]
    shown = await ready.made("GET", f"/v1/links/{links[0]}")
    devices = [shown["device_proof"]]
    for _ in range(4):
        devices.append((await ready.made("GET", f"/v1/links/{links[0]}"))["device_proof"])
    receipts = [
        await receipt_of(ready, f"links/{links[0]}", submission(device_proof=one))
        for one in devices
    ]
    await ready.made("POST", f"/v1/links/{links[0]}/void", WHY)
    # One answers anew, one withdraws what was voided, one does both.
    await receipt_of(ready, f"links/{links[1]}", submission(device_proof=devices[0]))
    for receipt in receipts[1:3]:
        arrival = await ready.made("POST", "/v1/receipts/withdraw", {"receipt": receipt})
        assert arrival["status"] == "withdrawn"
    new = await receipt_of(ready, f"links/{links[1]}", submission(device_proof=devices[2]))
    back = await ready.made("POST", f"/v1/links/{links[0]}/restore", {"reason": "查无实据"})
    restored = back["restored"]
    assert (restored["reason"], restored["responses"]) == ("查无实据", 2)
    assert (restored["answered_again"], restored["withdrawn"]) == (1, 2)
    assert back["finished"]
    states = [await status(ready, receipt) for receipt in receipts]
    assert states == ["voided", "withdrawn", "withdrawn", "accepted", "accepted"]
    [row] = (await ready.made("GET", "/v1/campaigns/D/results"))["rows"]
    assert row["respondents"] == 4
    assert await differences(ready) == []
    # The link stays revoked, and its persons are known again.
    shut = await respond(ready, f"links/{links[0]}", submission(device_proof="x"))
    assert shut.status_code == 410
    reply = await respond(ready, f"links/{links[1]}", submission(device_proof=devices[3]))
    assert reply.status_code == 200
    assert reply.json()["status"] == "replaced"
    # Whoever withdraws the other answer is counted by the voided one, when asked once more.
    await ready.made("POST", "/v1/receipts/withdraw", {"receipt": new})
    more = await ready.made("POST", f"/v1/links/{links[0]}/restore", WHY)
    assert (more["void"], more["restored"]["responses"]) == (back["void"], 2)


async def test_texts_and_flags_come_back_with_what_is_restored(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, populations={"parent": await publish(admin, 2)})
    usual = [Given(seconds=60 + one, unit="A2", answers={}) for one in range(30)]
    await give(admin, usual)
    [token] = await invitations(admin, 1)
    url, body = f"invitations/{token}", submission(answers={"comment": "食堂太贵"})
    receipt = await receipt_of(admin, url, body)
    await database_of(admin).pool.execute("UPDATE responses SET seconds = 1 WHERE channel = 3")
    await judged(admin)
    batch = f"/v1/campaigns/C/invitations/{await batch_of(admin)}"
    for _ in range(2):
        assert (await admin.made("POST", f"{batch}/void", WHY))["responses"] == 1
        assert (await respond(admin, url, body)).status_code == 200
        assert await flags(admin) == {}
        assert (await judged(admin)).changed == 0
        await admin.made("POST", f"{batch}/restore", WHY)
        arrival = await admin.made("POST", "/v1/receipts/read", {"receipt": receipt})
        assert (arrival["status"], arrival["answers"]) == ("accepted", {"comment": "食堂太贵"})
        assert list((await flags(admin)).values()) == [["fast"]]
    assert len((await admin.made("GET", "/v1/campaigns/C/voids"))["items"]) == 2
    await admin.made("POST", "/v1/receipts/erase", {"receipt": receipt})
    assert await database_of(admin).pool.fetchval("SELECT count(*) FROM response_texts") == 0


async def test_answers_of_accounts_go_with_their_link_and_others_of_its_number_stay(
    ready: Api,
) -> None:
    code = await link(ready)
    link_id = await database_of(ready).pool.fetchval("SELECT id FROM links WHERE code = $1", code)
    await give(
        ready,
        [Given(channel=channel, origin_id=link_id) for channel in Channel],
    )
    made = await ready.made("POST", f"/v1/links/{code}/void", WHY)
    assert made["responses"] == 2
    assert await respondents(ready) == 4


async def test_a_reason_must_be_given(ready: Api) -> None:
    code = await link(ready)
    for body in ({}, {"reason": " "}, {"reason": "x" * 501}):
        for verb in ("void", "restore"):
            reply = await ready.post(f"/v1/links/{code}/{verb}", body)
            assert reply.status_code == 422
            assert reply.json()["errors"][0]["pointer"] == "/reason"


async def test_what_was_not_voided_cannot_be_restored(ready: Api) -> None:
    code = await link(ready)
    await invitations(ready, 1)
    batch = f"/v1/campaigns/C/invitations/{await batch_of(ready)}"
    for url in (f"/v1/links/{code}/restore", f"{batch}/restore"):
        reply = await ready.post(url, WHY)
        assert (reply.status_code, reply.json()["type"]) == (409, "/problems/not-voided")
    assert (await ready.post("/v1/campaigns/C/invitations/999/void", WHY)).status_code == 404


async def test_only_counties_and_above_void_and_only_their_own(ready: Api) -> None:
    code = await link(ready)
    await invitations(ready, 1)
    batch = f"/v1/campaigns/C/invitations/{await batch_of(ready)}"
    urls = [f"/v1/links/{code}", batch]
    school = await ready.as_client("links:write", unit="A1")
    other = await ready.as_client("links:write", unit="B")
    county = await ready.as_client("links:write", unit="A")
    for url in urls:
        for verb in ("void", "restore"):
            reply = await school.post(f"{url}/{verb}", WHY)
            assert (reply.status_code, reply.json()["type"]) == (403, "/problems/county-required")
            assert (await other.post(f"{url}/{verb}", WHY)).status_code == 404
        assert (await county.made("POST", f"{url}/void", WHY))["finished"]
    assert (await other.made("GET", "/v1/campaigns/C/voids"))["items"] == []
    assert len((await county.made("GET", "/v1/campaigns/C/voids"))["items"]) == 2


async def test_an_archived_campaign_stands_as_it_was_counted(ready: Api) -> None:
    code = await link(ready)
    await ready.made("POST", f"/v1/links/{code}/void", WHY)
    for verb in ("close", "archive"):
        await ready.made("POST", f"/v1/campaigns/C/{verb}")
    for verb in ("void", "restore"):
        reply = await ready.post(f"/v1/links/{code}/{verb}", WHY)
        assert (reply.status_code, reply.json()["type"]) == (409, "/problems/campaign-state")


async def test_nothing_is_restored_once_it_is_forgotten_who_answered(ready: Api) -> None:
    code = await link(ready)
    await ready.made("POST", f"/v1/links/{code}/void", WHY)
    await database_of(ready).pool.execute("DELETE FROM campaign_keys WHERE purpose = 'identity'")
    reply = await ready.post(f"/v1/links/{code}/restore", WHY)
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/cannot-restore")


async def test_voiding_is_audited_without_its_reason(ready: Api) -> None:
    code = await link(ready)
    await ready.made("POST", f"/v1/links/{code}/void", {"reason": "张三填了两百份"})
    await ready.made("POST", f"/v1/links/{code}/restore", WHY)
    entries = (await ready.made("GET", "/v1/audit"))["items"]
    actions = [one["action"] for one in entries]
    for action in ("link.revoke", "link.void", "link.restore", "void.settle"):
        assert action in actions
    assert "张三" not in str(entries)


async def test_what_a_crash_left_half_done_is_finished(ready: Api) -> None:
    tokens = await invitations(ready, 6)
    for token in tokens:
        await receipt_of(ready, f"invitations/{token}", submission(answers=answers()))
    batch = await batch_of(ready)
    database: Database = database_of(ready)
    async with database.sessions.begin() as session:
        void = await queries.insert_void(session, campaign_id=1, batch_id=batch, reason="x")
    # The process died after half of it.
    pool = database.pool
    rows = await pool.fetch("SELECT submission_id, sequence FROM responses LIMIT 3")
    async with pool.acquire() as connection, connection.transaction():
        assert await queries.take_out(connection, void, [tuple(row) for row in rows]) == 3
    assert await respondents(ready) == 3
    await voiding.carry_out_all(database)
    assert await respondents(ready) == 0
    [shown] = (await ready.made("GET", "/v1/campaigns/C/voids"))["items"]
    assert (shown["responses"], shown["finished"]) == (6, True)
    assert await pool.fetchval("SELECT count(*) FROM claims") == 0
    assert await pool.fetchval("SELECT count(*) FROM voided_claims") == 6
