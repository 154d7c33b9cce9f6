"""Erasing by receipt: what a person wrote is gone, and numbers that were closed stand."""

from typing import Any

import pytest

from tests.factories import Api, invitations, open_campaign, tree

ASKED = {
    "title": {"zh-CN": "问"},
    "questions": [{"code": "said", "type": "text", "label": {"zh-CN": "说"}}],
}
ID = "7d0c7a0e-57ba-4dd1-a9d4-1c33e2b2f4d4"


@pytest.fixture
async def said(admin: Api) -> tuple[Api, str, str]:
    """An API, an invitation's token and the receipt of what was said by it."""
    await tree(admin)
    await admin.made("PUT", "/v1/questionnaires/q", ASKED)
    await admin.made("POST", "/v1/questionnaires/q/publish")
    await open_campaign(admin, populations={"parent": {"questionnaire": "q", "version": 1}})
    [token] = await invitations(admin, 1)
    body = {"submission_id": ID, "answers": {"said": "孩子的秘密"}}
    made = await admin.made("POST", f"/v1/invitations/{token}/responses", body)
    return admin, token, made["receipt"]


async def texts(api: Api) -> int:
    return int(await api.app.state.database.pool.fetchval("SELECT count(*) FROM response_texts"))


async def respondents(api: Api) -> Any:
    return (await api.made("GET", "/v1/campaigns/C/results"))["rows"][0]["respondents"]


async def test_while_the_campaign_is_open_erasing_withdraws(said: tuple[Api, str, str]) -> None:
    api, token, receipt = said
    for _ in range(2):
        erased = await api.made("POST", "/v1/receipts/erase", {"receipt": receipt})
        assert (erased["status"], erased["answers"]) == ("withdrawn", None)
    assert (await texts(api), await respondents(api)) == (0, 0)
    again = {"submission_id": ID[:-1] + "5", "answers": {"said": "别的"}}
    reply = await api.post(f"/v1/invitations/{token}/responses", again)
    assert reply.status_code == 201
    assert await texts(api) == 1


async def test_after_closing_the_words_go_and_the_numbers_stand(
    said: tuple[Api, str, str],
) -> None:
    api, _, receipt = said
    await api.made("POST", "/v1/campaigns/C/close")
    erased = await api.made("POST", "/v1/receipts/erase", {"receipt": receipt})
    assert erased["status"] == "accepted"
    assert erased["erased_from"] > erased["received_at"]
    assert (await texts(api), await respondents(api)) == (0, 1)
    read = await api.made("POST", "/v1/receipts/read", {"receipt": receipt})
    assert (read["status"], read["answers"]) == ("accepted", {})
    assert await api.app.state.database.pool.fetchval("SELECT count(*) FROM claims") == 1


async def test_without_the_receipt_nothing_is_erased(said: tuple[Api, str, str]) -> None:
    api, _, receipt = said
    for text in ("", receipt[:-1], "A" * len(receipt)):
        reply = await api.post("/v1/receipts/erase", {"receipt": text})
        assert reply.status_code == 404
    assert await texts(api) == 1
