"""Windows: when deliveries are taken, and of which interviews."""

import pytest

from tests.factories import Api, campaign_body
from tests.telephone.deliveries import (
    ago,
    count,
    delivered,
    interview,
    pool,
    problem,
    rejected,
    send,
    statuses,
)


async def window(api: Api, opened: str, closed: str, state: str, days: int = 7) -> None:
    """Put campaign C into another window and state, as time would."""
    await api.made(
        "PUT",
        "/v1/campaigns/C",
        campaign_body(opens_at=opened, closes_at=closed, delivery_days=days),
    )
    if state in ("closed", "archived"):
        await api.made("POST", "/v1/campaigns/C/close")
    if state == "archived":
        await api.made("POST", "/v1/campaigns/C/archive")


async def test_a_draft_and_a_campaign_to_come_take_nothing_yet(campaign: Api) -> None:
    await campaign.made("PUT", "/v1/campaigns/D", campaign_body())
    reply = await send(campaign, interview(), url="/v1/campaigns/D/interviews")
    assert (reply.status_code, reply.json()["type"]) == (425, "/problems/not-open-yet")
    await window(campaign, ago(days=-1), ago(days=-2), "open")
    reply = await send(campaign, interview())
    assert (reply.status_code, reply.json()["type"]) == (425, "/problems/not-open-yet")


@pytest.mark.parametrize("state", ["open", "closed"])
async def test_after_closing_interviews_from_inside_the_window_are_taken(
    campaign: Api, contractor: Api, state: str
) -> None:
    await window(campaign, ago(days=9), ago(days=2), state)
    inside = interview("V-1", ended_at=ago(days=3), started_at=None)
    late = interview("V-2", ended_at=ago(days=1), started_at=None)
    early = interview("V-3", ended_at=ago(days=10), started_at=None)
    reply = await delivered(contractor, inside, late, early)
    assert [one["status"] for one in reply["results"]] == ["accepted", "rejected", "rejected"]
    for index in (1, 2):
        expected = ("/problems/invalid-input", {f"/interviews/{index}/ended_at"})
        assert problem(reply["results"][index]) == expected
    assert await count(contractor) == 1


@pytest.mark.parametrize(("state", "days"), [("open", 1), ("closed", 1), ("archived", 7)])
async def test_past_delivery_and_archived_nothing_is_taken(
    campaign: Api, contractor: Api, state: str, days: int
) -> None:
    await window(campaign, ago(days=9), ago(days=2), state, days)
    reply = await send(contractor, interview(ended_at=ago(days=3), started_at=None))
    assert (reply.status_code, reply.json()["type"]) == (410, "/problems/closed")
    assert await count(contractor) == 0


async def test_a_campaign_closed_before_its_time_still_takes_what_is_on_its_way(
    campaign: Api, contractor: Api
) -> None:
    await campaign.made("POST", "/v1/campaigns/C/close")
    assert await statuses(contractor, interview()) == ["accepted"]


async def test_an_interview_ends_inside_the_window_and_not_in_the_future(contractor: Api) -> None:
    for placed in (ago(minutes=-6), ago(days=2)):
        item = interview(ended_at=placed, started_at=None)
        assert (await rejected(contractor, item))[1] == {"/interviews/1/ended_at"}
        await pool(contractor).execute("TRUNCATE interviews, responses, claims")
    # A contractor's clock may be a little ahead of ours.
    assert await statuses(contractor, interview(ended_at=ago(minutes=-4))) == ["accepted"]
