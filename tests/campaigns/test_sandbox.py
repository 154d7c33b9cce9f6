"""Sandboxes: they behave as the campaign that they are of, and count nowhere."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.database import Base, Database
from app.counts import folding, recounting
from app.sandboxes.queries import KEPT
from tests.factories import (
    Api,
    answer,
    campaign_body,
    invitations,
    link,
    open_campaign,
    submission,
    tree,
)
from tests.telephone.deliveries import ago, delivered, in_vain, interview, pool, statuses

TRIAL = "/v1/campaigns/C-sandbox/interviews"


@pytest.fixture
async def campaign(admin: Api) -> Api:
    """The admin's API with an open campaign C over W."""
    await tree(admin)
    await open_campaign(admin)
    return admin


@pytest.fixture
async def contractor(campaign: Api) -> Api:
    """A contractor that made the sandbox by itself."""
    contractor = await campaign.as_client("interviews:write", unit="W", name="contractor")
    reply = await contractor.post("/v1/campaigns/C/sandbox")
    assert reply.status_code == 201, reply.text
    return contractor


async def respondents(api: Api, code: str) -> int:
    """Who was counted in a campaign."""
    reply = await api.made("GET", f"/v1/campaigns/{code}/results")
    return sum(row["respondents"] for row in reply["rows"])


async def counted_teachers(api: Api, code: str = "C-sandbox", revision: int = 1) -> dict[str, Any]:
    """The reply to a batch of counts of teachers."""
    counts = {"overall": {"satisfied": 4}}
    row = {"unit": "A1", "population": "teacher", "respondents": 4, "counts": counts}
    body = {"revision": revision, "channel": "paper", "as_of": ago(minutes=5), "rows": [row]}
    reply: dict[str, Any] = await api.made("PUT", f"/v1/campaigns/{code}/tallies/week-46", body)
    return reply


async def folded(api: Api) -> None:
    """Fold what is stored by now, while the app may be folding too."""
    database: Database = api.app.state.database
    while await folding.fold(database) is None:
        await asyncio.sleep(0.02)


async def test_a_contractor_makes_it_and_it_is_open_at_once(contractor: Api, admin: Api) -> None:
    made = await contractor.made("GET", "/v1/campaigns/C-sandbox")
    real = await contractor.made("GET", "/v1/campaigns/C")
    assert (made["sandbox"], made["state"]) == (True, "open")
    assert "sandbox" not in real
    own = {"code", "title", "opens_at", "closes_at", "sandbox"}
    assert {k: v for k, v in made.items() if k not in own} == {
        k: v for k, v in real.items() if k not in own
    }
    again = await contractor.post("/v1/campaigns/C/sandbox")
    assert (again.status_code, again.json()) == (200, made)
    emptied = await contractor.made("POST", "/v1/campaigns/C/sandbox/reset")
    assert emptied == {**made, "opens_at": emptied["opens_at"]}


async def test_many_at_once_make_one(campaign: Api) -> None:
    replies = await asyncio.gather(*(campaign.post("/v1/campaigns/C/sandbox") for _ in range(8)))
    assert sorted(one.status_code for one in replies) == [200] * 7 + [201]
    listed = await campaign.made("GET", "/v1/campaigns?sandbox=true")
    assert [one["code"] for one in listed["items"]] == ["C-sandbox"]


async def test_it_can_be_tried_before_the_real_one_opens(campaign: Api) -> None:
    later = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    body = campaign_body(opens_at=later)
    await campaign.made("PUT", "/v1/campaigns/draft", body)
    await campaign.made("POST", "/v1/campaigns/draft/sandbox")
    url = "/v1/campaigns/draft-sandbox/interviews"
    items = [interview("V-1"), interview("V-2", started_at=None, ended_at=ago(days=20))]
    assert await statuses(campaign, *items, url=url) == ["accepted", "accepted"]
    # What changes in the draft comes with the next reset.
    del body["populations"]["teacher"]
    await campaign.made("PUT", "/v1/campaigns/draft", {**body, "min_cell": 20})
    again = await campaign.made("POST", "/v1/campaigns/draft/sandbox")
    assert set(again["populations"]) == {"parent", "teacher"}
    again = await campaign.made("POST", "/v1/campaigns/draft/sandbox/reset")
    assert (set(again["populations"]), again["min_cell"]) == ({"parent"}, 20)


async def test_it_follows_the_window_of_the_real_one(contractor: Api, admin: Api) -> None:
    closes_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)
    body = await admin.made("GET", "/v1/campaigns/C")
    body = {name: value for name, value in body.items() if name not in ("code", "state")}
    await admin.made("PUT", "/v1/campaigns/C", {**body, "closes_at": closes_at.isoformat()})
    made = await contractor.made("POST", "/v1/campaigns/C/sandbox")
    assert datetime.fromisoformat(made["closes_at"]) == closes_at + timedelta(days=7)


