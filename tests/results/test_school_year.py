"""Coverage over a school year: bounds of what cannot be counted across campaigns."""

import csv
import io
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.results.coverage.school_year import service
from app.results.coverage.school_year.bounds import Reached, bounds, met
from tests.factories import Api, campaign_body, open_campaign, tree
from tests.results.ledger import DEFINITIONS, Entry, insert, publish

URL = "/v1/school-years/2026/coverage"
SPRING = "2027-spring"


def of(*campaigns: tuple[int, int | None]) -> tuple[Fraction, Fraction] | None:
    return bounds([Reached(responded, basis, True) for responded, basis in campaigns])


F = Fraction
VECTORS: list[tuple[tuple[tuple[int, int | None], ...], Any]] = [
    (((30, 100), (40, 100)), (F(2, 5), F(7, 10))),
    (((60, 100), (70, 100)), (F(7, 10), F(1))),
    (((60, 100),), (F(3, 5), F(3, 5))),
    (((60, 100), (0, 100)), (F(3, 5), F(3, 5))),
    (((1, 3), (1, 4), (1, 5)), (F(1, 3), F(47, 60))),
    (((120, 100), (5, 100)), (F(1), F(1))),
    # Nobody states the second one's heads: it may have reached everybody.
    (((30, 100), (5, None)), (F(3, 10), F(1))),
    (((30, 100), (0, None)), (F(3, 10), F(3, 10))),
    (((5, None), (6, None)), None),
    (((0, 0),), None),
    ((), (F(0), F(0))),
]


@pytest.mark.parametrize(("campaigns", "expected"), VECTORS, ids=range(len(VECTORS)))
def test_bounds_are_those_of_the_vectors(
    campaigns: tuple[tuple[int, int | None], ...], expected: Any
) -> None:
    assert of(*campaigns) == expected


@pytest.mark.parametrize("heads", [1, 3, 4])
def test_bounds_are_the_least_and_the_most_that_any_choice_of_persons_makes(heads: int) -> None:
    people = range(heads)
    for sizes in product(range(heads + 1), repeat=3):
        reached = {
            len(set().union(*chosen))
            for chosen in product(*(map(set, combinations(people, n)) for n in sizes))
        }
        found = of(*((n, heads) for n in sizes))
        assert found == (F(min(reached), heads), F(max(reached), heads))


@given(
    campaigns=st.lists(st.tuples(st.integers(0, 300), st.none() | st.integers(0, 200)), max_size=4),
    share=st.fractions(F(1, 100), F(1)),
)
def test_met_is_said_only_where_it_is_certain(
    campaigns: list[tuple[int, int | None]], share: Fraction
) -> None:
    found = of(*campaigns)
    if found is None:
        assert met(found, share) is None
        return
    least, most = found
    assert 0 <= least <= most <= 1
    assert met(found, share) is (True if least >= share else False if most < share else None)
    # One more campaign never makes it less.
    more = of(*campaigns, (10, 100))
    assert more is None or (more[0] >= least and more[1] >= most)


async def prepared(admin: Api) -> None:
    """Two campaigns over W, one of B alone, and what does not belong to the school year."""
    await tree(admin)
    populations = await publish(admin)
    await open_campaign(admin, "C", populations=populations)
    await open_campaign(admin, "D", populations=populations, period=SPRING)
    await open_campaign(admin, "of-b", populations=populations, period=SPRING, region="B")
    await open_campaign(admin, "later", populations=populations, period="2027-autumn")
    await open_campaign(admin, "before", populations=populations, period="2026-spring")
    await open_campaign(
        admin, "teachers", populations={"teacher": populations["teacher"]}, period=SPRING
    )
    body = campaign_body(populations=populations)
    await admin.made("PUT", "/v1/campaigns/draft", body)
    await admin.made("POST", "/v1/campaigns/C/sandbox")
    for school, students in (("A1", 80), ("A2", 100), ("B1", 200)):
        heads = {"period": SPRING, "students": students, "parents": 300}
        await admin.made("PUT", f"/v1/units/{school}/enrolment", heads)


async def respond(admin: Api, campaign: str, unit: str, count: int) -> None:
    entries = [Entry(unit=unit) for _ in range(count)]
    await insert(admin, entries, campaign=campaign, definitions=DEFINITIONS)


async def read(api: Api, **parameters: Any) -> dict[str, Any]:
    found: dict[str, Any] = await api.made(
        "GET", URL, params={"population": "parent", **parameters}
    )
    return found


