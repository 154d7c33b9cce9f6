"""Every grouping of a random ledger, revisions and withdrawals included, against a recount."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, combinations
from typing import Any

import pytest

from app.results.schemas import DIMENSIONS
from tests.factories import Api, open_campaign, tree
from tests.results.ledger import DEFINITIONS, Entry, insert, publish, random_ledger

PARENT_OF = {"A": "W", "B": "W", "A1": "A", "A2": "A", "B1": "B", "A1-1": "A1"}
UNITS = ["W", *PARENT_OF]
KIND = {"W": "city", "A": "county", "B": "county", "A1-1": "class"}
GROUPINGS = list(chain.from_iterable(combinations(DIMENSIONS, n) for n in range(6)))


@dataclass
class Expected:
    """The figures of one row, counted one answer at a time."""

    respondents: int = 0
    answered: int = 0
    missing: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, answers: Sequence[Any]) -> None:
        self.respondents += 1
        for answer in answers:
            self.answered += answer is not None
            self.missing += answer is None
            if isinstance(answer, str | int):
                self.counts[str(answer)] += 1
            elif isinstance(answer, list):
                self.counts.update(answer)

    def rate(self) -> float | None:
        positive, negative = self.counts["good"] + self.counts["fair"], self.counts["bad"]
        return positive / (positive + negative) if positive + negative else None


def line(unit: str) -> list[str]:
    return [unit, *(line(PARENT_OF[unit]) if unit in PARENT_OF else [])]


def at_level(unit: str, level: str, within: str) -> str | None:
    inside = [one for one in line(unit) if within in line(one)]
    return next((one for one in inside if KIND.get(one, "school") == level), None)


def questions(entry: Entry) -> dict[str | None, list[Any]]:
    """The answers of one person: by question, and under None those to the indicators."""
    asked: dict[str | None, list[Any]] = {None: []}
    for question in DEFINITIONS[entry.population]["questions"]:
        answer = entry.answers.get(question["code"])
        if question["type"] != "note":
            shown = question["type"] not in ("number", "text")
            asked[question["code"]] = [answer if shown or answer is None else ()]
        if question.get("indicator"):
            asked[None].append(answer)
    return asked


def recount(
    entries: Iterable[Entry], by: Sequence[str], level: str, within: str
) -> dict[tuple[Any, ...], Expected]:
    rows: dict[tuple[Any, ...], Expected] = defaultdict(Expected)
    for entry in entries:
        if within not in line(entry.unit):
            continue
        keys = {
            "unit": at_level(entry.unit, level, within),
            "population": entry.population,
            "channel": entry.channel.name,
            "day": str((entry.answered_at + timedelta(hours=8)).date()),
        }
        group = tuple(keys[name] if name in by else "-" for name in keys)
        for question, answers in questions(entry).items():
            if ("question" in by) == (question is not None):
                rows[*group, question].add(answers)
    return rows


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    unit = row.get("unit", "-")
    unit = unit["code"] if isinstance(unit, dict) else unit
    rest = tuple(row.get(name, "-") for name in ("population", "channel", "day"))
    return (unit, *rest, row["question"])


def agree(rows: list[dict[str, Any]], expected: dict[tuple[Any, ...], Expected]) -> None:
    shown = {key(row): row for row in rows}
    assert len(shown) == len(rows)
    assert expected.keys() <= shown.keys()
    for name, row in shown.items():
        counted = expected.get(name, Expected())
        assert row["respondents"] == counted.respondents
        assert row["answered"] == counted.answered
        assert row["missing"] == counted.missing
        assert +Counter(row["counts"]) == counted.counts
        assert row["rate"] == counted.rate()
        share = counted.counts["unsure"] / counted.answered if counted.answered else None
        assert row["dont_know_share"] == share


async def prepare(admin: Api, seed: int) -> list[Entry]:
    await tree(admin)
    pupil_class = {"name": "一班", "kind": "class", "parent": "A1"}
    await admin.made("PUT", "/v1/units/A1-1", pupil_class)
    await open_campaign(admin, populations=await publish(admin))
    written, standing = random_ledger(random.Random(seed), UNITS, 150)
    await insert(admin, written)
    return standing


async def read(api: Api, by: Sequence[str] = (), **parameters: str) -> list[dict[str, Any]]:
    reply = await api.made(
        "GET", "/v1/campaigns/C/results", params={"by": ",".join(by), **parameters}
    )
    rows: list[dict[str, Any]] = reply["rows"]
    return rows


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_grouping_equals_a_recount(admin: Api, seed: int) -> None:
    standing = await prepare(admin, seed)
    for by in GROUPINGS:
        for level in ("city", "county", "school", "class") if "unit" in by else ("school",):
            rows = await read(admin, by, level=level)
            agree(rows, recount(standing, by, level, "W"))


async def test_every_grouping_sums_to_the_total(admin: Api) -> None:
    await prepare(admin, 3)
    (total,) = await read(admin)
    assert total["respondents"] > 50
    for by in GROUPINGS:
        rows = await read(admin, by, level="county")
        if "question" in by:
            indicators = {"a", "b", "staff"}
            rows = [row for row in rows if row["question"] in indicators]
        else:
            assert sum(row["respondents"] for row in rows) == total["respondents"]
        for name in ("answered", "missing"):
            assert sum(row[name] for row in rows) == total[name]
        votes: Counter[str] = Counter()
        for row in rows:
            votes.update(row["counts"])
        assert votes == Counter(total["counts"])


async def test_filters_count_what_they_name(admin: Api) -> None:
    standing = await prepare(admin, 4)
    by = ("unit", "population", "channel", "day")
    for within in ("A", "A1", "A1-1"):
        rows = await read(admin, by, within=within)
        agree(rows, recount(standing, by, "school", within))
    clean = [one for one in standing if one.quality == 0]
    assert len(clean) < len(standing)
    agree(await read(admin, by, quality="clean"), recount(clean, by, "school", "W"))
    teachers = [one for one in standing if one.population == "teacher"]
    rows = await read(admin, ("question",), population="teacher")
    agree(rows, recount(teachers, ("question",), "school", "W"))
    assert [row["question"] for row in rows] == ["staff", "a"]
    phone = [one for one in standing if one.channel.name == "phone"]
    rows = await read(admin, by, channel="phone")
    agree(rows, recount(phone, by, "school", "W"))
    assert {row["channel"] for row in rows} == {"phone"}
    individual = await read(admin, by, source="individual")
    assert individual == await read(admin, by)


async def test_a_question_filter_shows_that_question_by_whatever_grouping(admin: Api) -> None:
    standing = await prepare(admin, 5)
    expected = recount(standing, ("question",), "school", "W")
    for by in ((), ("question",)):
        (row,) = await read(admin, by, question="a")
        assert row["question"] == "a"
        agree([row], {key(row): expected["-", "-", "-", "-", "a"]})
    rows = await read(admin, ("population",), question="staff")
    assert [(row["population"], row["question"]) for row in rows] == [("teacher", "staff")]


async def test_rows_come_in_one_order_and_in_pages_the_same_as_whole(admin: Api) -> None:
    await prepare(admin, 6)
    by = "day,question,channel,population,unit"
    whole = await read(admin, by.split(","), level="county")
    places = [row["unit"]["code"] if row["unit"] else "~" for row in whole]
    assert places == sorted(places)
    assert {"A", "B", "~"} == set(places)
    first = [row for row in whole if row["unit"] and row["unit"]["code"] == "A"]
    first = [row for row in first if (row["population"], row["channel"]) == ("parent", "link")]
    assert [row["question"] for row in first][:6] == ["a", "many", "b", "stars", "hours", "comment"]
    assert [row["day"] for row in first[::6]] == sorted({row["day"] for row in whole})
    paged: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        parameters = {"by": by, "level": "county", "limit": "37", **cursor}
        page = await admin.made("GET", "/v1/campaigns/C/results", params=parameters)
        assert len(page["rows"]) == 37 or page["next"] is None
        paged += page["rows"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert paged == whole