async def test_no_phone_is_taken_from_the_real_one_nor_by_it(contractor: Api, admin: Api) -> None:
    one = interview()
    assert await statuses(contractor, one, url=TRIAL) == ["accepted"]
    assert await statuses(contractor, one) == ["accepted"]
    rows = await pool(admin).fetch("SELECT status, campaign_id FROM interviews")
    assert [row["status"] for row in rows] == ["counted", "counted"]
    assert len({row["campaign_id"] for row in rows}) == 2
    assert (await respondents(admin, "C"), await respondents(admin, "C-sandbox")) == (1, 1)
    # Within it a person answers once, as in the real one.
    assert await statuses(contractor, {**one, "interview_id": "V-2"}, url=TRIAL) == ["accepted"]
    assert await respondents(admin, "C-sandbox") == 1


async def test_every_reply_about_it_says_so(contractor: Api, admin: Api) -> None:
    taken = await delivered(contractor, interview(), url=TRIAL)
    assert taken["sandbox"] is True
    assert "sandbox" not in await delivered(contractor, interview())
    assert (await counted_teachers(admin))["sandbox"] is True
    assert "sandbox" not in await counted_teachers(admin, "C")
    held = await contractor.made("GET", "/v1/campaigns/C-sandbox/reconciliation")
    assert held["sandbox"] is True
    assert "sandbox" not in await contractor.made("GET", "/v1/campaigns/C/reconciliation")
    for name in ("results", "coverage"):
        reply = await admin.get(f"/v1/campaigns/C-sandbox/{name}")
        assert reply.json()["sandbox"] is True
        table = await admin.get(f"/v1/campaigns/C-sandbox/{name}", headers={"Accept": "text/csv"})
        assert table.headers["Xinsheng-Sandbox"] == "true"
        real = await admin.get(f"/v1/campaigns/C/{name}")
        assert "sandbox" not in real.json()
        assert "Xinsheng-Sandbox" not in real.headers
    tried, real_link = await link(admin, campaign="C-sandbox"), await link(admin)
    assert (await admin.get(f"/v1/links/{tried}")).json()["sandbox"] is True
    assert "sandbox" not in (await admin.get(f"/v1/links/{real_link}")).json()
    page = (await admin.get(f"/s/{tried}")).text
    assert "试填（沙盒）" in page
    assert "Sandbox: nothing counts." in page
    assert "沙盒" not in (await admin.get(f"/s/{real_link}")).text


async def test_it_is_left_out_of_lists_unless_asked_for(contractor: Api) -> None:
    listed = await contractor.made("GET", "/v1/campaigns")
    assert [one["code"] for one in listed["items"]] == ["C"]


@pytest.mark.parametrize("url", ["/v1/campaigns/C", "/v1/campaigns/C-sandbox"])
async def test_emptied_it_is_as_new(contractor: Api, admin: Api, url: str) -> None:
    tokens = await invitations(admin, 2, campaign="C-sandbox")
    await answer(admin, tokens[0])
    items = [interview("V-1"), in_vain("V-2"), {"interview_id": "V-3"}]
    first = await delivered(contractor, *items, url=TRIAL, key="one")
    await counted_teachers(admin)
    await counted_teachers(admin, revision=2)
    plan = {"from": "2026-11-02", "to": "2026-11-22", "by": "20:00"}
    client = (await admin.made("GET", "/v1/clients"))["items"][0]["client_id"]
    await admin.made("PUT", f"/v1/campaigns/C-sandbox/delivery-plans/{client}", plan)
    await folded(admin)
    second = interview("V-1", "dissatisfied", phone=items[0]["phone"], revision=2)
    assert await statuses(contractor, second, url=TRIAL) == ["updated"]
    await delivered(contractor, interview("real"))

    await admin.made("POST", f"{url}/sandbox/reset")
    assert await respondents(admin, "C-sandbox") == 0
    assert await respondents(admin, "C") == 1
    emptied = await pool(admin).fetchval("SELECT id FROM campaigns WHERE sandbox_of IS NOT NULL")
    for table in Base.metadata.sorted_tables:
        if "campaign_id" in table.columns and table.name not in KEPT:
            found = await pool(admin).fetchval(
                f"SELECT count(*) FROM {table.name} WHERE campaign_id = $1", emptied
            )
            assert found == 0, table.name
    # The same request under the same key is taken anew: nothing says that it had come before.
    again = await delivered(contractor, *items, url=TRIAL, key="one")
    assert (
        (again["accepted"], again["rejected"]) == (first["accepted"], first["rejected"]) == (2, 1)
    )
    await answer(admin, tokens[0])
    assert await respondents(admin, "C-sandbox") == 2
    await folded(admin)
    async for one in recounting.check(admin.app.state.database):
        assert one.differences == []


async def test_a_folding_that_saw_what_was_emptied_leaves_no_counts(
    contractor: Api, admin: Api
) -> None:
    database: Database = admin.app.state.database
    await delivered(contractor, *[interview(f"V-{n}") for n in range(50)], url=TRIAL)

    async def fold_on() -> None:
        for _ in range(20):
            await folding.fold(database)

    await asyncio.gather(
        fold_on(),
        fold_on(),
        *(admin.made("POST", "/v1/campaigns/C/sandbox/reset") for _ in range(4)),
    )
    await folding.fold(database)
    left = await pool(admin).fetchval("SELECT count(*) FROM running_counts")
    assert left == 0


