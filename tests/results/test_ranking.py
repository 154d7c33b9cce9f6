"""Rankings: who is ranked, ties, ranges, the bottom ten, siblings, and how unequal units are."""

import csv
import io
from typing import Any

import pytest

from app.responses.tables import Channel
from app.results import service
from app.results.statistics import proportions
from tests.factories import PERIOD, Api, answers, open_campaign, tree
from tests.results.ledger import Entry, insert

URL = "/v1/campaigns/C/ranking"
SIX = {"questionnaire": "satisfaction-six", "version": 1}
FEW = {"min_rank": 5, "populations": {"parent": SIX}}


async def prepared(admin: Api, schools: int = 0, **changes: Any) -> None:
    """The tree of the factories, with so many schools more in county B, and campaign C."""
    await tree(admin)
    for number in range(schools):
        code = f"S{number:02}"
        unit = {"name": code, "kind": "school", "parent": "B"}
        await admin.made("PUT", f"/v1/units/{code}", unit)
        heads = {"period": PERIOD, "students": 100, "parents": 200}
        await admin.made("PUT", f"/v1/units/{code}/enrolment", heads)
    await open_campaign(admin, **{**FEW, **changes})


async def write(api: Api, *entries: list[Entry]) -> None:
    """Ledger rows of people who were asked the six indicators."""
    published = await api.made("GET", "/v1/questionnaires/satisfaction-six?version=1")
    six = {name: published[name] for name in ("title", "scales", "questions")}
    rows = [entry for some in entries for entry in some]
    await insert(api, rows, definitions={"parent": six, "teacher": six})


def votes(unit: str, positive: int, negative: int, **fields: Any) -> list[Entry]:
    """So many persons who are satisfied with all, and so many with nothing."""
    return [
        *(Entry(unit=unit, answers=answers(), **fields) for _ in range(positive)),
        *(Entry(unit=unit, answers=answers("dissatisfied"), **fields) for _ in range(negative)),
    ]


async def ranked(api: Api, **parameters: Any) -> dict[str, Any]:
    found: dict[str, Any] = await api.made("GET", URL, params=parameters)
    return found


def ranks(found: dict[str, Any]) -> list[tuple[str, int | None]]:
    return [(row["unit"]["code"], row["rank"]) for row in found["rows"]]


async def test_units_are_ranked_with_ties_and_the_insufficient_stand_apart(admin: Api) -> None:
    await prepared(admin, 3)
    await write(
        admin,
        votes("A1", 9, 1),
        votes("A2", 18, 2),
        votes("B1", 10, 0),
        votes("S00", 1, 9),
        votes("S01", 4, 0),
    )
    found = await ranked(admin)
    assert ranks(found) == [
        ("B1", 1),
        ("A1", 2),
        ("A2", 2),
        ("S00", 4),
        ("S01", None),
        ("S02", None),
    ]
    assert (found["ranked"], found["min_rank"], found["level"]) == (4, 5, "school")
    few, none = found["rows"][4:]
    assert (few["rate"], few["n"], few["because"]) == (1, 4, ["too_few"])
    assert (few["insufficient"], few["rank_range"]) == (True, None)
    assert (none["rate"], none["respondents"], none["mode"]) == (None, 0, None)
    assert found["rows"][0]["interval"] == pytest.approx(proportions.interval(1.0, 10, 200))
    assert found["rows"][0]["insufficient"] is False
    assert found["rows"][3]["rank_range"] == [4, 4]
    assert found["rows"][0]["rank_range"] == [1, 3]


async def test_dont_know_makes_nobody_sufficient(admin: Api) -> None:
    await prepared(admin)
    unsure = [Entry(answers=answers("dont_know")) for _ in range(9)]
    await write(admin, unsure, votes("A1", 4, 0))
    row, *_ = (await ranked(admin))["rows"]
    assert (row["respondents"], row["n"], row["because"]) == (13, 4, ["too_few"])
    await write(admin, [Entry(answers=answers("dont_know", safety="satisfied"))])
    row, *_ = (await ranked(admin))["rows"]
    assert (row["n"], row["rank"], row["insufficient"]) == (5, 1, False)


