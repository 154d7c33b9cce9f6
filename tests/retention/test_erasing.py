"""Retention: when its time is over, nothing is left of a campaign that leads to a person."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.database import Database
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.retention.erasing import erase_due, forget_expired
from app.retention.lists import Lists, listed
from tests.factories import Api, invitations, open_campaign, submission, tree

ASKED = {
    "title": {"zh-CN": "问"},
    "questions": [
        {"code": "stars", "type": "rating", "min": 1, "max": 5, "label": {"zh-CN": "星"}},
        {"code": "said", "type": "text", "label": {"zh-CN": "说"}},
    ],
}
SAID = "我的孩子叫王小明"
PHONE = "+8613800000001"


def interview() -> dict[str, Any]:
    """An interview that says all it can."""
    return {
        "interview_id": "V-1",
        "unit": "A1",
        "population": "parent",
        "phone": PHONE,
        "child": "1",
        "sample_id": "s-77",
        "interviewer": "员工 7",
        "disposition": "1.1",
        "ended_at": datetime.now(UTC).isoformat(),
        "answers": {"stars": 3, "said": SAID},
    }


@pytest.fixture
async def answered(admin: Api) -> tuple[Api, str]:
    """A campaign with a text answer by invitation and an interview; the first one's receipt."""
    await tree(admin)
    await admin.made("PUT", "/v1/questionnaires/q", ASKED)
    await admin.made("POST", "/v1/questionnaires/q/publish")
    populations = {"parent": {"questionnaire": "q", "version": 1}}
    await open_campaign(admin, populations=populations, retention_days=30, delivery_days=7)
    [token] = await invitations(admin, 1)
    body = {**submission(), "answers": {"stars": 5, "said": SAID}}
    made = await admin.made("POST", f"/v1/invitations/{token}/responses", body)
    await admin.made(
        "POST",
        "/v1/campaigns/C/interviews",
        {"interviews": [interview()]},
        headers={"Idempotency-Key": "k"},
    )
    return admin, made["receipt"]


@pytest.fixture
def lists(settings: Settings) -> Lists:
    """Where this deployment keeps its list of destructions."""
    return Lists.of(settings, Keyring(settings.secret_keys))


async def close_before(api: Api, ago: timedelta) -> None:
    """Move the campaign so that it closed this long ago."""
    await api.app.state.database.pool.execute(
        "UPDATE campaigns SET opens_at = now() - $1::interval - interval '1 day', "
        "closes_at = now() - $1::interval, state = 'closed', revision = revision + 1",
        ago,
    )


async def everything(api: Api) -> str:
    """All that is stored, as text."""
    pool = api.app.state.database.pool
    tables = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    parts = [
        await pool.fetchval(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {row[0]} t")
        for row in tables
    ]
    return " ".join(parts)


async def test_nothing_is_erased_before_its_time(answered: tuple[Api, str], lists: Lists) -> None:
    api, _ = answered
    await close_before(api, timedelta(days=36))
    assert await erase_due(api.app.state.database, lists) == []
    assert SAID in await everything(api)


async def test_what_leads_to_a_person_is_erased_and_the_counts_stay(
    answered: tuple[Api, str], lists: Lists, settings: Settings
) -> None:
    api, receipt = answered
    pool = api.app.state.database.pool
    before = await api.made("GET", "/v1/campaigns/C/results?by=unit,question")
    await close_before(api, timedelta(days=38))
    assert SAID in await everything(api)
    assert await erase_due(api.app.state.database, lists) == ["C"]
    left = await everything(api)
    for personal in (SAID, PHONE, "s-77", "员工 7"):
        assert personal not in left
    assert await pool.fetchval("SELECT count(*) FROM claims") == 0
    assert await pool.fetchval("SELECT array_agg(purpose) FROM campaign_keys") == ["receipt"]
    after = await api.made("GET", "/v1/campaigns/C/results?by=unit,question")
    assert after["rows"] == before["rows"]
    arrival = await api.made("POST", "/v1/receipts/read", {"receipt": receipt})
    assert arrival["status"] == "accepted"
    [entry] = (await api.made("GET", "/v1/audit?action=campaign.erase"))["items"]
    assert (entry["object"], entry["client"]) == ("C", None)
    rows = {name: count for name, count in entry["detail"].items() if count}
    assert rows == {"claims": 2, "texts": 2, "interviews": 1}
    assert await erase_due(api.app.state.database, lists) == []
    [listed_one] = listed(lists.keyring, settings.data_dir)
    assert (listed_one.campaign, listed_one.cause) == ("C", "retention")


async def test_an_erased_campaign_takes_nothing_any_more(
    answered: tuple[Api, str], lists: Lists
) -> None:
    api, _ = answered
    [token] = await invitations(api, 1)
    await close_before(api, timedelta(days=38))
    await erase_due(api.app.state.database, lists)
    reply = await api.post(f"/v1/invitations/{token}/responses", submission())
    assert reply.status_code in (410, 422)
    late = await api.post(
        "/v1/campaigns/C/interviews",
        {"interviews": [interview()]},
        headers={"Idempotency-Key": "late"},
    )
    assert (late.status_code, late.json()["type"]) == (410, "/problems/closed")


async def test_one_process_erases_at_a_time(answered: tuple[Api, str], lists: Lists) -> None:
    api, _ = answered
    await close_before(api, timedelta(days=38))
    database: Database = api.app.state.database
    async with database.pool.acquire() as other, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(hashtextextended('retention', 0))")
        assert await erase_due(database, lists) == []
    assert await erase_due(database, lists) == ["C"]


async def test_expired_replies_and_revocations_are_forgotten(answered: tuple[Api, str]) -> None:
    api, _ = answered
    pool = api.app.state.database.pool
    await pool.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    await pool.execute(
        "INSERT INTO revoked_tokens VALUES ('old', now() - interval '1 minute'), "
        "('new', now() + interval '1 minute')"
    )
    await forget_expired(api.app.state.database)
    assert await pool.fetchval("SELECT count(*) FROM idempotency_keys") == 0
    assert await pool.fetchval("SELECT array_agg(jti) FROM revoked_tokens") == ["new"]


async def test_retention_is_told_before_people_answer_and_only_becomes_shorter(
    answered: tuple[Api, str],
) -> None:
    api, _ = answered
    campaign: dict[str, Any] = await api.made("GET", "/v1/campaigns/C")
    body = {name: value for name, value in campaign.items() if name not in ("code", "state")}
    longer = await api.put("/v1/campaigns/C", {**body, "retention_days": 31})
    assert longer.status_code == 409
    assert [one["pointer"] for one in longer.json()["errors"]] == ["/retention_days"]
    await api.made("PUT", "/v1/campaigns/C", {**body, "retention_days": 29})
    body["retention_days"] = 29
    purpose = await api.put("/v1/campaigns/C", {**body, "purpose": "别的"})
    assert [one["pointer"] for one in purpose.json()["errors"]] == ["/purpose"]
