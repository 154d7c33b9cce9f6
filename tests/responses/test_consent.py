"""Which consent text a person was shown is kept with the response, whatever becomes of it."""

import hashlib
import uuid
from typing import Any

import asyncpg
import pytest

from app.core.database import Database
from app.doubts.signs.queries import flag
from tests.factories import Api, answers, invitations, link, open_campaign, tree
from tests.phone_page.conftest import Browser, hidden

CHINESE, ENGLISH = "您的回答只用于改进工作。", "Your answers only serve to improve the school."
CONSENT = {"zh-CN": CHINESE, "en": ENGLISH}
WHY = {"reason": "test"}


@pytest.fixture
async def asked(admin: Api) -> Api:
    """The admin's API with campaign C, whose questionnaire has a consent text."""
    await tree(admin)
    six = await admin.made("GET", "/v1/questionnaires/satisfaction-six")
    title = {**six["title"], "ug": "ئانكېت"}  # a language that the consent text does not have
    await admin.made("PUT", "/v1/questionnaires/own", {**six, "title": title, "consent": CONSENT})
    await admin.made("POST", "/v1/questionnaires/own/publish")
    population = {"questionnaire": "own", "version": 1}
    await open_campaign(admin, populations={"parent": population}, on_duplicate="keep_last")
    return admin


def consented(locale: str, text: str) -> dict[str, Any]:
    return {"version": 1, "locale": locale, "sha256": hashlib.sha256(text.encode()).hexdigest()}


async def read(api: Api, receipt: str) -> Any:
    """The consent that a receipt proves."""
    found = await api.made("POST", "/v1/receipts/read", {"receipt": receipt})
    return found["consent"]


async def kept(api: Api) -> list[tuple[int, int, int | None]]:
    """All rows of the ledger in order: sequence, sign, consent."""
    database: Database = api.app.state.database
    rows = await database.pool.fetch(
        "SELECT sequence, sign, consent_id FROM responses ORDER BY transaction_id, sequence"
    )
    return [tuple(row) for row in rows]


SHOWN = [("zh-CN", "zh-CN"), ("en", "en"), ("ug", "zh-CN"), ("fr", "zh-CN"), (None, "zh-CN")]


async def test_a_receipt_says_which_text_in_which_language_was_agreed_to(asked: Api) -> None:
    tokens = await invitations(asked, len(SHOWN))
    for token, (locale, shown) in zip(tokens, SHOWN, strict=True):
        body = {"submission_id": str(uuid.uuid4()), "answers": answers(), "locale": locale}
        made = await asked.made("POST", f"/v1/invitations/{token}/responses", body)
        assert await read(asked, made["receipt"]) == consented(shown, CONSENT[shown])


async def test_who_answers_on_the_page_agrees_to_what_the_page_shows(asked: Api) -> None:
    browser = Browser(asked)
    url = f"/s/{await link(asked)}?lang=en"
    page = await browser.open(url)
    assert page.text.index(ENGLISH) < page.text.index("<fieldset")
    fields = {f"q.{code}": value for code, value in answers().items()}
    thanks = await browser.send(url, {**hidden(page.text), **fields})
    assert thanks.status_code == 201
    database: Database = asked.app.state.database
    stored = await database.pool.fetchrow(
        "SELECT locale, text_sha256, version FROM consents "
        "WHERE id = (SELECT consent_id FROM responses)"
    )
    assert tuple(stored) == ("en", hashlib.sha256(ENGLISH.encode()).digest(), 1)


async def test_without_a_consent_text_nothing_is_said_to_be_agreed_to(ready: Api) -> None:
    [token] = await invitations(ready, 1)
    body = {"submission_id": str(uuid.uuid4()), "answers": answers(), "locale": "zh-CN"}
    made = await ready.made("POST", f"/v1/invitations/{token}/responses", body)
    assert await read(ready, made["receipt"]) is None
    assert await kept(ready) == [(0, 1, None)]


async def test_every_row_of_a_response_keeps_what_was_agreed_to(asked: Api) -> None:
    """Replaced, flagged, voided, restored, withdrawn."""
    database: Database = asked.app.state.database
    code = await link(asked)
    shown = await asked.made("GET", f"/v1/links/{code}")
    body = {"answers": answers(), "locale": "en", "device_proof": shown["device_proof"]}
    first, second = ({**body, "submission_id": str(uuid.uuid4())} for _ in range(2))
    await asked.made("POST", f"/v1/links/{code}/responses", first)
    made = await asked.made("POST", f"/v1/links/{code}/responses", second)
    assert made["status"] == "replaced"
    campaign_id = await database.pool.fetchval("SELECT id FROM campaigns WHERE code = 'C'")
    changes = [(uuid.UUID(second["submission_id"]), 0, 1)]
    async with database.pool.acquire() as connection:
        assert await flag(connection, campaign_id=campaign_id, changes=changes) == 1
    await asked.made("POST", f"/v1/links/{code}/void", WHY)
    await asked.made("POST", f"/v1/links/{code}/restore", WHY)
    await asked.made("POST", "/v1/receipts/withdraw", {"receipt": made["receipt"]})
    rows = await kept(asked)
    [english] = await database.pool.fetch("SELECT id FROM consents WHERE locale = 'en'")
    assert {consent for _, _, consent in rows} == {english["id"]}
    assert sorted(row[:2] for row in rows) == sorted(
        [(0, 1), (1, -1), (0, 1), (1, -1), (2, 1), (3, -1), (4, 1), (5, -1)]
    )
    assert await read(asked, made["receipt"]) == consented("en", ENGLISH)


async def test_a_voided_response_that_is_withdrawn_keeps_it_too(asked: Api) -> None:
    [token] = await invitations(asked, 1)
    body = {"submission_id": str(uuid.uuid4()), "answers": answers()}
    made = await asked.made("POST", f"/v1/invitations/{token}/responses", body)
    database: Database = asked.app.state.database
    batch = await database.pool.fetchval("SELECT id FROM invitation_batches")
    await asked.made("POST", f"/v1/campaigns/C/invitations/{batch}/void", WHY)
    await asked.made("POST", "/v1/receipts/withdraw", {"receipt": made["receipt"]})
    assert len({consent for _, _, consent in await kept(asked)}) == 1
    assert (await kept(asked))[0][2] is not None


async def test_what_was_agreed_to_can_not_be_changed_afterwards(asked: Api) -> None:
    database: Database = asked.app.state.database
    for statement in (
        "UPDATE consents SET text_sha256 = '\\x00'",
        "DELETE FROM consents",
        "TRUNCATE consents",
    ):
        with pytest.raises(asyncpg.RaiseError):
            await database.pool.execute(statement)


async def test_a_new_version_has_consents_of_its_own_and_the_same_none(asked: Api) -> None:
    database: Database = asked.app.state.database
    counting = "SELECT count(*) FROM consents"
    assert await database.pool.fetchval(counting) == 2
    await asked.made("POST", "/v1/questionnaires/own/publish")  # nothing has changed
    assert await database.pool.fetchval(counting) == 2
    draft = await asked.made("GET", "/v1/questionnaires/own")
    await asked.made("PUT", "/v1/questionnaires/own", {**draft, "consent": {"zh-CN": "新"}})
    await asked.made("POST", "/v1/questionnaires/own/publish")
    rows = await database.pool.fetch("SELECT text_sha256 FROM consents WHERE version = 2")
    assert [row["text_sha256"] for row in rows] == [hashlib.sha256("新".encode()).digest()]
