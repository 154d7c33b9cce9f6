"""The shares of a multiple choice's options, with their intervals."""

import csv
import io
import random
from typing import Any

import pytest
from statsmodels.stats.proportion import proportion_confint

from app.counts import sums
from app.questionnaires.layout import layout_of
from app.questionnaires.schemas import Definition
from app.results.counting import questions
from app.results.estimates import shares
from app.results.statistics import mixing
from tests.factories import Api, open_campaign, tree
from tests.results.ledger import PARENTS, Entry, insert, publish, random_ledger

URL = "/v1/campaigns/C/results"
VALUES = [f"m{number}" for number in range(11)]


async def rows(api: Api, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.made("GET", URL, params=parameters))["rows"]
    return found


async def test_shares_are_persons_among_those_who_answered(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    written, standing = random_ledger(random.Random(41), ["A1", "A2"], 120)
    await insert(admin, written)
    found = await rows(admin, by="unit,question", population="parent")
    assert {row["question"] for row in found if "shares" in row} == {"many"}
    for row in found:
        if row["question"] != "many":
            assert row.keys().isdisjoint({"share_intervals", "share_interval_kind"})
            continue
        said = [
            one.answers["many"]
            for one in standing
            if one.unit == row["unit"]["code"] and "many" in one.answers
        ]
        assert row["answered"] == len(said)
        if not said:
            assert (row["unit"]["code"], row["shares"], row["share_intervals"]) == (
                "B1",
                None,
                None,
            )
            assert row["share_interval_kind"] == "none"
            continue
        n = len(said)
        assert row["heads"] == 200
        effective = n * 199 / (200 - n)
        for value in VALUES:
            times = sum(value in one for one in said)
            assert row["shares"][value] == pytest.approx(times / n)
            expected = proportion_confint(times / n * effective, effective, method="wilson")
            assert row["share_intervals"][value] == pytest.approx(expected, abs=1e-12)
        assert (row["interval"], row["share_interval_kind"]) == (None, "indicative")
    [by_phone] = await rows(admin, question="many", channel="phone", population="parent")
    assert by_phone["share_interval_kind"] == "sample"
    await shares_are_in_the_table(admin, found)


async def shares_are_in_the_table(admin: Api, found: list[dict[str, Any]]) -> None:
    parameters = {"by": "unit,question", "population": "parent"}
    reply = await admin.get(URL, params=parameters, headers={"Accept": "text/csv"})
    lines = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"), newline="")))
    assert [name for name in lines[0] if name.startswith("shares.")] == [
        f"shares.{value}" for value in VALUES
    ]
    for row, line in zip(found, lines, strict=True):
        for value in VALUES:
            share = (row.get("shares") or {}).get(value)
            low, high = (row.get("share_intervals") or {}).get(value, (None, None))
            for name, figure in (("shares", share), ("share_low", low), ("share_high", high)):
                cell = line[f"{name}.{value}"]
                assert (float(cell) if cell else None) == figure


async def test_what_a_release_hides_has_no_shares(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    chose = {"many": ["m0", "m1"]}
    await insert(admin, [Entry(unit="A1", answers=chose) for _ in range(15)])
    await insert(admin, [Entry(unit="B1", answers=chose) for _ in range(4)])
    await insert(admin, [Entry(unit="W", answers={"many": ["m2"]})])
    live = await rows(admin, by="unit", question="many")
    assert [row["unit"] and row["unit"]["code"] for row in live] == ["A1", "A2", "B1", None]
    # What was given to the city itself has no heads: its people are without end.
    [low, high] = live[-1]["share_intervals"]["m2"]
    assert (live[-1]["shares"]["m2"], high) == (1, 1)
    assert low == pytest.approx(proportion_confint(1, 1, method="wilson")[0])
    await admin.made("POST", "/v1/campaigns/C/releases")
    public = await admin.as_client("results:read")
    released = {
        (row["unit"] or {}).get("code"): row
        for row in await rows(public, by="unit", question="many")
    }
    assert released["A1"]["shares"]["m0"] == 1
    for hidden in ("B1", None):
        row = released[hidden]
        assert row["suppressed"]
        assert (row["shares"], row["share_intervals"]) == (None, None)
        assert row["share_interval_kind"] == "none"


def test_shares_of_several_populations_are_each_of_its_own_heads() -> None:
    layout = layout_of(Definition.model_validate(PARENTS))
    many = next(one for one in questions({0: layout, 1: layout}) if one.question == "many")
    [place] = many.places[0]
    numbers = {}
    for population, (answered, chosen) in enumerate(((40, 10), (60, 45))):
        numbers[population] = [0] * sums.width(layout)
        numbers[population][sums.RESPONDENTS] = 70
        numbers[population][sums.CELLS + place.first] = answered
        numbers[population][sums.CELLS + place.first + 1] = chosen
    found = shares(many, numbers, {0: 70, 1: None}, [2])
    assert found.shares is not None
    assert found.shares["m0"] == 0.55
    assert found.share_intervals is not None
    assert shares(many, numbers, {0: 70, 1: 69}, [2]).share_intervals is None
    found = shares(many, numbers, {0: 70, 1: 1000}, [2])
    parts = []
    for answered, chosen, heads in ((40, 10, 70), (60, 45, 1000)):
        effective = answered * (heads - 1) / (heads - answered)
        share = chosen / answered
        low, high = proportion_confint(share * effective, effective, method="wilson")
        parts.append(mixing.Part(answered, share, (low, high)))
    assert found.share_intervals is not None
    assert found.share_intervals["m0"] == pytest.approx(mixing.mixed_interval(parts))
    assert shares(many, {0: [0] * sums.width(layout)}, {0: 70}, []).shares is None
