"""Every figure of a region once more, from the exported responses and by other libraries."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pandas
import pytest

from app.core.clock import SHANGHAI
from app.core.settings import Settings
from tests.exports.world import exported, table
from tests.factories import Api
from tests.results import recomputing as again
from tests.results.ledger import Entry
from tests.results.recomputing import Group
from tests.results.wide_region import DEFINITIONS, PERIODS, TALLIES, build

SIZE = 400
POPULATIONS = list(DEFINITIONS)
LEVELS = ("city", "county", "district", "school", "grade", "class")


class Region:
    """The region as a client reads it, and the persons of a campaign."""

    def __init__(self, api: Api, groups: dict[str, list[Group]]) -> None:
        self.api, self.groups = api, groups

    async def read(self, what: str, campaign: str = "autumn", **query: Any) -> Any:
        """A reply about a campaign."""
        return await self.api.made("GET", f"/v1/campaigns/{campaign}/{what}", params=query)

    def of(self, campaign: str = "autumn", **wanted: Any) -> list[Group]:
        """The persons within a unit, of a population, through a channel, …"""
        within = wanted.pop("within", "W")
        return [
            one
            for one in self.groups[campaign]
            if within in again.line(one.unit)
            and all(getattr(one, name) == value for name, value in wanted.items())
        ]


def close(found: Any, expected: Any) -> Any:
    """Equal to nine digits, or both nothing."""
    if expected is None or isinstance(expected, str | int):
        return found == expected
    return found is not None and found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def differing(row: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """What a row says otherwise."""
    return {
        name: (row[name], value) for name, value in expected.items() if not close(row[name], value)
    }


async def prepared(admin: Api, settings: Settings, seed: int) -> Region:
    """The region; its persons as the exported file has them, which are those that stand."""
    standing = await build(admin, SIZE, seed)
    groups = {}
    for campaign in PERIODS:
        made = await _exported(admin, settings, campaign)
        assert Counter(map(_known, made)) == Counter(map(_stands, standing[campaign]))
        groups[campaign] = made
    as_of = await admin.made("GET", "/v1/campaigns/autumn/tallies/T")
    day = datetime.fromisoformat(as_of["as_of"]).astimezone(SHANGHAI).date()
    groups["autumn"] += [
        Group(one["unit"], one["population"], "paper", day, {}, True, one["respondents"],
              one["counts"])
        for one in TALLIES
    ]  # fmt: skip
    return Region(admin, groups)


def _known(one: Group) -> tuple[Any, ...]:
    said = json.dumps(one.answers, sort_keys=True)
    return one.unit, one.population, one.channel, one.clean, said


def _stands(one: Entry) -> tuple[Any, ...]:
    answers = dict(one.answers)
    if "hours" in answers:
        answers["hours"] = float(answers["hours"])
    if "many" in answers:
        answers["many"] = sorted(answers["many"])
    said = json.dumps(answers, sort_keys=True)
    return one.unit, one.population, one.channel.name, not one.quality, said


async def _exported(admin: Api, settings: Settings, campaign: str) -> list[Group]:
    file = await exported(admin, settings, campaign=campaign)
    return [one for population in POPULATIONS for one in _groups(table(file, population))]


def _groups(frame: pandas.DataFrame) -> list[Group]:
    return [
        Group(
            unit=line["unit"],
            population=line["population"],
            channel=line["channel"],
            day=date.fromisoformat(line["day"]),
            answers=_answers(line),
            clean=not line["doubts"],
        )
        for line in frame.to_dict("records")
    ]


def _answers(line: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for code in again.questions_of(line["population"]):
        if code == "many":
            chosen = {name: line[name] for name in line if name.startswith("many.")}
            if any(chosen.values()):
                found[code] = sorted(
                    n.removeprefix("many.") for n, is_ in chosen.items() if is_ == "1"
                )
        elif line[code]:
            number = {"stars": int, "hours": float}.get(code)
            found[code] = number(line[code]) if number else line[code]
    return found


async def test_every_grouping_and_filter_says_what_the_rows_say(
    admin: Api, settings: Settings
) -> None:
    region = await prepared(admin, settings, 5)
    with_interval = 0
    for query in _queries():
        reply = await region.read("results", **query)
        by = query["by"].split(",")
        wanted = {name: query[name] for name in ("population", "channel") if name in query}
        groups = region.of(within=query.get("within", "W"), **wanted)
        if query.get("quality") == "clean":
            groups = [one for one in groups if one.clean]
        if query.get("source"):
            tallied = query["source"] == "tally"
            groups = [one for one in groups if (one.counts is not None) == tallied]
        with_interval += sum(row["interval"] is not None for row in reply["rows"])
        for row in reply["rows"]:
            expected = _expected(row, groups, by, query)
            assert not (found := differing(row, expected)), (query, row, found)
            if row["question"] == "many":
                _check_shares(row, groups, by, query)
        if "question" not in by and "population" not in query:
            _check_composite(reply["composite"], groups, query.get("within", "W"))
    assert with_interval > 100


def _queries() -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for by in ("", "question", "population,question", "channel,question", "unit,population",
               "unit,channel,population"):  # fmt: skip
        found.append({"by": by})
    for level in LEVELS:
        found.append({"by": "unit,question", "level": level})
    found += [{"by": "question", "within": unit} for unit in ("A", "BD", "B2", "C1", "A1-1")]
    found.append({"by": "day", "within": "A"})
    found += [{"by": "unit,question", "channel": one} for one in ("phone", "paper")]
    found += [{"by": "unit,question", "population": one} for one in POPULATIONS]
    found += [
        {"by": "unit,question", "quality": "clean"},
        {"by": "question", "source": "tally"},
        {"by": "unit", "source": "individual"},
        {"by": "unit", "channel": "phone"},
    ]
    return found


def _members(
    row: dict[str, Any], groups: Sequence[Group], by: Sequence[str], query: dict[str, str]
) -> tuple[list[Group], str | None, list[str]]:
    """The persons of a row, the unit of which they are, and the populations it is about."""
    populations = [row["population"]] if "population" in by else POPULATIONS
    populations = [query["population"]] if "population" in query else populations
    found = [one for one in groups if one.population in populations]
    unit: str | None = query.get("within", "W")
    if "unit" in by:
        unit = row["unit"] and row["unit"]["code"]
        level = query.get("level", "school")
        found = [one for one in found if again.at_level(one.unit, level) == unit]
    if "channel" in by:
        found = [one for one in found if one.channel == row["channel"]]
    if "day" in by:
        found = [one for one in found if str(one.day) == row["day"]]
    return found, unit, populations


def _expected(
    row: dict[str, Any], groups: Sequence[Group], by: Sequence[str], query: dict[str, str]
) -> dict[str, Any]:
    found, unit, populations = _members(row, groups, by, query)
    return again.row_of(found, unit, row["question"], populations)


def _check_shares(
    row: dict[str, Any], groups: Sequence[Group], by: Sequence[str], query: dict[str, str]
) -> None:
    found, unit, populations = _members(row, groups, by, query)
    shares, intervals = again.shares_of(found, unit, "many", populations)
    assert close(row["shares"], shares)
    assert (row["share_intervals"] is None) == (intervals is None), (row, intervals)
    for value, interval in (intervals or {}).items():
        assert close(row["share_intervals"][value], interval)


def _check_composite(found: dict[str, Any], groups: Sequence[Group], unit: str) -> None:
    estimates = again.estimates(groups, unit, None, POPULATIONS)
    rate, interval, shares = again.composite_of(estimates)
    assert close(found["rate"], rate and float(rate))
    assert close(found["interval"], interval)
    for part, one in zip(found["populations"], estimates, strict=True):
        assert part["respondents"] == one.respondents
        assert close(part["share"], float(shares.get(one.population, 0)))
        assert close(part["rate"], one.rate and float(one.rate))
        assert close(part["interval"], one.interval)