async def test_a_unit_below_its_coverage_target_is_insufficient(admin: Api) -> None:
    targets = [
        {"name": "semester", "basis": "students", "share": 0.1},
        {"name": "posters", "basis": "students", "share": 0.9, "channel": "paper"},
    ]
    await prepared(
        admin,
        headline_channels=["phone", "link"],
        populations={"parent": {**SIX, "targets": targets}},
    )
    await write(admin, votes("A1", 9, 0), votes("A2", 5, 5))
    found = await ranked(admin)
    assert ranks(found) == [("A2", 1), ("A1", None), ("B1", None)]
    # The target of a channel that is not ranked holds nobody back.
    assert found["rows"][1]["because"] == ["below_target"]
    assert found["rows"][2]["because"] == ["too_few", "below_target"]


async def test_what_nobody_knows_holds_no_unit_back(admin: Api) -> None:
    targets = [
        {"name": "residents", "basis": "residents", "share": 0.0015, "at_least": 600},
        {"name": "feedback", "basis": "issued", "share": 0.9},
        {"name": "students", "basis": "students", "share": 0.02},
    ]
    await prepared(admin, 1, populations={"parent": {**SIX, "targets": targets}})
    await admin.made("PUT", "/v1/units/S01", {"name": "S01", "kind": "school", "parent": "B"})
    await write(admin, votes("A1", 5, 0), votes("B1", 5, 1), votes("S01", 5, 2))
    assert ranks(await ranked(admin))[:3] == [("A1", 1), ("B1", 2), ("S01", 3)]
    # Of B's schools one states no students: as far as anybody knows the county is not below.
    counties = await ranked(admin, level="county")
    assert ranks(counties) == [("A", 1), ("B", 2)]
    handed_out = {"unit": "A1", "population": "parent", "channel": "link", "count": 6}
    await admin.made("PUT", "/v1/campaigns/C/issued", handed_out)
    found = await ranked(admin)
    assert ranks(found)[:2] == [("B1", 1), ("S01", 2)]
    assert found["rows"][2]["because"] == ["below_target"]


async def test_a_release_is_ranked_by_what_was_reached_then(admin: Api) -> None:
    targets = [{"name": "t", "basis": "students", "share": 0.3}]
    await prepared(admin, populations={"parent": {**SIX, "targets": targets}})
    public = await admin.as_client("results:read")
    await write(admin, votes("A1", 20, 0), votes("A2", 20, 10))
    await admin.made("POST", "/v1/campaigns/C/releases")
    await write(admin, votes("A1", 12, 0))
    assert ranks(await ranked(admin))[:2] == [("A1", 1), ("A2", 2)]
    before = await ranked(public)
    assert ranks(before)[0] == ("A2", 1)
    assert before["rows"][1]["because"] == ["below_target"]
    await admin.made("POST", "/v1/campaigns/C/releases")
    assert ranks(await ranked(public))[:2] == [("A1", 1), ("A2", 2)]


async def test_only_the_headline_channels_are_ranked_and_the_mode_is_shown(admin: Api) -> None:
    await prepared(admin, headline_channels=["phone"])
    await write(
        admin,
        votes("A1", 6, 0, channel=Channel.phone),
        votes("A1", 0, 50),
        votes("A2", 5, 1, channel=Channel.phone),
        votes("B1", 30, 0),
    )
    found = await ranked(admin)
    assert found["headline_channels"] == ["phone"]
    assert ranks(found) == [("A1", 1), ("A2", 2), ("B1", None)]
    first = found["rows"][0]
    assert (first["rate"], first["respondents"]) == (1, 6)
    assert (first["mode"], first["interval_kind"]) == ("phone", "sample")


