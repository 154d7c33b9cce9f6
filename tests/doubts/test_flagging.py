"""Flags: appended and never written over, the same however often they are put, shown with why."""

import asyncio
import dataclasses
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.settings import Settings
from app.counts.folding import fold
from app.doubts import judging, keeping
from app.doubts.judging import judge_next
from app.doubts.problems import CannotJudge
from app.main import create
from app.responses.tables import Doubt
from tests.clients.test_command_line import said
from tests.doubts.crowds import (
    Given,
    at,
    database_of,
    differences,
    flagged,
    flags,
    give,
    judged,
    publish,
)
from tests.factories import Api, answers, invitations, open_campaign, submission, tree
from tests.telephone.deliveries import delivered, interview


def crowd(quick: int = 3, **fields: Any) -> list[Given]:
    """Thirty people who took about a minute, and some who were quick."""
    usual = [Given("usual", seconds=60 + one, at=at(11 * one), **fields) for one in range(30)]
    return usual + [Given("quick", seconds=5, at=at(7 * one), **fields) for one in range(quick)]


async def rows(api: Api) -> int:
    found: int = await database_of(api).pool.fetchval("SELECT count(*) FROM responses")
    return found


async def results(api: Api, quality: str) -> Any:
    url = f"/v1/campaigns/C/results?by=unit,question&level=school&quality={quality}"
    return (await api.made("GET", url))["rows"]


async def next_of(api: Api) -> judging.Judged | None:
    """What judging in the background comes to."""
    settings: Settings = api.app.state.settings
    return await judge_next(database_of(api), settings.quality)


@pytest.fixture
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "REST_SECONDS", 0.0)
    monkeypatch.setattr(judging, "REST_SHARE", 0.0)


async def test_judging_the_same_twice_changes_nothing(ready: Api) -> None:
    given = await give(ready, crowd())
    assert (await judged(ready)).changed == 3
    before = await rows(ready)
    assert (await judged(ready)).changed == 0
    assert await rows(ready) == before == len(given) + 2 * 3


async def test_clean_results_leave_the_flagged_out_folded_or_not(ready: Api) -> None:
    await give(ready, crowd(answers=answers()))
    await give(ready, [Given("quick", seconds=4, answers=answers("dissatisfied"))])
    everything = await results(ready, "all")
    assert await results(ready, "clean") == everything
    await fold(database_of(ready))
    await judged(ready)
    for _ in range(2):
        assert await results(ready, "all") == everything
        [overall, *_] = await results(ready, "clean")
        assert (overall["respondents"], overall["counts"]["dissatisfied"]) == (30, 0)
        assert overall["rate"] == 1
        await fold(database_of(ready))
        assert await differences(ready) == []
    await judged(ready, fast=None)
    assert await results(ready, "clean") == await results(ready, "all") == everything


async def test_who_may_not_read_exact_results_reads_no_clean_ones(ready: Api) -> None:
    public = await ready.as_client("results:read")
    assert (await public.get("/v1/campaigns/C/results?quality=clean")).status_code == 409
    assert (await public.get("/v1/campaigns/C/doubts")).status_code == 403


async def test_what_a_flagged_person_wrote_is_kept_shown_and_erased(admin: Api) -> None:
    await tree(admin)
    population = {"parent": await publish(admin, 2)}
    await open_campaign(admin, populations=population)
    await give(admin, crowd(0, answers={"comment": "好"}))
    [token] = await invitations(admin, 1)
    body = submission(started_at="2026-01-01T00:00:00Z", answers={"comment": "食堂太贵"})
    url = f"/v1/invitations/{token}/responses"
    receipt = (await admin.made("POST", url, body))["receipt"]
    pool = database_of(admin).pool
    await pool.execute("UPDATE responses SET seconds = 2 WHERE channel = 3")
    for fast, signs in ((0.3, ["fast"]), (None, None), (0.3, ["fast"])):
        await judged(admin, fast=fast)
        assert (await flags(admin)).get(uuid.UUID(body["submission_id"])) == signs
        arrival = await admin.made("POST", "/v1/receipts/read", {"receipt": receipt})
        assert (arrival["status"], arrival["answers"]) == ("accepted", {"comment": "食堂太贵"})
        assert (await admin.post(url, body)).status_code == 200  # the same again
        spelled = await pool.fetchval(
            "SELECT answers::text FROM readable_responses WHERE channel = 'invitation'"
        )
        assert json.loads(spelled) == {"comment": "食堂太贵"}
    await admin.made("POST", "/v1/receipts/erase", {"receipt": receipt})
    assert await pool.fetchval("SELECT count(*) FROM response_texts WHERE body ~ '食堂'") == 0
    assert (await judged(admin)).changed == 0


