"""Numeric answers and ratings: mean, spread, sum and quantiles, against numpy."""

import csv
import io
import random
from typing import Any

import numpy as np
import pytest

from app.responses.tables import Channel
from app.results.numbers import service
from app.results.statistics.description import QUANTILES, describe
from tests.factories import Api, open_campaign, tree
from tests.results.ledger import Entry, insert, publish, random_ledger

URL = "/v1/campaigns/C/numbers"
HOURS = {"question": "hours"}


async def prepared(admin: Api, *entries: Entry) -> None:
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    await insert(admin, entries)


async def described(api: Api, **parameters: Any) -> dict[str, Any]:
    found: dict[str, Any] = await api.made("GET", URL, params={**HOURS, **parameters})
    return found


def expected(values: list[float]) -> dict[str, Any]:
    """What numpy says of numbers."""
    if not values:
        nothing = dict.fromkeys(("mean", "sd", "min", "max", "quantiles"))
        return {"answered": 0, "sum": 0.0, **nothing}
    array = np.array(values)
    quantiles = dict(
        zip(("p5", "p25", "p50", "p75", "p95"), np.quantile(array, QUANTILES), strict=True)
    )
    return {
        "answered": len(values),
        "sum": pytest.approx(array.sum()),
        "mean": pytest.approx(array.mean()),
        "sd": pytest.approx(array.std(ddof=1)) if len(values) > 1 else None,
        "min": array.min(),
        "max": array.max(),
        "quantiles": {name: pytest.approx(value) for name, value in quantiles.items()},
    }


def test_numbers_are_described_as_numpy_does() -> None:
    dice = random.Random(17)
    for _ in range(2000):
        size = dice.choice((1, 2, 3, 7, 100))
        values = [
            dice.choice((dice.uniform(-9, 9), float(dice.randint(0, 5)))) for _ in range(size)
        ]
        found = describe({value: values.count(value) for value in values})
        assert found.quantiles == pytest.approx(tuple(np.quantile(values, QUANTILES)))
        assert found.n == size
        assert found.mean == pytest.approx(np.mean(values))
        if size > 1:
            assert found.sd == pytest.approx(np.std(values, ddof=1))
        assert (found.min, found.max) == (min(values), max(values))


async def test_a_random_ledger_is_described_by_unit_and_in_all(admin: Api) -> None:
    written, standing = random_ledger(random.Random(18), ["A1", "A2", "B1", "A", "W"], 150)
    await prepared(admin, *written)
    said = [(one.unit, one.answers["hours"]) for one in standing if "hours" in one.answers]
    found = await described(admin)
    assert found["total"] == expected([value for _, value in said])
    places: dict[str | None, list[float]] = {"A1": [], "A2": [], "B1": [], None: []}
    for unit, value in said:
        places[unit if unit in places else None].append(value)
    rows = {(row.pop("unit") or {}).get("code"): row for row in found["rows"]}
    assert rows == {unit: expected(values) for unit, values in places.items()}
    clean = [one.answers["hours"] for one in standing if "hours" in one.answers and not one.quality]
    assert (await described(admin, quality="clean"))["total"] == expected(clean)
    by_phone = [
        one.answers["hours"]
        for one in standing
        if "hours" in one.answers and one.channel == Channel.phone
    ]
    assert (await described(admin, channel="phone"))["total"] == expected(by_phone)
    county = [value for unit, value in said if unit in ("A", "A1", "A2")]
    assert (await described(admin, within="A"))["total"] == expected(county)
    stars = [float(one.answers["stars"]) for one in standing if "stars" in one.answers]
    ratings = await described(admin, question="stars")
    assert ratings["total"] == expected(stars)
    assert ratings["total"]["answered"] == sum(row["answered"] for row in ratings["rows"])


async def test_what_was_withdrawn_is_no_number(admin: Api) -> None:
    entry = Entry(answers={"hours": 3.5})
    await prepared(admin, entry, Entry(answers={"a": "good"}))
    assert (await described(admin))["total"]["sum"] == 3.5
    await insert(admin, [entry.withdrawn()])
    found = await described(admin)
    assert found["total"] == expected([])
    assert [row["answered"] for row in found["rows"]] == [0, 0, 0]


async def test_numbers_come_in_pages_and_as_a_table(admin: Api) -> None:
    await prepared(admin, Entry(answers={"hours": 2}), Entry(unit="A2", answers={"hours": 4}))
    first = await described(admin, limit=2)
    rest = await described(admin, limit=2, cursor=first["next"])
    whole = await described(admin)
    assert first["rows"] + rest["rows"] == whole["rows"]
    reply = await admin.get(URL, params=HOURS, headers={"Accept": "text/csv"})
    lines = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"), newline="")))
    assert [(line["unit"], line["mean"], line["p50"]) for line in lines] == [
        ("A1", "2.0", "2.0"),
        ("A2", "4.0", "4.0"),
        ("B1", "", ""),
    ]
    total = {name: str(value) for name, value in whole["total"]["quantiles"].items()}
    total |= {name: str(value) for name, value in whole["total"].items() if name != "quantiles"}
    assert (total["mean"], total["p50"]) == ("3.0", "3.0")
    for line in lines:
        assert {name: line[f"total.{name}"] for name in total} == total
    await admin.made("PUT", "/v1/units/A1", {"name": "=1+1", "kind": "school", "parent": "A"})
    reply = await admin.get(URL, params=HOURS, headers={"Accept": "text/csv"})
    assert "A1,'=1+1," in reply.text
    known = {"If-None-Match": (await admin.get(URL, params=HOURS)).headers["ETag"]}
    assert (await admin.get(URL, params=HOURS, headers=known)).status_code == 304


async def test_beyond_the_budget_nothing_is_read(
    admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepared(admin, *(Entry(answers={"hours": one, "stars": 5}) for one in range(4)))
    monkeypatch.setattr(service, "MAX_VALUES", 3)
    assert (await admin.get(URL, params=HOURS)).json()["type"] == "/problems/too-many-responses"
    monkeypatch.setattr(service, "MAX_VALUES", 4)
    assert (await described(admin))["total"]["answered"] == 4
    monkeypatch.setattr(service, "MAX_RESPONSES", 3)
    reply = await admin.get(URL, params={**HOURS, "within": "B1"})
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/too-many-responses")
    assert (await described(admin, question="stars"))["total"]["answered"] == 4


async def test_who_may_not_read_is_told_so_and_what_is_no_number_is_named(admin: Api) -> None:
    await prepared(admin)
    for scope, status in (("units:write", 403), ("results:read", 403), ("results:exact", 200)):
        client = await admin.as_client(scope)
        assert (await client.get(URL, params=HOURS)).status_code == status
    county = await admin.as_client("results:exact", unit="A")
    assert (await county.get(URL, params={**HOURS, "within": "B"})).status_code == 404
    for question in ("a", "many", "comment", "ghost"):
        reply = await admin.get(URL, params={"question": question})
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["pointer"] == "?question"
    assert (await admin.get(URL)).status_code == 422