async def test_without_headline_channels_all_count_and_mixtures_are_named(admin: Api) -> None:
    await prepared(admin)
    await write(
        admin,
        votes("A1", 5, 5, channel=Channel.phone),
        votes("A1", 5, 5, channel=Channel.paper),
        votes("A2", 6, 0, channel=Channel.wechat),
        votes("A2", 6, 0, channel=Channel.invitation),
    )
    found = await ranked(admin)
    assert [(row["mode"], row["interval_kind"]) for row in found["rows"][:2]] == [
        ("online", "indicative"),
        ("mixed", "indicative"),
    ]


async def test_the_bottom_ten_keeps_ties_at_the_cut(admin: Api) -> None:
    await prepared(admin, 12)
    rates = [3, 5, 5, 5, 6, 6, 6, 6, 6, 7, 7, 7]
    await write(
        admin, *(votes(f"S{number:02}", rate, 10 - rate) for number, rate in enumerate(rates))
    )
    found = await ranked(admin)
    assert [(one["unit"]["code"], one["rank"]) for one in found["bottom"]] == [
        ("S00", 12),
        *((f"S{number:02}", 9) for number in (1, 2, 3)),
        *((f"S{number:02}", 4) for number in range(4, 9)),
        *((f"S{number:02}", 1) for number in (9, 10, 11)),
    ]
    assert found["bottom"][0]["rate"] == 0.3


async def test_a_unit_stands_beside_its_siblings_and_its_parent(admin: Api) -> None:
    await prepared(admin)
    await write(admin, votes("A1", 9, 1), votes("A2", 5, 5), votes("B1", 7, 3), votes("A", 0, 10))
    found = await ranked(admin)
    beside = {row["unit"]["code"]: row["among_siblings"] for row in found["rows"]}
    assert beside["A2"] == {
        "parent": {"code": "A", "name": "A县"},
        "rank": 2,
        "of": 2,
        "parent_rate": pytest.approx(14 / 30),
        "difference": pytest.approx(0.5 - 14 / 30),
    }
    assert (beside["B1"]["rank"], beside["B1"]["of"], beside["B1"]["difference"]) == (1, 1, 0)
    county = await admin.as_client("results:exact", unit="A")
    own = await ranked(county, level="county")
    assert own["rows"][0]["among_siblings"] is None
    schools = await ranked(county)
    assert ranks(schools) == [("A1", 1), ("A2", 2)]
    assert schools["rows"][1]["among_siblings"] == beside["A2"]


async def test_schools_vary_by_their_students(admin: Api) -> None:
    await prepared(admin)
    for code, students in (("A1", 300), ("A2", 100)):
        heads = {"period": PERIOD, "students": students, "parents": 500}
        await admin.made("PUT", f"/v1/units/{code}/enrolment", heads)
    await write(admin, votes("A1", 8, 2), votes("A2", 4, 6), votes("B1", 1, 3))
    equity = (await ranked(admin))["equity"]
    assert equity["mean"] == pytest.approx(0.7)
    assert equity["coefficient_of_variation"] == pytest.approx(0.03**0.5 / 0.7)
    # B1 is too few to be ranked, so it does not make the others look more unequal.
    assert (equity["units"], equity["weighted_by"]) == (2, "students")


async def test_several_populations_are_ranked_by_their_composite(admin: Api) -> None:
    weighed = {"parent": {**SIX, "weight": 0.6}, "teacher": {**SIX, "weight": 0.4}}
    await prepared(admin, populations=weighed)
    await write(
        admin,
        votes("A1", 10, 0),
        votes("A1", 1, 4, population="teacher"),
        votes("A2", 8, 2),
    )
    found = await ranked(admin)
    assert ranks(found)[:2] == [("A2", 1), ("A1", 2)]
    second = found["rows"][1]
    assert second["rate"] == pytest.approx(0.6 + 0.4 * 0.2)
    assert (second["n"], second["shares"]) == (15, {"parent": 0.6, "teacher": 0.4})
    assert found["rows"][0]["shares"] == {"parent": 1.0}
    reply = await admin.get(URL, headers={"Accept": "text/csv"})
    lines = csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"), newline=""))
    assert [(line["shares.parent"], line["shares.teacher"]) for line in lines] == [
        ("1.0", ""),
        ("0.6", "0.4"),
        ("", ""),
    ]
    assert ranks(await ranked(admin, population="parent"))[:2] == [("A1", 1), ("A2", 2)]


