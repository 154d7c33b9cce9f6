"""Coverage: targets, what they are shares of, and how far each unit is."""

from datetime import date, datetime, timedelta
from typing import Any

from app.core import clock
from tests.factories import PERIOD, Api, answer, invitations, open_campaign, tree

URL = "/v1/campaigns/C/coverage"


def population(*targets: dict[str, Any]) -> dict[str, Any]:
    return {"questionnaire": "satisfaction-six", "version": 1, "targets": list(targets)}


def target(
    share: float, basis: str = "students", name: str = "semester", **more: Any
) -> dict[str, Any]:
    return {"name": name, "basis": basis, "share": share, **more}


async def prepared(admin: Api, *targets: dict[str, Any], **changes: Any) -> None:
    await tree(admin)
    await open_campaign(admin, populations={"parent": population(*targets)}, **changes)


async def respond(admin: Api, unit: str, count: int) -> None:
    for token in await invitations(admin, count, unit=unit):
        await answer(admin, token)


async def rows(api: Api, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.made("GET", URL, params=parameters))["rows"]
    return found


async def bases(api: Api, level: str) -> dict[str, int | None]:
    return {row["unit"]["code"]: row["basis"] for row in await rows(api, level=level)}


async def enrol(admin: Api, unit: str, period: str = PERIOD, **heads: int) -> None:
    await admin.made("PUT", f"/v1/units/{unit}/enrolment", {"period": period, **heads})


async def test_each_unit_and_target_has_its_row(admin: Api) -> None:
    await prepared(admin, target(0.05), target(0.5, "parents", "all"))
    await respond(admin, "A1", 5)
    reply = await admin.made("GET", URL)
    today = clock.day_of(datetime.fromisoformat(reply["as_of"]))
    days = (today - date.fromisoformat(reply["pace_since"])).days + 1
    assert reply["campaign"] == "C"
    assert reply["next"] is None
    assert reply["rows"][0] == {
        "unit": {"code": "A1", "name": "A1学校"},
        "population": "parent",
        "target": "semester",
        "basis": 100,
        "required": 5,
        "responded": 5,
        "share": 0.05,
        "met": True,
        "basis_missing": 0,
        "gap": 0,
        "pace": 5 / days,
        "expected_on": None,
        "on_time": None,
    }
    # 95 more at five in all these days, and it closes in a week.
    assert reply["rows"][1]["expected_on"] == str(today + timedelta(days=19 * days))
    assert (reply["rows"][1]["gap"], reply["rows"][1]["on_time"]) == (95, False)
    assert [(row["unit"]["code"], row["target"]) for row in reply["rows"]] == [
        (unit, name) for unit in ("A1", "A2", "B1") for name in ("semester", "all")
    ]
    assert reply["rows"][1]["required"] == 100
    assert reply["rows"][1]["met"] is False
    assert (reply["rows"][2]["responded"], reply["rows"][2]["met"]) == (0, False)


async def test_a_county_is_the_sum_of_its_schools(admin: Api) -> None:
    await prepared(admin, target(0.5))
    await respond(admin, "A1", 3)
    await respond(admin, "A2", 2)
    await respond(admin, "A", 1)
    await respond(admin, "B1", 4)
    found = {row["unit"]["code"]: row for row in await rows(admin, level="county")}
    assert (found["A"]["basis"], found["A"]["responded"], found["A"]["share"]) == (200, 6, 0.03)
    assert (found["B"]["basis"], found["B"]["responded"]) == (100, 4)
    (city,) = await rows(admin, level="city")
    assert (city["basis"], city["required"], city["responded"]) == (300, 150, 10)


async def test_what_is_required_is_rounded_up_exactly(admin: Api) -> None:
    await prepared(admin, *(target(share, name=str(share)) for share in (0.05, 0.07, 0.29, 1.0)))
    for students, required in {820: [41, 58, 238, 820], 100: [5, 7, 29, 100]}.items():
        await enrol(admin, "A1", students=students)
        assert [row["required"] for row in await rows(admin, within="A1")] == required


async def test_residents_are_the_units_own(admin: Api) -> None:
    await prepared(admin, target(0.05, "residents", "four"))
    (city,) = await rows(admin, level="city")
    assert (city["basis"], city["required"]) == (400_000, 20_000)
    (school, *_) = await rows(admin)
    assert (school["basis"], school["required"], school["met"]) == (None, None, None)
    assert (school["share"], school["responded"]) == (None, 0)


