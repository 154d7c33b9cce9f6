"""The pace at which targets are approached, and the day on which they are met at it."""

import random
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from app.counts.folding import fold
from app.responses.tables import Channel
from app.results.coverage import pace
from tests.factories import Api, link, open_campaign, submission, tree
from tests.results.ledger import PARENTS, Entry, insert, publish

URL = "/v1/campaigns/C/coverage"
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
"""Noon of a Sunday in Shanghai."""
TODAY = date(2026, 11, 22)


def simulated(window: pace.Window, gap: int, each: Fraction) -> date | None:
    """Day after day, until so many more have come in; None where that takes for ever."""
    day, come_in = window.today, Fraction(0)
    while come_in < gap:
        day += timedelta(days=1)
        come_in += each
        if day - window.today > pace.HORIZON:
            return None
    return day


@given(opened=st.integers(0, 12), responses=st.integers(1, 3000), gap=st.integers(1, 5000))
def test_the_day_is_that_of_a_simulation(opened: int, responses: int, gap: int) -> None:
    window = pace.window(NOW - timedelta(days=opened), NOW + timedelta(days=9), NOW)
    assert window is not None
    assert window.days == min(opened + 1, 7)
    each = window.pace(responses)
    assert each * window.days == responses
    assert window.expected_on(gap, each) == simulated(window, gap, each)


def test_without_a_gap_or_a_pace_there_is_no_day_and_none_beyond_a_year() -> None:
    window = pace.Window(since=TODAY, today=TODAY, last=TODAY)
    assert window.expected_on(0, Fraction(1)) is None
    assert window.expected_on(1, Fraction(0)) is None
    assert window.expected_on(366, Fraction(1)) == TODAY + timedelta(days=366)
    assert window.expected_on(367, Fraction(1)) is None
    assert window.expected_on(10**9, Fraction(1, 7)) is None


def shanghai(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), clock.SHANGHAI)


@pytest.mark.parametrize(
    ("opens", "closes", "now", "expected"),
    [
        (shanghai(TODAY, 0), shanghai(TODAY, 22), NOW, (TODAY, TODAY)),
        (
            shanghai(date(2026, 11, 21), 23, 59),
            shanghai(date(2026, 11, 25), 0),
            NOW,
            (date(2026, 11, 21), date(2026, 11, 24)),
        ),
        (
            shanghai(date(2026, 1, 1), 8),
            shanghai(date(2026, 11, 25), 0, 1),
            NOW,
            (date(2026, 11, 16), date(2026, 11, 25)),
        ),
        # At 16:30 UTC of the 21st it is the 22nd there.
        (
            shanghai(date(2026, 1, 1), 8),
            shanghai(date(2026, 12, 1), 8),
            datetime(2026, 11, 21, 16, 30, tzinfo=UTC),
            (date(2026, 11, 16), date(2026, 12, 1)),
        ),
    ],
    ids=["today", "yesterday", "long ago", "after midnight there"],
)
def test_days_are_those_of_shanghai(
    opens: datetime, closes: datetime, now: datetime, expected: tuple[date, date]
) -> None:
    found = pace.window(opens, closes, now)
    assert found is not None
    assert (found.since, found.last) == expected


def test_outside_of_its_window_a_campaign_has_no_pace() -> None:
    hour = timedelta(hours=1)
    assert pace.window(NOW + hour, NOW + 2 * hour, NOW) is None
    assert pace.window(NOW - 2 * hour, NOW - hour, NOW) is None
    assert pace.window(NOW - hour, NOW, NOW) is None
    assert pace.window(NOW, NOW + hour, NOW) is not None


async def prepared(admin: Api, days_open: int) -> None:
    populations = await publish(admin)
    targets = [
        {"name": "semester", "basis": "students", "share": 0.5},
        {"name": "calls", "basis": "students", "share": 0.2, "channel": "phone"},
    ]
    populations["parent"]["targets"] = targets
    now = datetime.now(UTC)
    await open_campaign(
        admin,
        populations=populations,
        opens_at=(now - timedelta(days=days_open)).isoformat(),
        closes_at=(now + timedelta(days=7)).isoformat(),
    )