async def test_deliveries_and_resets_at_once_leave_whole_things(
    contractor: Api, admin: Api
) -> None:
    people = [interview(f"V-{n}") for n in range(20)]

    async def deliver(revision: int) -> None:
        sent = [{**one, "attempts": revision, "revision": revision} for one in people]
        await delivered(contractor, *sent, url=TRIAL)

    await asyncio.gather(
        *(deliver(number) for number in range(1, 7)),
        *(contractor.made("POST", "/v1/campaigns/C/sandbox/reset") for _ in range(4)),
    )
    counted = await respondents(admin, "C-sandbox")
    on_file = await pool(admin).fetchval(
        "SELECT count(DISTINCT interview_id) FROM interviews WHERE status = 'counted'"
    )
    claims = await pool(admin).fetchval("SELECT count(DISTINCT submission_id) FROM claims")
    signs = await pool(admin).fetch("SELECT sum(sign) AS n FROM responses GROUP BY submission_id")
    assert counted == on_file == claims
    assert {row["n"] for row in signs} <= {1}


async def test_a_contractor_does_not_empty_what_another_sent(contractor: Api, admin: Api) -> None:
    other = await admin.as_client("interviews:write tallies:write", unit="A")
    await delivered(other, interview(), url=TRIAL)
    reply = await contractor.post("/v1/campaigns/C/sandbox/reset")
    assert reply.status_code == 409
    assert reply.json()["type"] == "/problems/sandbox-refused"
    assert await respondents(admin, "C-sandbox") == 1
    county = await admin.as_client("campaigns:write", unit="A")  # not the owner's
    assert (await county.post("/v1/campaigns/C/sandbox/reset")).status_code == 409
    owner = await admin.as_client("campaigns:write", unit="W")
    assert (await owner.post("/v1/campaigns/C/sandbox/reset")).status_code == 200
    assert await respondents(admin, "C-sandbox") == 0


async def test_it_never_becomes_a_real_one(contractor: Api, admin: Api) -> None:
    reply = await admin.put("/v1/campaigns/C-sandbox", campaign_body())
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/sandbox-refused")
    reply = await admin.post("/v1/campaigns/C-sandbox/sandbox")
    assert reply.status_code == 409
    assert (await admin.made("GET", "/v1/campaigns/C-sandbox"))["sandbox"] is True


async def test_its_owner_ends_it(contractor: Api, admin: Api) -> None:
    await admin.made("POST", "/v1/campaigns/C-sandbox/close")
    assert (await contractor.made("POST", "/v1/campaigns/C/sandbox"))["state"] == "closed"
    assert (await contractor.post("/v1/campaigns/C-sandbox/open")).status_code == 403
    await admin.made("POST", "/v1/campaigns/C-sandbox/archive")
    for url in ("C/sandbox/reset", "C-sandbox/sandbox/reset"):
        reply = await contractor.post(f"/v1/campaigns/{url}")
        assert (reply.status_code, reply.json()["type"]) == (409, "/problems/campaign-state")
    await admin.made("POST", "/v1/campaigns/C-sandbox/destroy-key", {"confirm": "C-sandbox"})


@pytest.mark.parametrize("state", ["archived", "over", "taken", "long"])
async def test_where_there_can_be_none_it_says_why(campaign: Api, state: str) -> None:
    code = "x" * 57 if state == "long" else "other"
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    changes = {"closes_at": past, "delivery_days": 0} if state == "over" else {}
    await open_campaign(campaign, code, **changes)
    if state == "archived":
        await campaign.made("POST", f"/v1/campaigns/{code}/close")
        await campaign.made("POST", f"/v1/campaigns/{code}/archive")
    if state == "taken":
        await open_campaign(campaign, "other-sandbox")
    reply = await campaign.post(f"/v1/campaigns/{code}/sandbox")
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/sandbox-refused")
    assert (await campaign.post(f"/v1/campaigns/{code}/sandbox/reset")).status_code == 404


async def test_who_may_not_deliver_may_not_make_one(campaign: Api) -> None:
    reader = await campaign.as_client("results:exact", unit="W")
    assert (await reader.post("/v1/campaigns/C/sandbox")).status_code == 403
    assert (await reader.post("/v1/campaigns/C/sandbox/reset")).status_code == 403
    assert (await campaign.post("/v1/campaigns/nothing/sandbox")).status_code == 404


async def test_a_persons_answer_in_it_is_as_in_the_real_one(contractor: Api, admin: Api) -> None:
    code = await link(admin, campaign="C-sandbox")
    proof = (await admin.get(f"/v1/links/{code}")).json()["device_proof"]
    sent = submission(device_proof=proof)
    assert (await admin.post(f"/v1/links/{code}/responses", sent)).status_code == 201
    assert (await admin.post(f"/v1/links/{code}/responses", sent)).status_code == 200
    again = submission(device_proof=proof)
    assert (await admin.post(f"/v1/links/{code}/responses", again)).status_code == 409
    assert (await respondents(admin, "C"), await respondents(admin, "C-sandbox")) == (0, 1)