async def test_a_stated_number_wins_over_the_sum_below(admin: Api) -> None:
    await prepared(admin, target(0.5))
    for number, students in (("1", 30), ("2", 40)):
        pupil_class = {"name": number, "kind": "class", "parent": "A1"}
        await admin.made("PUT", f"/v1/units/A1-{number}", pupil_class)
        await enrol(admin, f"A1-{number}", students=students)
    assert await bases(admin, "class") == {"A1-1": 30, "A1-2": 40}
    # A1 itself states 100: neither 70 nor 170.
    assert (await bases(admin, "school"))["A1"] == 100
    assert await bases(admin, "county") == {"A": 200, "B": 100}
    await enrol(admin, "A1", teachers=5)
    assert (await bases(admin, "school"))["A1"] == 70
    assert await bases(admin, "county") == {"A": 170, "B": 100}
    await enrol(admin, "A", students=999)
    assert await bases(admin, "county") == {"A": 999, "B": 100}
    assert await bases(admin, "city") == {"W": 1099}
    await enrol(admin, "W", students=1)
    assert await bases(admin, "city") == {"W": 1}
    assert await bases(admin, "county") == {"A": 999, "B": 100}


async def test_each_column_is_inherited_by_itself(admin: Api) -> None:
    await prepared(admin, target(0.5), target(0.5, "parents", "p"), target(0.5, "teachers", "t"))
    await enrol(admin, "A", students=50, teachers=0)
    found = {row["target"]: row for row in await rows(admin, level="county", within="A")}
    assert {name: row["basis"] for name, row in found.items()} == {
        "semester": 50,
        "p": 400,
        "t": 0,
    }
    assert (found["t"]["required"], found["t"]["share"], found["t"]["met"]) == (0, None, True)


async def test_only_the_campaigns_own_period_counts(admin: Api) -> None:
    await prepared(admin, target(0.5))
    await enrol(admin, "A1", period="2027-spring", students=5000)
    assert (await bases(admin, "school"))["A1"] == 100
    await open_campaign(
        admin, "D", period="2025-autumn", populations={"parent": population(target(0.5))}
    )
    reply = await admin.made("GET", "/v1/campaigns/D/coverage")
    assert {row["basis"] for row in reply["rows"]} == {None}
    await open_campaign(admin, "E", period=None, populations={"parent": population(target(0.5))})
    reply = await admin.made("GET", "/v1/campaigns/E/coverage")
    assert {row["met"] for row in reply["rows"]} == {None}


async def test_the_share_is_not_capped(admin: Api) -> None:
    await prepared(admin, target(0.5))
    await respond(admin, "A1", 3)
    await enrol(admin, "A1", students=2)
    (row,) = await rows(admin, within="A1")
    assert (row["responded"], row["share"], row["met"]) == (3, 1.5, True)


async def test_a_target_of_one_channel_counts_that_channel_alone(admin: Api) -> None:
    await prepared(
        admin, target(0.05, name="phone", channel="phone"), target(0.05, channel="invitation")
    )
    await respond(admin, "A1", 2)
    found = {row["target"]: row["responded"] for row in await rows(admin, within="A1")}
    assert found == {"phone": 0, "semester": 2}


async def test_populations_are_counted_apart(admin: Api) -> None:
    await tree(admin)
    targets = {"parent": population(target(0.5)), "teacher": population(target(0.5, "teachers"))}
    await open_campaign(admin, populations=targets)
    (token,) = await invitations(admin, 1, population="teacher")
    await answer(admin, token)
    found = {row["population"]: row for row in await rows(admin, within="A1")}
    assert (found["parent"]["basis"], found["parent"]["responded"]) == (100, 0)
    assert (found["teacher"]["basis"], found["teacher"]["responded"]) == (10, 1)


async def test_a_county_sees_its_own_units_alone(admin: Api) -> None:
    await prepared(admin, target(0.5))
    await respond(admin, "B1", 1)
    county = await admin.as_client("results:read", unit="A")
    assert [row["unit"]["code"] for row in await rows(county)] == ["A1", "A2"]
    assert await rows(county, level="city") == []
    (own,) = await rows(county, level="county")
    assert (own["unit"]["code"], own["basis"], own["responded"]) == ("A", 200, 0)


async def test_pages_are_the_same_as_the_whole(admin: Api) -> None:
    await prepared(admin, target(0.05), target(0.5, "parents", "all"))
    whole = await rows(admin)
    first = await admin.made("GET", URL, params={"limit": 4})
    second = await admin.made("GET", URL, params={"limit": 4, "cursor": first["next"]})
    assert (len(whole), len(first["rows"]), second["next"]) == (6, 4, None)
    assert first["rows"] + second["rows"] == whole
    assert (await admin.made("GET", URL, params={"limit": 6}))["next"] is None


async def test_coverage_has_an_etag_too(admin: Api) -> None:
    await prepared(admin, target(0.5))
    etag = (await admin.get(URL)).headers["ETag"]
    assert (await admin.get(URL, headers={"If-None-Match": etag})).status_code == 304
    await respond(admin, "A1", 1)
    assert (await admin.get(URL, headers={"If-None-Match": etag})).status_code == 200


async def test_what_cannot_be_asked_is_refused(admin: Api) -> None:
    await prepared(admin, target(0.5))
    for name, value in {"by": "unit", "level": "x", "cursor": "e30"}.items():
        reply = await admin.get(URL, params={name: value})
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["pointer"] == f"?{name}"