def responses(dice: random.Random, today: date) -> list[Entry]:
    """Responses of the last fortnight, some at the edges of days."""
    return [
        Entry(
            unit=dice.choice(["A1", "A2", "B1", "A"]),
            channel=dice.choice([Channel.phone, Channel.link, Channel.wechat]),
            answered_at=shanghai(
                today - timedelta(days=dice.randint(0, 13)), dice.choice([0, 12, 23])
            ),
        )
        for _ in range(150)
    ]


async def tallied(admin: Api, unit: str, n: int, as_of: datetime) -> list[Entry]:
    """Deliver a tally of telephone interviews; what it stands for."""
    row = {"unit": unit, "population": "parent", "respondents": n, "counts": {}}
    body = {"channel": "phone", "as_of": as_of.isoformat(), "rows": [row]}
    await admin.made("PUT", f"/v1/campaigns/C/tallies/{unit}", body)
    return [Entry(unit=unit, channel=Channel.phone, answered_at=as_of) for _ in range(n)]


def recounted(entries: list[Entry], first: date) -> Counter[tuple[str, str]]:
    """Responses since a day, by unit and target."""
    came: Counter[tuple[str, str]] = Counter()
    for one in entries:
        if clock.day_of(one.answered_at) >= first:
            for unit in {one.unit, one.unit[0], "W"}:
                came[unit, "semester"] += 1
                came[unit, "calls"] += one.channel.name == "phone"
    return came


async def test_paces_are_those_of_the_rows_of_the_last_seven_days(admin: Api) -> None:
    await tree(admin)
    await prepared(admin, 20)
    campaign = await admin.made("GET", "/v1/campaigns/C")
    closes = clock.day_of(datetime.fromisoformat(campaign["closes_at"]))
    today, dice = clock.day_of(datetime.now(UTC)), random.Random(8)
    definitions = {"parent": PARENTS}
    folded, fresh = responses(dice, today), responses(dice, today)
    await insert(admin, folded, definitions=definitions)
    while await fold(admin.app.state.database) is None:
        pass
    await insert(admin, fresh, definitions=definitions)
    elsewhere = await tallied(admin, "A1", 11, shanghai(today - timedelta(days=2), 9))
    elsewhere += await tallied(admin, "A2", 13, shanghai(today - timedelta(days=9), 9))
    for level in ("school", "county", "city"):
        reply = await admin.made("GET", f"{URL}?level={level}")
        today = clock.day_of(datetime.fromisoformat(reply["as_of"]))
        first = today - timedelta(days=6)
        came = recounted([*folded, *fresh, *elsewhere], first)
        assert 100 < came["W", "semester"] < 250
        assert reply["pace_since"] == str(first)
        for row in reply["rows"]:
            expected = Fraction(came[row["unit"]["code"], row["target"]], 7)
            assert row["pace"] == float(expected)
            window = pace.Window(first, today, closes)
            gap = max(row["required"] - row["responded"], 0)
            day = simulated(window, gap, expected) if gap and expected else None
            assert row["expected_on"] == (None if day is None else str(day))
            assert row["on_time"] == (None if day is None else day <= window.last)


async def test_a_closed_campaign_has_none_and_says_so(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    code = await link(admin)
    shown = await admin.made("GET", f"/v1/links/{code}")
    answer = submission(device_proof=shown["device_proof"])
    await admin.made("POST", f"/v1/links/{code}/responses", answer)
    row, *_ = (await admin.made("GET", URL))["rows"]
    assert (row["pace"] > 0, row["on_time"]) == (True, False)
    await admin.made("POST", "/v1/campaigns/C/close")
    reply = await admin.made("GET", URL)
    assert reply["pace_since"] is None
    row, *_ = reply["rows"]
    assert (row["responded"], row["gap"]) == (1, 49)
    assert (row["pace"], row["expected_on"], row["on_time"]) == (None, None, None)


async def test_the_public_sees_the_pace_too_since_respondents_are_no_secret(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    public = await (await admin.as_client("results:read")).made("GET", URL)
    exact = await (await admin.as_client("results:exact")).made("GET", URL)
    assert public["rows"] == exact["rows"]
    assert public["rows"][0]["pace"] == 0
