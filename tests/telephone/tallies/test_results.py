"""Results with random tallies among random responses, against a naive recount of both."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.counts.folding import fold
from app.counts.recounting import check
from tests.factories import Api, open_campaign, tree
from tests.results.ledger import DEFINITIONS, Entry, insert, publish, random_ledger
from tests.results.test_recount import (
    GROUPINGS,
    PARENT_OF,
    UNITS,
    Expected,
    agree,
    at_level,
    line,
    read,
    recount,
)
from tests.telephone.tallies.batches import taken

CHANNELS = ("phone", "paper", "link")
VALUES = ("good", "bad", "unsure", "fair")
MANY = [f"m{number}" for number in range(11)]


@dataclass
class Counts:
    """A live row as its source meant it."""

    unit: str
    population: str
    channel: str
    day: str
    respondents: int
    counts: dict[str, dict[str, int]]
    answered: dict[str, int] = field(default_factory=dict)

    def sent(self) -> dict[str, Any]:
        """The row as it is delivered."""
        names = ("unit", "population", "respondents", "counts", "answered")
        return {name: getattr(self, name) for name in names}

    def how_many(self, question: str) -> int:
        """How many answered a question."""
        return self.answered.get(question, sum(self.counts.get(question, {}).values()))


def random_counts(
    dice: random.Random, unit: str, population: str, channel: str, day: str
) -> Counts:
    """Counts of some of the population's questions that can be true."""
    found = Counts(unit, population, channel, day, dice.randint(0, 500), {})
    for question in DEFINITIONS[population]["questions"]:
        code, left = question["code"], found.respondents
        if question["type"] in ("single_choice", "rating") and dice.random() < 0.7:
            values = VALUES if question["type"] == "single_choice" else [str(n) for n in range(11)]
            counts = found.counts[code] = {}
            for value in dice.sample(values, dice.randint(1, len(values))):
                counts[value] = dice.randint(0, left)
                left -= counts[value]
        elif question["type"] == "multiple_choice" and left and dice.random() < 0.7:
            found.counts[code] = {one: dice.randint(0, left) for one in dice.sample(MANY, 4)}
            largest, together = max(found.counts[code].values()), sum(found.counts[code].values())
            found.answered[code] = dice.randint(largest, min(left, together))
    return found


async def deliver(dice: random.Random, sources: Sequence[Api]) -> list[Counts]:
    """Batches of each source by each channel, some revised or withdrawn; what is live at last."""
    live: list[Counts] = []
    pairs = [(unit, population) for unit in UNITS for population in DEFINITIONS]
    for source in sources:
        for channel in CHANNELS:
            latest: list[Counts] = []
            for revision in range(1, dice.randint(2, 4)):
                as_of = datetime.now(UTC) - timedelta(days=dice.randint(1, 3))
                day = str((as_of + timedelta(hours=8)).date())
                withdrawn = revision == 3 and dice.random() < 0.5
                some = dice.sample(pairs, 0 if withdrawn else dice.randint(1, len(pairs)))
                latest = [random_counts(dice, *pair, channel, day) for pair in some]
                rows = [one.sent() for one in latest]
                meta = {"channel": channel, "as_of": as_of.isoformat(), "revision": revision}
                await taken(source, *rows, batch=f"by-{channel}", **meta)
            live += latest
    return live


def add(
    rows: dict[tuple[Any, ...], Expected],
    live: Iterable[Counts],
    by: Sequence[str],
    level: str,
    within: str = "W",
) -> dict[tuple[Any, ...], Expected]:
    """Count tallies in, one number at a time."""
    for one in live:
        if within not in line(one.unit):
            continue
        keys = {
            "unit": at_level(one.unit, level, within),
            "population": one.population,
            "channel": one.channel,
            "day": one.day,
        }
        group = tuple(keys[name] if name in by else "-" for name in keys)
        asked: dict[str | None, list[str]] = {None: []}
        for question in DEFINITIONS[one.population]["questions"]:
            if question["type"] != "note":
                asked[question["code"]] = [question["code"]]
            if question.get("indicator"):
                asked[None].append(question["code"])
        for question, codes in asked.items():
            if ("question" in by) != (question is not None):
                continue
            row = rows.setdefault((*group, question), Expected())
            row.respondents += one.respondents
            for code in codes:
                row.answered += one.how_many(code)
                row.missing += one.respondents - one.how_many(code)
                row.counts.update(one.counts.get(code, {}))
    return rows


