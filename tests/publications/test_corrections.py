"""Corrections: a number of their own, what they change, and one line of them."""

import asyncio
import csv
import io
from typing import Any

from app.publications.changes import changed_terms
from tests.factories import Api
from tests.publications.publishing import (
    RELEASES,
    URL,
    answered,
    asked,
    campaign,
    published,
    rows,
)


async def test_a_correction_says_which_figures_of_which_rows_changed(admin: Api) -> None:
    await campaign(admin)
    await published(admin)
    await answered(admin, "A2", 15, good=0)
    await admin.made("POST", RELEASES)
    made = await published(admin, corrects=1, reason="A2 补录了 15 份")
    stated = made["statement"]
    assert (stated["number"], stated["corrects"], stated["reason"]) == (2, 1, "A2 补录了 15 份")
    changes = stated["changes"]
    assert changes["figures_changed"]
    old, new = await rows(admin, 1), await rows(admin, 2)
    before, after = pooled(old, "A2"), pooled(new, "A2")
    assert (before["respondents"], after["respondents"]) == (15, 30)
    found = await rows(admin, 2, "changes")
    key = {"level": "school", "unit": "A2", "population": "parent", "question": None}
    [row] = [one for one in found if one["section"] == "rows" and one["row"] == key]
    assert row["change"] == "changed"
    assert row["figures"]["respondents"] == [15, 30]
    assert row["figures"]["rate"] == [before["rate"], after["rate"]]
    assert row["figures"]["counts.bad"] == [before["counts"]["bad"], after["counts"]["bad"]]
    table = await admin.get(f"{URL}/2/changes", headers={"Accept": "text/csv"})
    lines = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert len(lines) == sum(len(one["figures"]) for one in found)
    assert ("respondents", "15", "30") in [
        (one["figure"], one["before"], one["after"]) for one in lines if one["row.unit"] == "A2"
    ]
    # What did not change is not told, and every row that did is.
    told = [one for one in found if one["section"] == "rows"]
    assert {one["row"].get("unit") for one in told} == {None, "A", "A2"}
    assert changes["rows"]["rows"]["changed"] == len(told)
    assert len(told) == sum(one not in old for one in new)
    terms = {one["name"]: (one["before"], one["after"]) for one in changes["terms"]}
    assert terms["release.number"] == (1, 2)
    assert terms["composite.populations.parent.respondents"] == (51, 66)
    both = await admin.made("GET", URL)
    assert [(one["corrects"], one["corrected_by"]) for one in both["items"]] == [
        (1, None),
        (None, 2),
    ]
    assert (await admin.made("GET", f"{URL}/1"))["corrected_by"] == 2


def pooled(found: list[dict[str, Any]], unit: str) -> dict[str, Any]:
    """A school's row of all its parents."""
    [row] = [
        one
        for one in found
        if one["level"] == "school"
        and one["unit"]["code"] == unit
        and one["population"] == "parent"
        and one["question"] is None
        and "channel" not in one
    ]
    return row


async def test_a_correction_of_the_method_alone_shows_in_terms_and_ranks(admin: Api) -> None:
    await campaign(admin)
    await published(admin)
    stored = await admin.made("GET", "/v1/campaigns/C")
    wanted = {
        name: stored[name]
        for name in (
            "title",
            "period",
            "region",
            "opens_at",
            "closes_at",
            "populations",
            "identity",
        )
    }
    await admin.made("PUT", "/v1/campaigns/C", {**wanted, "min_rank": 20})
    stated = (await published(admin, corrects=1, reason="最低人数有误"))["statement"]
    terms = {one["name"]: (one["before"], one["after"]) for one in stated["changes"]["terms"]}
    assert terms["method.min_rank"] == (10, 20)
    assert stated["changes"]["rows"]["rows"] == {"changed": 0, "came": 0, "gone": 0}
    unranked = [
        one
        for one in await rows(admin, 2, "changes")
        if one["row"] == {"level": "school", "unit": "A2", "population": "parent"}
    ]
    assert [one["figures"]["insufficient"] for one in unranked] == [[False, True]]


async def test_rows_that_come_and_go_are_told_apart(admin: Api) -> None:
    await campaign(admin)
    await published(admin, levels=["county"])
    stated = (await published(admin, levels=["school"], corrects=1, reason="改为分校"))["statement"]
    found = await rows(admin, 2, "changes")
    levels = {(one["row"]["level"], one["change"]) for one in found}
    assert levels == {("school", "came"), ("county", "gone")}
    assert stated["changes"]["figures_changed"]
    came = next(one for one in found if one["change"] == "came" and one["section"] == "rows")
    assert all(old is None for old, _ in came["figures"].values())


async def test_a_correction_that_changes_nothing_says_so(admin: Api) -> None:
    await campaign(admin)
    await published(admin)
    changes = (await published(admin, corrects=1, reason="标题有误"))["statement"]["changes"]
    assert not changes["figures_changed"]
    assert changes["said"] == {"zh-CN": "没有数字变化。", "en": "No figure changed."}
    assert changes["terms"] == []
    assert await rows(admin, 2, "changes") == []


async def test_corrections_form_one_line(admin: Api) -> None:
    await campaign(admin)
    await published(admin)
    await published(admin, corrects=1, reason="一")
    await published(admin, corrects=2, reason="二")
    late = await asked(admin, corrects=1, reason="三")
    assert (late.status_code, late.json()["type"]) == (409, "/problems/already-corrected")
    assert "correct number 3" in late.json()["detail"]
    for wanted, where in (
        ({"corrects": 9, "reason": "x"}, "/corrects"),
        ({"corrects": 3}, ""),
        ({"reason": "x"}, ""),
    ):
        refused = await asked(admin, **wanted)
        assert refused.status_code == 422
        assert [one["pointer"] for one in refused.json()["errors"]] == [where]
    both = await asyncio.gather(*(asked(admin, corrects=3, reason="x") for _ in range(2)))
    assert sorted(one.status_code for one in both) == [201, 409]


def test_terms_are_compared_by_what_they_are_of() -> None:
    before = {"parts": [{"code": "a", "share": 0.5}, {"code": "b", "share": 0.5}], "same": [1, 2]}
    after = {"parts": [{"code": "b", "share": 0.5}, {"code": "c", "share": 0.5}], "same": [1, 2]}
    assert changed_terms(before, after) == [
        {"name": "parts.a.code", "before": "a", "after": None},
        {"name": "parts.a.share", "before": 0.5, "after": None},
        {"name": "parts.c.code", "before": None, "after": "c"},
        {"name": "parts.c.share", "before": None, "after": 0.5},
    ]