async def test_a_revised_interview_is_looked_at_again(ready: Api) -> None:
    await give(ready, crowd(0))
    for number in range(30):
        await delivered(ready, interview(f"V-{number}"))
    ended = datetime.now(UTC) - timedelta(minutes=5)
    times: Any = {"started_at": ended - timedelta(seconds=9), "ended_at": ended}
    made = interview("V-hasty", **{name: time.isoformat() for name, time in times.items()})
    await delivered(ready, made)
    assert (await judged(ready)).changed == 1
    corrected = {**made, "revision": 2, "answers": answers("dissatisfied")}
    await delivered(ready, corrected)
    assert await flags(ready) == {}
    assert (await judged(ready)).changed == 1
    assert list((await flags(ready)).values()) == [["fast"]]
    assert await differences(ready) == []


@pytest.mark.usefixtures("_no_rest")
async def test_the_background_judges_what_is_new_and_nothing_else(ready: Api) -> None:
    await give(ready, crowd())
    assert (await next_of(ready)).changed == 3  # type: ignore[union-attr]
    assert await next_of(ready) is None, "its own flags make nothing due"
    await give(ready, [Given("quick", seconds=3)])
    assert (await next_of(ready)).changed == 1  # type: ignore[union-attr]
    assert await next_of(ready) is None
    # Other thresholds are news too.
    other = {**ready.app.state.settings.quality, "fast": None}
    assert (await judge_next(database_of(ready), other)).changed == 4  # type: ignore[union-attr]


async def test_a_campaign_rests_between_two_judgings(ready: Api) -> None:
    await give(ready, crowd())
    assert await next_of(ready) is not None
    await give(ready, [Given("quick", seconds=3)])
    assert await next_of(ready) is None
    await database_of(ready).pool.execute(
        "UPDATE judged_campaigns SET judged_at = judged_at - interval '2 minutes'"
    )
    assert await next_of(ready) is not None


@pytest.mark.usefixtures("_no_rest")
async def test_many_that_judge_at_once_come_to_what_one_comes_to(ready: Api) -> None:
    await give(ready, crowd(20))
    settings: Settings = ready.app.state.settings
    rounds = [keeping.keep(database_of(ready), settings.quality) for _ in range(3)]
    await asyncio.gather(*rounds, judged(ready))
    assert list((await flags(ready)).values()) == [["fast"]] * 20
    assert await rows(ready) == 50 + 2 * 20
    assert (await judged(ready)).changed == 0
    assert await differences(ready) == []


@pytest.mark.usefixtures("_no_rest")
async def test_a_response_is_not_rewritten_for_ever(ready: Api) -> None:
    """A median that goes to and fro must not make rows without end."""
    given = await give(ready, crowd(1))
    database, quality = database_of(ready), dict(ready.app.state.settings.quality)
    written = 0
    for number in range(2 * judging.MOST_REWRITES):
        quality["fast"] = 0.3 if number % 2 == 0 else None
        done = await judge_next(database, quality)
        assert done is not None
        written += done.changed
    assert written == judging.MOST_REWRITES
    assert await rows(ready) == len(given) + 2 * judging.MOST_REWRITES
    # By hand it is as often as somebody asks.
    assert (await judged(ready)).changed == 1
    assert await flagged(ready, given) == {"quick": {"fast"}}


async def test_flags_stay_as_they_are_once_claims_are_gone(ready: Api) -> None:
    given = await give(ready, [Given("one", network=1, at=at(one / 10)) for one in range(201)])
    await judged(ready)
    assert await flagged(ready, given) == {"one": {"network", "devices", "burst"}}
    pool = database_of(ready).pool
    await pool.execute("DELETE FROM campaign_keys WHERE purpose = 'identity'")
    await pool.execute("DELETE FROM claims")
    assert await next_of(ready) is None
    with pytest.raises(CannotJudge):
        await judged(ready)
    assert await flagged(ready, given) == {"one": {"network", "devices", "burst"}}