async def test_a_question_is_ranked_by_itself(admin: Api) -> None:
    await prepared(admin)
    split = [Entry(answers=answers("dissatisfied", safety="satisfied")) for _ in range(5)]
    await write(admin, split, votes("A2", 4, 1))
    assert ranks(await ranked(admin))[:2] == [("A2", 1), ("A1", 2)]
    assert ranks(await ranked(admin, question="safety"))[:2] == [("A1", 1), ("A2", 2)]


async def test_units_without_enrolment_are_ranked_by_wider_intervals(admin: Api) -> None:
    await prepared(admin, period=None)
    await write(admin, votes("A1", 9, 1), votes("A2", 5, 5))
    found = await ranked(admin)
    assert [(row["rank"], row["rank_range"]) for row in found["rows"][:2]] == [
        (1, [1, 2]),
        (2, [1, 2]),
    ]
    assert found["equity"] == {
        "coefficient_of_variation": None,
        "mean": None,
        "weighted_by": "students",
        "units": 0,
    }


async def test_pages_follow_each_other_and_a_table_says_the_same(admin: Api) -> None:
    await prepared(admin, 3)
    await write(admin, votes("A1", 9, 1), votes("B1", 10, 0), votes("S01", 10, 0))
    whole = await ranked(admin)
    rows, cursor = [], None
    while True:
        page = await ranked(admin, limit=2, **({"cursor": cursor} if cursor else {}))
        rows += page["rows"]
        assert page["bottom"] == whole["bottom"]
        cursor = page["next"]
        if cursor is None:
            break
    assert rows == whole["rows"]
    reply = await admin.get(URL, headers={"Accept": "text/csv"})
    lines = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"), newline="")))
    assert [(line["unit"], line["rank"]) for line in lines] == [
        (code, str(rank or "")) for code, rank in ranks(whole)
    ]
    assert (lines[0]["rank_best"], lines[0]["parent"], lines[-1]["because"]) == (
        "1",
        "B",
        "too_few",
    )
    known = {"If-None-Match": (await admin.get(URL)).headers["ETag"]}
    assert (await admin.get(URL, headers=known)).status_code == 304
    await write(admin, votes("A2", 5, 0))
    assert (await admin.get(URL, headers=known)).status_code == 200


async def test_a_campaign_without_responses_ranks_nobody(admin: Api) -> None:
    await prepared(admin)
    found = await ranked(admin)
    assert (found["ranked"], found["bottom"]) == (0, [])
    assert [row["because"] for row in found["rows"]] == [["too_few"]] * 3
    assert found["rows"][0]["among_siblings"]["parent_rate"] is None
    assert (await ranked(admin, level="class"))["rows"] == []


async def test_too_many_units_are_ranked_in_parts(
    admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepared(admin)
    monkeypatch.setattr(service, "MAX_ROWS", 2)
    reply = await admin.get(URL)
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "?within"
    assert len((await ranked(admin, within="A"))["rows"]) == 2


async def test_who_may_not_read_is_told_so_and_what_cannot_be_asked_is_named(admin: Api) -> None:
    await prepared(admin)
    expected = [("units:write", 403), ("results:read", 409), ("results:exact", 200)]
    for scope, status in expected:
        client = await admin.as_client(scope)
        assert (await client.get(URL)).status_code == status
    county = await admin.as_client("results:exact", unit="A")
    assert (await county.get(URL, params={"within": "B"})).status_code == 404
    for parameters in (
        {"level": "planet"},
        {"population": "ghost"},
        {"question": "ghost"},
        {"by": "unit"},
        {"cursor": "WzEsMl0"},
        {"quality": "dirty"},
    ):
        reply = await admin.get(URL, params=parameters)
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["pointer"] == f"?{next(iter(parameters))}"
