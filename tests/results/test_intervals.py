"""Intervals and composites in results: which N, which kind, and when there is none."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.responses.tables import Channel
from app.results.statistics import clusters, proportions
from tests.factories import INDICATORS, PERIOD, Api, answers, open_campaign, tree
from tests.results.ledger import PARENTS, Entry, insert, publish

URL = "/v1/campaigns/C/results"
SIX = {"questionnaire": "satisfaction-six", "version": 1}


async def prepared(admin: Api, **changes: Any) -> None:
    await tree(admin)
    await open_campaign(admin, **changes)


async def write(api: Api, *entries: Entry) -> None:
    """Ledger rows of parents and teachers who were asked the six indicators."""
    published = await api.made("GET", "/v1/questionnaires/satisfaction-six?version=1")
    six = {name: published[name] for name in ("title", "scales", "questions")}
    await insert(api, entries, definitions={"parent": six, "teacher": six})


def votes(positive: int, negative: int, **fields: Any) -> list[Entry]:
    """So many persons who are satisfied with all, and so many with nothing."""
    return [
        *(Entry(answers=answers(), **fields) for _ in range(positive)),
        *(Entry(answers=answers("dissatisfied"), **fields) for _ in range(negative)),
    ]


async def rows(api: Api, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.made("GET", URL, params=parameters))["rows"]
    return found


async def test_a_question_has_wilsons_interval_of_its_units_enrolment(admin: Api) -> None:
    await prepared(admin)
    await write(admin, *votes(45, 5), *votes(9, 1, unit="A2"))
    await write(admin, *(Entry(answers=answers("dont_know")) for _ in range(7)))
    first, second, third = await rows(admin, by="unit", question="overall", population="parent")
    assert first["interval"] == pytest.approx(proportions.interval(0.9, 50, 200))
    assert (first["heads"], first["respondents"], first["no_interval"]) == (200, 57, None)
    assert second["interval"] == pytest.approx(proportions.interval(0.9, 10, 200))
    assert (third["interval"], third["no_interval"]) == (None, "no_votes")
    county, _ = await rows(
        admin, by="unit", level="county", question="overall", population="parent"
    )
    assert county["interval"] == pytest.approx(proportions.interval(0.9, 60, 400))
    (city,) = await rows(admin, question="overall", population="parent")
    assert city["interval"] == pytest.approx(proportions.interval(0.9, 60, 600))
    assert city["heads"] == 600


async def test_pooled_votes_of_a_person_are_not_six_persons(admin: Api) -> None:
    await prepared(admin)
    await write(admin, *votes(90, 10))
    (row,) = await rows(admin, population="parent", within="A1")
    assert row["interval"] == pytest.approx(proportions.interval(0.9, 100, 200))
    mixed = answers(ethics="dissatisfied", safety="dont_know")
    await write(admin, *(Entry(answers=mixed) for _ in range(20)))
    (row,) = await rows(admin, population="parent", within="A1")
    sums = clusters.Votes(540 + 80, 600 + 100, 90 * 36 + 20 * 16, 90 * 36 + 20 * 20, 3600 + 500)
    assert row["rate"] == 620 / 700
    assert row["interval"] == pytest.approx(clusters.pooled_interval(sums, 200))


async def test_the_telephone_alone_is_a_sample_and_anything_mixed_is_indicative(
    admin: Api,
) -> None:
    await prepared(admin)
    await write(admin, *votes(8, 2, channel=Channel.phone))
    await write(admin, *votes(8, 2, unit="A2", channel=Channel.phone))
    await write(admin, *votes(8, 2, unit="A2"))
    found = await rows(admin, by="unit")
    assert [row["interval_kind"] for row in found] == ["sample", "indicative", "none"]
    split = await rows(admin, by="unit,channel", channel="phone")
    assert [row["interval_kind"] for row in split] == ["sample", "sample", "none"]
    (total,) = await rows(admin)
    assert total["interval_kind"] == "indicative"
    assert sum(row["respondents"] for row in found) == total["respondents"] == 30
    by_channel = {row["channel"]: row["interval_kind"] for row in await rows(admin, by="channel")}
    assert by_channel == {"link": "indicative", "invitation": "none", "phone": "sample"}


async def test_everybody_is_a_point_and_more_than_everybody_is_flagged(admin: Api) -> None:
    await prepared(admin)
    heads = {"period": PERIOD, "students": 100, "parents": 10, "teachers": 10}
    await admin.made("PUT", "/v1/units/A1/enrolment", heads)
    entries = votes(9, 1)
    await write(admin, *entries)
    for parameters in ({"question": "safety"}, {}):
        row, *_ = await rows(admin, by="unit", population="parent", **parameters)
        assert row["interval"] == [0.9, 0.9]
    await write(admin, *votes(1, 0))
    row, *_ = await rows(admin, by="unit", population="parent")
    assert (row["interval"], row["interval_kind"]) == (None, "none")
    assert (row["no_interval"], row["heads"], row["rate"]) == ("more_than_heads", 10, 10 / 11)


async def test_without_a_known_population_it_is_one_without_end(admin: Api) -> None:
    await prepared(admin, period=None)
    await write(admin, *votes(45, 5), *votes(1, 0, unit="A"))
    row, *_, above = await rows(admin, by="unit", question="overall")
    assert (row["heads"], row["no_interval"]) == (None, None)
    assert row["interval"] == pytest.approx([0.786398, 0.956524], abs=1e-6)
    assert (above["unit"], above["heads"], above["no_interval"]) == (None, None, None)


async def test_a_sum_of_heads_that_lacks_a_school_corrects_no_interval(admin: Api) -> None:
    """Of those who are known all have answered; how many there are beside them nobody knows."""
    await prepared(admin)
    for school in ("A1", "A2"):
        heads = {"period": PERIOD, "students": 100, "parents": 9, "teachers": 10}
        await admin.made("PUT", f"/v1/units/{school}/enrolment", heads)
    await write(admin, *votes(8, 1), *votes(8, 1, unit="A2"))
    parents = {"population": "parent", "level": "county", "by": "unit"}
    county, *_ = await rows(admin, **parents)
    assert (county["heads"], county["interval"]) == (18, [8 / 9, 8 / 9])
    await admin.made("PUT", "/v1/units/A3", {"name": "A3", "kind": "school", "parent": "A"})
    county, other = await rows(admin, **parents)
    assert (county["heads"], county["no_interval"], county["rate"]) == (None, None, 8 / 9)
    low, high = county["interval"]
    assert low < 8 / 9 < high
    assert other["heads"] == 200
    (city,) = await rows(admin, population="parent")
    assert city["heads"] is None
    (complete,) = await rows(admin, population="parent", within="A1")
    assert complete["interval"] == [8 / 9, 8 / 9]
    own = {"period": PERIOD, "parents": 400}
    await admin.made("PUT", "/v1/units/A/enrolment", own)
    county, _ = await rows(admin, **parents)
    assert (county["heads"], county["no_interval"]) == (400, None)
    (city,) = await rows(admin, population="parent")
    assert (city["heads"], city["no_interval"]) == (600, None)


async def test_a_row_s_interval_is_of_those_who_are_asked_its_question(admin: Api) -> None:
    """Teachers answer a link, but aren't asked what the parents are asked by telephone alone."""
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    called = [Entry(answers={"a": "good", "b": "good"}, channel=Channel.phone) for _ in range(9)]
    linked = [Entry(answers={"a": "bad", "staff": "good"}, population="teacher")]
    await insert(admin, [*called, *linked])
    kinds = {row["question"]: row["interval_kind"] for row in await rows(admin, by="question")}
    assert (kinds["a"], kinds["b"], kinds["staff"]) == ("indicative", "sample", "indicative")
    reply = await admin.made("GET", URL, params={"question": "b"})
    assert reply["composite"]["interval_kind"] == "sample"