async def test_doubts_are_shown_with_their_reasons_and_thresholds(ready: Api) -> None:
    never = await ready.made("GET", "/v1/campaigns/C/doubts")
    assert (never["judged_at"], never["rows"]) == (None, [])
    assert never["thresholds"]["fast"] == 0.3
    await give(ready, crowd(3))
    await give(ready, [Given(unit="B1", seconds=2, population=0)])
    await give(ready, crowd(2, population=1))
    await judged(ready, fast=0.25, burst=None)
    found = await ready.made("GET", "/v1/campaigns/C/doubts")
    assert found["judged_at"] is not None
    assert (found["thresholds"]["fast"], found["thresholds"]["burst"]) == (0.25, None)
    signs = {one["sign"]: one for one in found["signs"]}
    assert list(signs) == [one.name for one in Doubt]
    assert signs["fast"]["responses"] == 6
    assert list(signs["fast"]["explanation"]) == ["zh-CN", "en"]
    assert "0.25" in signs["fast"]["explanation"]["zh-CN"]
    assert signs["burst"]["explanation"] is None
    assert [(row["unit"]["code"], row["population"], row["signs"]) for row in found["rows"]] == [
        ("A1", "parent", {"fast": 3}),
        ("A1", "teacher", {"fast": 2}),
        ("B1", "parent", {"fast": 1}),
    ]
    county = await ready.as_client("results:exact", unit="B")
    seen = await county.made("GET", "/v1/campaigns/C/doubts")
    assert [row["unit"]["code"] for row in seen["rows"]] == ["B1"]
    assert {one["sign"]: one["responses"] for one in seen["signs"]}["fast"] == 1
    stranger = await ready.as_client("results:exact", unit="A2")
    assert (await stranger.made("GET", "/v1/campaigns/C/doubts"))["rows"] == []


async def test_a_withdrawal_while_it_is_flagged_is_a_withdrawal(ready: Api) -> None:
    await give(ready, crowd(0))
    tokens = await invitations(ready, 40)
    receipts = []
    for token in tokens:
        made = await ready.made("POST", f"/v1/invitations/{token}/responses", submission())
        receipts.append(made["receipt"])
    await database_of(ready).pool.execute("UPDATE responses SET seconds = 1 WHERE channel = 3")

    async def withdraw(receipt: str) -> None:
        arrival = await ready.made("POST", "/v1/receipts/withdraw", {"receipt": receipt})
        assert arrival["status"] == "withdrawn"

    async def flag() -> None:
        for fast in (0.3, None, 0.3, None, 0.3):
            await judged(ready, fast=fast)

    await asyncio.gather(flag(), *map(withdraw, receipts))
    [row] = (await ready.made("GET", "/v1/campaigns/C/results"))["rows"]
    assert row["respondents"] == 30
    assert await differences(ready) == []


async def test_the_command_judges_and_says_what_it_found(ready: Api, settings: Settings) -> None:
    await give(ready, crowd())
    printed = await said(settings, "quality", "C")
    assert "3 responses have other flags than before" in printed
    assert "3  fast: answered in less than 0.3 of the median" in printed
    assert "no campaign none" in await said(settings, "quality", "none", status=1)
    assert len(await flags(ready)) == 3


async def test_the_app_judges_by_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, ready: Api
) -> None:
    given = await give(ready, crowd())
    monkeypatch.setattr(keeping, "INTERVAL", 0.05)
    slower = dataclasses.replace(settings, quality={**settings.quality, "fast": 0.05})
    app = create(slower)
    async with app.router.lifespan_context(app), asyncio.timeout(60):
        while (await ready.made("GET", "/v1/campaigns/C/doubts"))["judged_at"] is None:
            await asyncio.sleep(0.05)
    assert await flagged(ready, given) == {}, "by its own thresholds, and those are lower"
    assert (await judged(ready)).changed == 3
