"""A contractor with a list of phones cannot learn from its own reconciliation who has answered."""

import hashlib
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.core import clock
from app.telephone.reconciliation.answered import told
from tests.factories import Api, open_campaign
from tests.telephone.deliveries import delivered, interview, phone, pool
from tests.telephone.reconciliation.files import URL

MIN_CELL = 5


@pytest.fixture
async def careful(campaign: Api) -> str:
    """The deliveries of a campaign with small cells."""
    await open_campaign(campaign, "P", min_cell=MIN_CELL)
    return "/v1/campaigns/P/interviews"


async def deliver(api: Api, url: str, phones: list[str], prefix: str = "V") -> None:
    """One interview with each, under names of their own."""
    items = [interview(f"{prefix}-{index}", phone=one) for index, one in enumerate(phones)]
    assert (await delivered(api, *items, url=url))["accepted"] == len(phones)


async def next_day(api: Api) -> None:
    """Let the day on which everything came be over."""
    await pool(api).execute("UPDATE answered_before SET day = day - 2")


async def all_that_is_told(api: Api) -> Any:
    """Every reply of a contractor's that could tell, but for names, times and digests."""
    url = URL.replace("/C/", "/P/")
    replies = [
        await api.made("GET", url, params={"by": by, "digest": "false"})
        for by in ("batch", "day", "unit")
    ]
    stated = (await api.made("GET", "/v1/campaigns/P/statement"))["statement"]
    return [_without_names(one) for one in [*replies, stated]]


def _without_names(found: Any) -> Any:
    hidden = {"source", "contractor", "as_of", "name", "received_at", "finished_at"}
    hidden |= {"number", "made_at", "digest", "first_at"}
    if isinstance(found, dict):
        return {key: _without_names(one) for key, one in found.items() if key not in hidden}
    if isinstance(found, list):
        return [_without_names(one) for one in found]
    return found


async def told_by_day(api: Api) -> list[int]:
    reply = await api.made("GET", URL.replace("/C/", "/P/"), params={"by": "day"})
    numbers = [row["received"]["already_answered"] for row in reply["rows"]]
    return [one for one in numbers if one is not None]


async def test_one_phone_delivered_often_tells_nothing_of_its_person(
    careful: str, campaign: Api, contractor: Api, other: Api
) -> None:
    answered, free = phone(), phone()
    await deliver(other, careful, [answered])
    rival = await campaign.as_client("interviews:write", name="a third contractor")
    for api, asked_after in ((contractor, answered), (rival, free)):
        # Under many names, and among others of which it is known that they are refused: once
        # interviewed by the contractor itself, and then again.
        own = [phone() for _ in range(3 * MIN_CELL)]
        await deliver(api, careful, own, "own")
        await deliver(api, careful, own, "again")
        await deliver(api, careful, [asked_after] * 4 * MIN_CELL, "asked")
    statuses = "SELECT count(*) FROM interviews WHERE status = 'already_answered'"
    assert await pool(contractor).fetchval(statuses) == 2 * 3 * MIN_CELL + 8 * MIN_CELL - 1
    before = await all_that_is_told(contractor), await all_that_is_told(rival)
    await next_day(contractor)
    after = await all_that_is_told(contractor), await all_that_is_told(rival)
    assert before[0] == before[1] == after[0] == after[1]
    assert await told_by_day(contractor) == []


async def test_a_number_is_told_when_the_day_is_over_and_rounded_down(
    careful: str, contractor: Api, other: Api, bureau: Api
) -> None:
    persons = [phone() for _ in range(4 * MIN_CELL)]
    await deliver(other, careful, persons)
    await deliver(contractor, careful, persons, "one")
    assert await told_by_day(contractor) == []
    await next_day(contractor)
    [number] = await told_by_day(contractor)
    assert number % MIN_CELL == 0
    assert 2 * MIN_CELL < number <= 4 * MIN_CELL
    assert await told_by_day(contractor) == [number]
    assert await told_by_day(other) == []
    # The same persons are no news on another day, whatever else is delivered with them.
    await deliver(contractor, careful, persons, "other")
    await next_day(contractor)
    assert await told_by_day(contractor) == [number]
    seen = await bureau.made("GET", URL.replace("/C/", "/P/"))
    assert sorted(one["already_answered"] for one in seen["sources"]) == [0, 8 * MIN_CELL]


async def test_corrections_into_somebody_who_had_answered_are_told_no_sooner(
    careful: str, contractor: Api, other: Api
) -> None:
    victim = phone()
    await deliver(other, careful, [victim])
    first = interview("V-1")
    await delivered(contractor, first, url=careful)
    reply = await delivered(contractor, {**first, "phone": victim, "revision": 2}, url=careful)
    assert reply["updated"] == 1
    noted = await pool(contractor).fetch("SELECT * FROM answered_before")
    assert len(noted) == 1
    await next_day(contractor)
    assert await told_by_day(contractor) == []


def test_one_response_more_seldom_changes_what_is_told_and_never_below_the_cell() -> None:
    now = clock.now()
    day = clock.day_of(now) - timedelta(days=2)

    def number(responses: int, drawn: int) -> int:
        row = SimpleNamespace(day=day, responses=responses, drawn=drawn.to_bytes(32, "big"))
        return told([row], 10, now).get(day, 0)

    start = int.from_bytes(hashlib.sha256(b"any").digest(), "big") >> 1
    for responses in range(60):
        draws = [
            (number(responses, start + one), number(responses + 1, start + one))
            for one in range(10)
        ]
        assert sum(one != other for one, other in draws) <= 1
        for one, _ in draws:
            assert one % 10 == 0
            assert max(0, responses - 18) <= one <= responses
    assert {number(9, start + one) for one in range(10)} == {0}


def test_a_day_is_told_an_hour_after_it_is_over() -> None:
    now = clock.now()
    midnight = now.astimezone(clock.SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    day = clock.day_of(midnight) - timedelta(days=1)
    row = SimpleNamespace(day=day, responses=1000, drawn=bytes(32))
    assert told([row], 10, midnight + timedelta(minutes=59)) == {}
    assert told([row], 10, midnight + timedelta(minutes=61)) == {day: 1000}