async def test_what_was_given_above_the_level_has_no_population(admin: Api) -> None:
    await prepared(admin)
    await write(admin, *votes(1, 1, unit="A"))
    *_, above = await rows(admin, by="unit")
    assert (above["unit"], above["heads"], above["no_interval"]) == (None, None, None)
    (total,) = await rows(admin)
    assert total["interval"] is not None


async def test_a_population_goes_by_its_name_else_by_its_targets(admin: Api) -> None:
    target = {"name": "semester", "share": 0.5}
    populations = {
        "Teachers": {**SIX, "targets": [{**target, "basis": "students"}]},
        "graduate": {**SIX, "targets": [{**target, "basis": "students"}]},
        "delegate": SIX,
        "public": SIX,
    }
    await prepared(admin, populations=populations)
    found = await rows(admin, by="unit,population", level="city")
    assert {row["population"]: row["heads"] for row in found} == {
        "Teachers": 30,
        "graduate": 300,
        "delegate": None,
        "public": 400_000,
    }


async def test_a_question_of_several_answers_has_a_rate_of_votes_and_no_interval(
    admin: Api,
) -> None:
    await tree(admin)
    options = [
        {"value": value, "label": {"zh-CN": "题"}, "counts_as": side}
        for value, side in (("up", "positive"), ("down", "negative"))
    ]
    many = {"code": "many", "type": "multiple_choice", "options": options, "label": {"zh-CN": "题"}}
    draft = {**PARENTS, "questions": [many]}
    await admin.made("PUT", "/v1/questionnaires/many", draft)
    await admin.made("POST", "/v1/questionnaires/many/publish")
    await open_campaign(admin, populations={"parent": {"questionnaire": "many", "version": 1}})
    both = Entry(answers={"many": ["up", "down"]})
    await insert(admin, [both], definitions={"parent": draft})
    (row,) = await rows(admin, by="question")
    assert (row["rate"], row["interval"], row["no_interval"]) == (0.5, None, "several_answers")