@pytest.fixture
async def standing(admin: Api) -> tuple[list[Entry], list[Counts]]:
    """Responses, half of them folded, and tallies: what counts of them."""
    dice = random.Random(6)
    await tree(admin)
    pupil_class = {"name": "一班", "kind": "class", "parent": "A1"}
    await admin.made("PUT", "/v1/units/A1-1", pupil_class)
    opened = (datetime.now(UTC) - timedelta(days=5)).isoformat()
    await open_campaign(admin, populations=await publish(admin), opens_at=opened)
    written, left = random_ledger(dice, UNITS, 60)
    await insert(admin, written)
    while await fold(admin.app.state.database) is None:  # the app folds by itself, too
        pass
    more, also_left = random_ledger(dice, UNITS, 60)
    await insert(admin, more)
    sources = [await admin.as_client("tallies:write", name=name) for name in ("one", "other")]
    return [*left, *also_left], await deliver(dice, sources)


async def test_every_grouping_of_both_equals_a_naive_recount(
    admin: Api, standing: tuple[list[Entry], list[Counts]], monkeypatch: pytest.MonkeyPatch
) -> None:
    entries, tallies = standing
    assert len(tallies) > 20
    await _coverage_agrees(admin, entries, tallies)
    for by in GROUPINGS:
        for level in ("county", "class") if "unit" in by else ("school",):
            counted = recount(entries, by, level, "W")
            agree(await read(admin, by, level=level), add(counted, tallies, by, level))
    for by in (("unit", "population", "channel", "day", "question"), ("unit",), ()):
        for level in ("city", "county", "school"):
            only = add({}, tallies, by, level)
            agree(await read(admin, by, level=level, source="tally"), only)
            shown = await read(admin, by, level=level, source="individual")
            agree(shown, recount(entries, by, level, "W"))
    clean = recount([one for one in entries if one.quality == 0], ("unit",), "school", "A")
    expected = add(clean, tallies, ("unit",), "school", "A")
    agree(await read(admin, ("unit",), within="A", quality="clean"), expected)
    paper = [one for one in tallies if one.channel == "paper"]
    only = add({}, paper, ("day", "question"), "school")
    agree(await read(admin, ("day", "question"), channel="paper", source="tally"), only)

    monkeypatch.setitem(PARENT_OF, "A1", "B")
    moved = {"name": "A1学校", "kind": "school", "parent": "B"}
    await admin.made("PUT", "/v1/units/A1", moved)
    for level in ("county", "school"):
        counted = recount(entries, ("unit", "question"), level, "W")
        expected = add(counted, tallies, ("unit", "question"), level)
        agree(await read(admin, ("unit", "question"), level=level), expected)
    found = [one async for one in check(admin.app.state.database)]
    assert [one.differences for one in found] == [[], []]


async def _coverage_agrees(admin: Api, entries: Iterable[Entry], tallies: Iterable[Counts]) -> None:
    """Tell coverage what it is to cover, and compare it with a recount."""
    body = await admin.made("GET", "/v1/campaigns/C")
    target = {"name": "calls", "basis": "students", "share": 0.5}
    body["populations"]["parent"]["targets"] = [
        {**target, "name": "all"},
        {**target, "channel": "phone"},
    ]
    fields = {name: body[name] for name in ("title", "region", "opens_at", "closes_at", "period")}
    await admin.made(
        "PUT",
        "/v1/campaigns/C",
        {**fields, "populations": body["populations"], "identity": body["identity"]},
    )
    responded: Counter[tuple[str, str]] = Counter()
    for unit, population, channel, number in [
        *((one.unit, one.population, one.channel.name, 1) for one in entries),
        *((one.unit, one.population, one.channel, one.respondents) for one in tallies),
    ]:
        county = at_level(unit, "county", "W")
        if population == "parent" and county:
            responded[county, "all"] += number
            responded[county, "calls"] += number if channel == "phone" else 0
    rows = (await admin.made("GET", "/v1/campaigns/C/coverage?level=county"))["rows"]
    shown = {(one["unit"]["code"], one["target"]): one["responded"] for one in rows}
    assert shown == dict(responded)