def by_unit(found: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {row["unit"]["code"]: (row["bounds"], row["exact"], row["met"]) for row in found["rows"]}


async def test_a_school_year_has_its_bounds_by_each_campaigns_own_enrolment(admin: Api) -> None:
    await prepared(admin)
    for campaign, unit, count in (
        ("C", "A1", 30),
        ("D", "A1", 40),
        ("later", "A1", 99),
        ("before", "A1", 99),
        ("teachers", "A1", 99),
        ("C", "A2", 60),
        ("C", "B1", 10),
        ("of-b", "B1", 20),
    ):
        await respond(admin, campaign, unit, count)
    found = await read(admin, share=0.6)
    assert found["campaigns"] == ["C", "D", "of-b"]
    assert (found["year"], found["basis"], found["share"]) == (2026, "students", 0.6)
    assert by_unit(found) == {
        "A1": ([0.5, 0.8], False, None),
        "A2": ([0.6, 0.6], True, True),
        "B1": ([0.1, 0.2], False, False),
    }
    assert found["rows"][0]["campaigns"] == [
        {"campaign": "C", "basis": 100, "basis_missing": 0, "responded": 30, "share": 0.3},
        {"campaign": "D", "basis": 80, "basis_missing": 0, "responded": 40, "share": 0.5},
    ]
    assert [one["campaign"] for one in found["rows"][2]["campaigns"]] == ["C", "D", "of-b"]
    counties = by_unit(await read(admin, level="county", share=0.45))
    assert counties["A"] == ([0.45, 0.45 + 40 / 180], False, True)
    # The county's own campaign counts in the city, of which it is a part.
    (city,) = (await read(admin, level="city"))["rows"]
    assert city["campaigns"][2] == {
        "campaign": "of-b",
        "basis": 380,
        "basis_missing": 0,
        "responded": 20,
        "share": 20 / 380,
    }
    parents = await read(admin, basis="parents", within="A1")
    assert parents["rows"][0]["bounds"] == [0.15, 0.15 + 40 / 300]


async def test_who_sees_a_county_is_told_of_it_alone(admin: Api) -> None:
    await prepared(admin)
    await respond(admin, "of-b", "B1", 20)
    county = await admin.as_client("results:read", unit="A")
    found = await read(county)
    assert (found["campaigns"], sorted(by_unit(found))) == (["C", "D"], ["A1", "A2"])
    assert (
        await county.get(URL, params={"population": "parent", "within": "B"})
    ).status_code == 404
    assert (
        await county.get(URL, params={"population": "parent", "within": "W"})
    ).status_code == 404
    stranger = await admin.as_client("units:write")
    assert (await stranger.get(URL, params={"population": "parent"})).status_code == 403


async def test_what_is_not_known_is_said_to_be_so(admin: Api) -> None:
    await prepared(admin)
    await admin.made("PUT", "/v1/units/A3", {"name": "三小", "kind": "school", "parent": "A"})
    await respond(admin, "C", "A1", 100)
    found = by_unit(await read(admin))
    assert found["A1"] == ([1, 1], True, True)
    assert found["A3"] == (None, False, None)
    (county, _) = (await read(admin, level="county", share=0.5))["rows"]
    assert [one["basis_missing"] for one in county["campaigns"]] == [1, 1]
    # A school that states nothing may have as many students again.
    assert (county["bounds"], county["met"]) == ([0, 1], None)
    empty = await admin.made("GET", "/v1/school-years/1999/coverage?population=parent")
    assert empty["campaigns"] == []
    assert by_unit(empty)["A1"] == ([0, 0], True, False)


async def test_it_comes_in_pages_and_as_a_table_and_has_an_etag(admin: Api) -> None:
    await prepared(admin)
    await respond(admin, "C", "A1", 30)
    whole = await read(admin)
    first = await read(admin, limit=2)
    second = await read(admin, limit=2, cursor=first["next"])
    assert first["rows"] + second["rows"] == whole["rows"]
    assert second["next"] is None
    reply = await admin.get(
        URL, params={"population": "parent", "limit": 1}, headers={"Accept": "text/csv"}
    )
    (line,) = csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig")))
    assert line == {
        "unit": "A1",
        "unit_name": "A1学校",
        "campaigns": "2",
        "least": "0.3",
        "most": "0.3",
        "exact": "true",
        "met": "false",
        **{"basis.C": "100", "basis_missing.C": "0", "responded.C": "30", "share.C": "0.3"},
        **{"basis.D": "80", "basis_missing.D": "0", "responded.D": "0", "share.D": "0.0"},
        **dict.fromkeys(("basis.of-b", "basis_missing.of-b", "responded.of-b", "share.of-b"), ""),
    }
    assert 'rel="next"' in reply.headers["Link"]
    known = {
        "If-None-Match": (await admin.get(URL, params={"population": "parent"})).headers["ETag"]
    }
    again = await admin.get(URL, params={"population": "parent"}, headers=known)
    assert again.status_code == 304


async def test_what_cannot_be_asked_is_refused(admin: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await prepared(admin)
    for name, value in {
        "basis": "issued",
        "share": "1.01",
        "level": "x",
        "cursor": "e30",
        "by": "unit",
    }.items():
        reply = await admin.get(URL, params={"population": "parent", name: value})
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["pointer"] == f"?{name}"
    assert (await admin.get(URL)).json()["errors"][0]["pointer"] == "?population"
    assert (await admin.get("/v1/school-years/26/coverage?population=parent")).status_code == 422
    monkeypatch.setattr(service, "MAX_CAMPAIGNS", 2)
    reply = await admin.get(URL, params={"population": "parent"})
    assert reply.json()["errors"][0]["code"] == "too_many_campaigns"
    assert (await admin.get(URL, params={"population": "parent", "within": "A"})).is_success