async def test_populations_together_are_each_a_sample_of_their_own(admin: Api) -> None:
    await prepared(admin)
    await write(admin, *votes(45, 5), *votes(6, 3, population="teacher"))
    (row,) = await rows(admin, question="overall", within="A1")
    parents = proportions.interval(0.9, 50, 200) or (0, 0)
    teachers = proportions.interval(2 / 3, 9, 10) or (0, 0)
    below = ((0.9 - parents[0]) * 50 / 59) ** 2 + ((2 / 3 - teachers[0]) * 9 / 59) ** 2
    assert row["rate"] == 51 / 59
    assert row["interval"][0] == pytest.approx(51 / 59 - below**0.5)
    assert row["heads"] == 210


async def test_the_composite_weighs_populations_and_prints_how(admin: Api) -> None:
    weighed = {code: {**SIX, "weight": weight} for code, weight in (("parent", 3), ("teacher", 1))}
    await prepared(admin, populations=weighed)
    await write(admin, *votes(9, 1), *votes(4, 1, population="teacher"))
    found = (await admin.made("GET", URL, params={"by": "unit,question"}))["composite"]
    assert found["rate"] == pytest.approx(0.75 * 0.9 + 0.25 * 0.8)
    assert found["interval"][0] < found["rate"] < found["interval"][1]
    assert found["interval_kind"] == "indicative"
    assert [(one["population"], one["weight"], one["share"]) for one in found["populations"]] == [
        ("parent", 3.0, 0.75),
        ("teacher", 1.0, 0.25),
    ]
    assert [(one["respondents"], one["rate"]) for one in found["populations"]] == [
        (10, 0.9),
        (5, 0.8),
    ]
    assert "composite" not in await admin.made("GET", URL, params={"population": "parent"})


