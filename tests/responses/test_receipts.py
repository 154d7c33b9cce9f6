"""Receipts: what they prove, and withdrawing."""

import asyncio
from datetime import timedelta

import pytest

from tests.factories import (
    Api,
    answers,
    campaign_body,
    invitations,
    open_campaign,
    submission,
    tree,
)


async def answered(api: Api, token: str, value: str = "satisfied") -> str:
    """The receipt of an answer by invitation."""
    made = await api.made("POST", f"/v1/invitations/{token}/responses", submission(value))
    return str(made["receipt"])


async def test_a_receipt_shows_the_answers_for_half_an_hour_and_arrival_always(
    ready: Api,
) -> None:
    [token] = await invitations(ready, 1)
    receipt = await answered(ready, token)
    read = await ready.made("POST", "/v1/receipts/read", {"receipt": receipt})
    assert (read["status"], read["campaign"], read["answers"]) == ("accepted", "C", answers())
    await ready.app.state.database.pool.execute(
        "UPDATE responses SET answered_at = answered_at - $1::interval", timedelta(minutes=31)
    )
    later = await ready.made("POST", "/v1/receipts/read", {"receipt": f" {receipt} "})
    assert (later["status"], later["answers"]) == ("accepted", None)


@pytest.mark.parametrize(("minutes", "shown"), [(0, False), (45, True)])
async def test_a_campaign_says_for_how_long_answers_are_shown(
    admin: Api, minutes: int, shown: bool
) -> None:
    await tree(admin)
    await open_campaign(admin, answers_shown_minutes=minutes)
    [token] = await invitations(admin, 1)
    receipt = await answered(admin, token)
    await admin.app.state.database.pool.execute(
        "UPDATE responses SET answered_at = answered_at - $1::interval", timedelta(minutes=31)
    )
    read = await admin.made("POST", "/v1/receipts/read", {"receipt": receipt})
    assert (read["answers"] is not None) is shown
    # Who has answered was told how long: it no longer changes.
    body = campaign_body(answers_shown_minutes=minutes + 1)
    kept = await admin.made("GET", "/v1/campaigns/C")
    body |= {name: kept[name] for name in ("opens_at", "closes_at")}
    reply = await admin.put("/v1/campaigns/C", body)
    assert reply.json()["errors"][0]["pointer"] == "/answers_shown_minutes"


async def test_a_withdrawn_response_counts_no_more_and_its_person_may_answer_again(
    ready: Api,
) -> None:
    [token] = await invitations(ready, 1)
    url = f"/v1/invitations/{token}/responses"
    body = submission()
    receipt = (await ready.made("POST", url, body))["receipt"]
    both = await asyncio.gather(
        *(ready.post("/v1/receipts/withdraw", {"receipt": receipt}) for _ in range(8))
    )
    assert {reply.status_code for reply in both} == {200}
    assert {reply.json()["status"] for reply in both} == {"withdrawn"}
    pool = ready.app.state.database.pool
    assert await pool.fetchval("SELECT sum(sign) FROM responses") == 0
    read = await ready.made("POST", "/v1/receipts/read", {"receipt": receipt})
    assert (read["status"], read["answers"]) == ("withdrawn", None)
    assert (await ready.post(url, body)).json()["type"] == "/problems/withdrawn"
    assert (await ready.post(url, submission("dissatisfied"))).status_code == 201
    results = await ready.made("GET", "/v1/campaigns/C/results")
    assert (results["rows"][0]["respondents"], results["rows"][0]["rate"]) == (1, 0.0)


async def test_after_closing_nothing_is_withdrawn(ready: Api) -> None:
    [token] = await invitations(ready, 1)
    receipt = await answered(ready, token)
    await ready.made("POST", "/v1/campaigns/C/close")
    reply = await ready.post("/v1/receipts/withdraw", {"receipt": receipt})
    assert (reply.status_code, reply.json()["type"]) == (410, "/problems/closed")
    assert await ready.app.state.database.pool.fetchval("SELECT sum(sign) FROM responses") == 1


async def test_no_other_receipt_opens_anything(ready: Api) -> None:
    [token] = await invitations(ready, 1)
    receipt = await answered(ready, token)
    other = "B" if receipt[-2] != "B" else "C"
    for text in ("", "x", receipt[:-1], receipt[:-2] + other + receipt[-1], "A" * 38, "校" * 38):
        for action in ("read", "withdraw"):
            reply = await ready.post(f"/v1/receipts/{action}", {"receipt": text})
            assert (reply.status_code, reply.json()["type"]) == (404, "/problems/not-found")
    assert await ready.app.state.database.pool.fetchval("SELECT sum(sign) FROM responses") == 1
