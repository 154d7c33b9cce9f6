"""The rows of a file are the responses that results count: not one more, and of nobody else's."""

import re
from collections import Counter
from typing import Any

from app.core.settings import Settings
from app.exports import responses
from tests.exports.world import (
    FULL,
    codebook,
    done,
    every_kind,
    exported,
    parts,
    random_campaign,
    respond,
    table,
)
from tests.factories import Api

_RESULTS = "/v1/campaigns/C/results"
_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}|[0-9a-f]{32}")


def counted(frame: Any, variables: list[str]) -> Counter[str]:
    """Votes in some rows by value: of one column by its values, of several by their last part."""
    if len(variables) == 1:
        return Counter(value for value in frame[variables[0]] if value)
    return Counter({name.rpartition(".")[2]: int((frame[name] == "1").sum()) for name in variables})


async def test_counting_the_rows_gives_the_results_of_every_question(
    admin: Api, settings: Settings
) -> None:
    await random_campaign(admin, 250)
    file = await exported(admin, settings)
    lines = codebook(file)
    compared = 0
    for population in ("parent", "teacher"):
        frame = table(file, population)
        choices = {"single_choice", "multiple_choice", "rating"}
        found = await admin.made(
            "GET",
            f"{_RESULTS}?by=unit,channel,question,day&level=school&population={population}",
        )
        for row in found["rows"]:
            if row["unit"] is None:
                continue
            variables = [
                one["variable"]
                for one in lines
                if (one["table"], one["question"]) == (population, row["question"])
                and one["type"] in choices
            ]
            group = frame[
                (frame["unit"] == row["unit"]["code"])
                & (frame["channel"] == row["channel"])
                & (frame["day"] == row["day"])
            ]
            assert len(group) == row["respondents"]
            if variables:
                votes = counted(group, list(dict.fromkeys(variables)))
                assert +votes == +Counter(row["counts"])
                compared += 1
    assert compared > 100


async def test_filters_choose_the_rows_that_results_count(admin: Api, settings: Settings) -> None:
    await random_campaign(admin, 120)
    for filters in (
        {"quality": "clean"},
        {"channel": "phone", "population": "parent"},
        {"within": "A"},
    ):
        made = await done(admin, settings, **filters)
        found = await admin.made("GET", _RESULTS, params=filters)
        assert made["rows"] == found["rows"][0]["respondents"] > 0


async def test_a_county_is_told_of_nothing_outside(admin: Api, settings: Settings) -> None:
    await random_campaign(admin, 60)
    county = await admin.as_client("responses:read", unit="A")
    file = await exported(county, settings)
    units = {*table(file, "parent")["unit"], *table(file, "teacher")["unit"]}
    assert units == {"A", "A1", "A2"}
    assert set(table(file, "parent")["county_name"]) == {"A县"}
    everything = b"".join(parts(file).values()).decode()
    for outside in ("B1", "B县", "B学校", "潍坊市"):
        assert outside not in everything
    school = await admin.as_client("responses:read", unit="A1")
    alone = table(await exported(school, settings), "parent")
    assert (set(alone["unit"]), set(alone["county"])) == ({"A1"}, {""})
    refused = await school.post(
        "/v1/campaigns/C/exports", {"content": "responses", "format": "csv", "within": "A2"}
    )
    assert refused.status_code == 404


async def test_there_is_nothing_in_a_file_that_names_a_person_or_a_moment(
    admin: Api, settings: Settings
) -> None:
    await every_kind(admin)
    await respond(admin, "A1", *[{**FULL, "hours": number} for number in range(12)])
    file = await exported(admin, settings)
    content = parts(file)["parent.csv"]
    assert _UUID.search(content) is None
    assert re.search(rb"\d\d:\d\d", content) is None
    columns = list(table(file, "parent").columns)
    assert tuple(columns[: len(responses.NAMES)]) == responses.NAMES
    assert set(responses.NAMES) == {
        "row", "unit", "unit_name", "county", "county_name", "population", "channel", "day",
        "locale", "version", "doubts", "seconds",
    }  # fmt: skip
    orders = [list(table(await exported(admin, settings), "parent")["hours"])]
    orders.append(list(table(file, "parent")["hours"]))
    arrived = [str(number) for number in range(12)]
    # That a hash gives one of 12! orders, let alone twice, will not be seen.
    assert arrived not in orders
    assert orders[0] != orders[1]
    assert all(sorted(one, key=int) == arrived for one in orders)