async def test_a_population_without_votes_drops_out_of_the_composite(admin: Api) -> None:
    weighed = {
        "student": {**SIX, "weight": 0.5},
        "parent": {**SIX, "weight": 0.3},
        "teacher": {**SIX, "weight": 0.2},
    }
    await prepared(admin, populations=weighed)
    nothing = (await admin.made("GET", URL))["composite"]
    assert (nothing["rate"], nothing["interval"], nothing["interval_kind"]) == (None, None, "none")
    assert [one["share"] for one in nothing["populations"]] == [0, 0, 0]
    published = await admin.made("GET", "/v1/questionnaires/satisfaction-six?version=1")
    six = {name: published[name] for name in ("title", "scales", "questions")}
    entries = [*votes(9, 1), *votes(4, 1, population="teacher")]
    await insert(admin, entries, definitions=dict.fromkeys(weighed, six))
    found = (await admin.made("GET", URL))["composite"]
    assert [one["share"] for one in found["populations"]] == [0, 0.6, 0.4]
    assert found["rate"] == pytest.approx(0.6 * 0.9 + 0.4 * 0.8)


async def test_without_any_weight_populations_weigh_the_same(admin: Api) -> None:
    await prepared(admin)
    await write(admin, *votes(3, 0), *votes(0, 5, population="teacher"))
    found = (await admin.made("GET", URL, params={"question": "overall"}))["composite"]
    assert found["rate"] == 0.5
    assert [(one["weight"], one["share"]) for one in found["populations"]] == [(None, 0.5)] * 2


async def test_only_one_population_weighs_where_the_others_have_no_weight(admin: Api) -> None:
    await prepared(admin, populations={"parent": {**SIX, "weight": 1}, "teacher": SIX})
    await write(admin, *votes(3, 0), *votes(0, 5, population="teacher"))
    found = (await admin.made("GET", URL))["composite"]
    assert (found["rate"], found["interval"][1]) == (1, 1)


async def test_the_composite_of_a_question_is_of_those_who_are_asked_it(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin))
    await insert(
        admin,
        [
            Entry(answers={"a": "good", "b": "bad"}),
            Entry(population="teacher", answers={"staff": "bad", "a": "bad"}),
        ],
    )
    shared = (await admin.made("GET", URL, params={"question": "a"}))["composite"]
    assert (shared["rate"], [one["share"] for one in shared["populations"]]) == (0.5, [0.5, 0.5])
    own = (await admin.made("GET", URL, params={"question": "staff"}))["composite"]
    assert (own["rate"], [one["share"] for one in own["populations"]]) == (0, [0, 1])


async def test_every_row_with_votes_and_heads_contains_its_rate(admin: Api) -> None:
    await prepared(admin)
    await write(admin, *votes(20, 3), *votes(0, 4, unit="B1", channel=Channel.phone))
    found = await rows(admin, by="unit,population,channel,question,day")
    counted = [row for row in found if row["rate"] is not None]
    assert len(counted) == 2 * len(INDICATORS)
    for row in counted:
        assert row["interval"][0] <= row["rate"] <= row["interval"][1]


async def test_of_tallies_the_persons_are_votes_by_the_number_of_indicators(admin: Api) -> None:
    await prepared(admin)
    source = await admin.as_client("tallies:write")
    counts = {"satisfied": 60, "basically_satisfied": 30, "dissatisfied": 10}
    row = {"unit": "A1", "population": "parent", "respondents": 100}
    batch = {
        "revision": 1,
        "channel": "phone",
        "as_of": (datetime.now(UTC) - timedelta(minutes=5)).isoformat(),
        "rows": [{**row, "counts": dict.fromkeys(INDICATORS, counts)}],
    }
    await source.made("PUT", "/v1/campaigns/C/tallies/T", batch)
    for parameters in ({}, {"question": "safety"}):
        (found,) = await rows(admin, population="parent", within="A1", **parameters)
        assert found["rate"] == 0.9
        assert found["interval"] == pytest.approx(proportions.interval(0.9, 100, 200))
        assert found["interval_kind"] == "sample"
    # With single responses, whose votes are known, they add up.
    await write(admin, *(Entry(answers=answers(safety="dissatisfied")) for _ in range(10)))
    (found,) = await rows(admin, population="parent", within="A1")
    sums = clusters.Votes(590, 660, 540 * 6 + 250, 540 * 6 + 300, 3600 + 360)
    assert found["interval"] == pytest.approx(clusters.pooled_interval(sums, 200))
