"""Populations under 14: anonymous invitations only, and nothing that leads to a child."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.factories import Api, answers, campaign_body, invitations, link, submission, tree
from tests.phone_page.conftest import Browser

CHILD = {"questionnaire": "satisfaction-six", "version": 1, "under_14": True}
PARENT = {"questionnaire": "satisfaction-six", "version": 1}


@pytest.fixture
async def ready(admin: Api) -> Api:
    """A campaign that asks children and parents."""
    await tree(admin)
    body = campaign_body(populations={"student": CHILD, "parent": PARENT})
    await admin.made("PUT", "/v1/campaigns/C", body)
    await admin.made("POST", "/v1/campaigns/C/open")
    return admin


async def test_a_campaign_that_asks_children_must_admit_invitations(admin: Api) -> None:
    await tree(admin)
    body = campaign_body(populations={"student": CHILD}, identity=["device"])
    reply = await admin.put("/v1/campaigns/C", body)
    assert reply.status_code == 422
    assert [one["pointer"] for one in reply.json()["errors"]] == ["/identity"]


async def test_a_child_answers_by_invitation_and_by_nothing_else(ready: Api) -> None:
    browser = Browser(ready)
    code = await link(ready, population="student")
    shown = await ready.made("GET", f"/v1/links/{code}")
    assert shown["device_proof"] is None
    proof = (await ready.made("GET", f"/v1/links/{await link(ready)}"))["device_proof"]
    refused = await ready.post(f"/v1/links/{code}/responses", submission(device_proof=proof))
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/identity-required")
    page = await browser.open(f"/s/{code}")
    assert page.status_code == 401
    assert "Set-Cookie" not in page.headers
    [token] = await invitations(ready, 1, population="student")
    reply = await ready.post(f"/v1/invitations/{token}/responses", submission(device_proof=proof))
    assert reply.status_code == 201
    again = await ready.post(f"/v1/invitations/{token}/responses", submission())
    assert again.status_code == 409


@pytest.mark.parametrize(
    "leading", [{"phone": "+8613800000000"}, {"child": "2"}, {"sample_id": "s"}]
)
async def test_an_interview_of_a_child_holds_nothing_that_leads_to_it(
    ready: Api, leading: dict[str, str]
) -> None:
    interview: dict[str, Any] = {
        "unit": "A1",
        "population": "student",
        "disposition": "1.1",
        "ended_at": datetime.now(UTC).isoformat(),
        "answers": answers(),
    }
    sent = [{**interview, "interview_id": "1", **leading}, {**interview, "interview_id": "2"}]
    reply = await ready.made(
        "POST",
        "/v1/campaigns/C/interviews",
        {"interviews": sent},
        headers={"Idempotency-Key": "k"},
    )
    assert (reply["accepted"], reply["rejected"]) == (1, 1)
    [error] = reply["results"][0]["problem"]["errors"]
    assert error["pointer"] == f"/interviews/0/{next(iter(leading))}"
    assert error["code"] == "identifies_a_child"


async def test_that_they_are_children_is_fixed_by_opening(ready: Api) -> None:
    campaign = await ready.made("GET", "/v1/campaigns/C")
    body = {name: value for name, value in campaign.items() if name not in ("code", "state")}
    body["populations"]["student"]["under_14"] = False
    reply = await ready.put("/v1/campaigns/C", body)
    assert reply.status_code == 409
    pointers = [one["pointer"] for one in reply.json()["errors"]]
    assert pointers == ["/populations/student/under_14"]
