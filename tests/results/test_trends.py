"""Trends: a unit's rates from campaign to campaign, and what a change is worth."""

import csv
import io
from typing import Any

import pytest

from app.responses.tables import Channel
from app.results.statistics import clusters, proportions
from tests.factories import Api, answers, open_campaign, tree
from tests.results.ledger import Entry, insert

URL = "/v1/trends"
ASKED = {"unit": "A1", "campaigns": "before,C", "population": "parent"}
SIX = {"questionnaire": "satisfaction-six", "version": 1}


async def write(api: Api, campaign: str, entries: list[Entry]) -> None:
    """Rows of parents who were asked the six indicators in a campaign."""
    published = await api.made("GET", "/v1/questionnaires/satisfaction-six?version=1")
    six = {name: published[name] for name in ("title", "scales", "questions")}
    await insert(api, entries, definitions={"parent": six}, campaign=campaign)


def votes(positive: int, negative: int, **fields: Any) -> list[Entry]:
    """So many persons who are satisfied with all, and so many with nothing."""
    return [
        *(Entry(answers=answers(), **fields) for _ in range(positive)),
        *(Entry(answers=answers("dissatisfied"), **fields) for _ in range(negative)),
    ]


async def prepared(admin: Api, **changes: Any) -> None:
    await tree(admin)
    for code in ("before", "C"):
        await open_campaign(admin, code, **changes)


async def trend(api: Api, **parameters: Any) -> list[dict[str, Any]]:
    reply = await api.made("GET", URL, params={**ASKED, **parameters})
    rows: list[dict[str, Any]] = reply["rows"]
    return rows


async def test_a_change_between_two_waves_is_tested(admin: Api) -> None:
    await prepared(admin)
    heads = {"period": "2026-autumn", "parents": 5000}
    await admin.made("PUT", "/v1/units/A1/enrolment", heads)
    await write(admin, "before", votes(850, 150))
    await write(admin, "C", votes(880, 120))
    for question in ("overall", None):
        first, second = await trend(admin, **({"question": question} if question else {}))
        assert (first["campaign"], first["rate"], first["change"]) == ("before", 0.85, None)
        assert first["not_compared"] is None
        assert second["interval"] == pytest.approx(proportions.interval(0.88, 1000, 5000), abs=2e-4)
        change = second["change"]
        assert change["difference"] == pytest.approx(0.03)
        # People who are content with all or nothing: six votes of theirs are one.
        assert change["z"] == pytest.approx(1.963, abs=0.003)
        assert change["p"] == pytest.approx(0.0496, abs=0.0004)
        assert (change["significant"], change["same_mode"]) == (True, True)
        assert second["n"] == pytest.approx(1000, abs=3)


async def test_the_order_is_that_asked_for_and_a_county_is_its_schools(admin: Api) -> None:
    await prepared(admin)
    await write(admin, "before", votes(6, 4))
    await write(admin, "C", [*votes(7, 3), *votes(3, 0, unit="A2")])
    first, second = await trend(admin, campaigns="C,before", unit="A", question="safety")
    assert [first["campaign"], second["campaign"]] == ["C", "before"]
    assert (first["rate"], first["respondents"]) == (10 / 13, 13)
    expected = proportions.difference(10 / 13, 13, 0.6, 10)
    assert expected is not None
    assert second["change"]["z"] == pytest.approx(expected.z)
    assert second["change"]["significant"] is False


async def test_pooled_changes_count_persons_and_not_votes(admin: Api) -> None:
    await prepared(admin)
    mixed = [Entry(answers=answers(safety="dissatisfied")) for _ in range(40)]
    await write(admin, "before", votes(60, 40))
    await write(admin, "C", [*votes(40, 20), *mixed])
    first, second = await trend(admin)
    before = clusters.Votes(360, 600, 2160, 2160, 3600)
    after = clusters.Votes(440, 600, 40 * 36 + 40 * 25, 40 * 36 + 40 * 30, 3600)
    sizes = clusters.effective(before), clusters.effective(after)
    assert (first["n"], second["n"]) == pytest.approx(sizes)
    expected = proportions.difference(0.6, sizes[0], 440 / 600, sizes[1])
    assert expected is not None
    assert second["change"]["p"] == pytest.approx(expected.p)


async def test_a_population_without_weight_has_a_trend_of_its_own(admin: Api) -> None:
    weighed = {"parent": {**SIX, "weight": 0.0}, "teacher": {**SIX, "weight": 1.0}}
    await prepared(admin, populations=weighed)
    await write(admin, "C", votes(3, 1))
    _, second = await trend(admin)
    assert second["rate"] == 0.75


async def test_where_nothing_varies_there_is_a_difference_and_no_test(admin: Api) -> None:
    await prepared(admin)
    await write(admin, "before", votes(6, 0))
    await write(admin, "C", votes(7, 0))
    _, second = await trend(admin, question="overall")
    assert second["change"] == {
        "difference": 0.0,
        "z": None,
        "p": None,
        "significant": False,
        "same_mode": True,
    }


async def test_headline_channels_count_or_the_one_asked_for(admin: Api) -> None:
    await prepared(admin, headline_channels=["phone"])
    for campaign in ("before", "C"):
        await write(admin, campaign, votes(5, 5, channel=Channel.phone))
    await write(admin, "C", votes(10, 0))
    _, second = await trend(admin)
    assert (second["rate"], second["mode"], second["channels"]) == (0.5, "phone", ["phone"])
    assert second["change"]["same_mode"] is True
    first, second = await trend(admin, channel="link")
    assert (first["rate"], second["rate"], second["mode"]) == (None, 1, "online")
    assert (second["change"], second["not_compared"]) == (None, "no_votes")


async def test_another_way_of_asking_is_named(admin: Api) -> None:
    await prepared(admin)
    await write(admin, "before", votes(5, 5, channel=Channel.phone))
    await write(admin, "C", votes(5, 5))
    _, second = await trend(admin)
    assert second["change"]["same_mode"] is False
    assert [second["interval_kind"], second["mode"]] == ["indicative", "online"]


async def other(admin: Api, code: str, questions: list[dict[str, Any]]) -> dict[str, Any]:
    """A questionnaire with the scale of the six, and the population that asks it."""
    six = await admin.made("GET", "/v1/questionnaires/satisfaction-six?version=1")
    draft = {"title": six["title"], "scales": six["scales"], "questions": questions}
    await admin.made("PUT", f"/v1/questionnaires/{code}", draft)
    await admin.made("POST", f"/v1/questionnaires/{code}/publish")
    return {"parent": {"questionnaire": code, "version": 1}}


async def test_only_what_asks_the_same_is_compared(admin: Api) -> None:
    await prepared(admin)
    six = await admin.made("GET", "/v1/questionnaires/satisfaction-six?version=1")
    overall = next(one for one in six["questions"] if one["code"] == "overall")
    [scale] = six["scales"].values()
    stricter = [
        {**one, "counts_as": "negative"} if one["value"] == "basically_satisfied" else one
        for one in scale
    ]
    changed = {**overall, "scale": None, "options": stricter}
    same = await other(admin, "same", [{**overall, "label": {"zh-CN": "换了说法"}}])
    strict = await other(admin, "strict", [changed])
    await open_campaign(admin, "same", populations=same)
    await open_campaign(admin, "strict", populations=strict)
    for campaign in ("before", "same", "strict"):
        asked = {"before": six["questions"], "same": [overall], "strict": [changed]}[campaign]
        definition = {"title": six["title"], "scales": six["scales"], "questions": asked}
        codes = [one["code"] for one in asked if one["type"] == "single_choice"]
        entry = Entry(answers=dict.fromkeys(codes, "satisfied"))
        await insert(admin, [entry], definitions={"parent": definition}, campaign=campaign)
    rows = await trend(admin, campaigns="before,same,strict", question="overall")
    assert [row["not_compared"] for row in rows] == [None, None, "other_question"]
    assert [row["change"] is None for row in rows] == [True, False, True]
    assert [row["rate"] for row in rows] == [1, 1, 1]
    pooled = await trend(admin, campaigns="before,same")
    assert pooled[1]["not_compared"] == "other_question"
    safety = await trend(admin, campaigns="before,same", question="safety")
    assert [row["not_compared"] for row in safety] == [None, "not_asked"]
    assert safety[1]["rate"] is None


async def test_a_trend_comes_as_a_table_and_with_an_etag(admin: Api) -> None:
    await prepared(admin, title="=1+1")
    await write(admin, "before", votes(6, 4))
    await write(admin, "C", votes(7, 3))
    reply = await admin.get(URL, params=ASKED, headers={"Accept": "text/csv"})
    first, second = csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"), newline=""))
    assert (first["campaign"], first["rate"], first["p"]) == ("before", "0.6", "")
    assert first["title"] == "'=1+1"
    assert (second["significant"], second["not_compared"]) == ("false", "")
    assert (first["same_mode"], second["same_mode"], second["no_interval"]) == ("", "true", "")
    etag = (await admin.get(URL, params=ASKED)).headers["ETag"]
    known = {"If-None-Match": etag}
    assert (await admin.get(URL, params=ASKED, headers=known)).status_code == 304


async def test_nobody_follows_what_lies_outside_of_a_unit_or_a_campaign(admin: Api) -> None:
    await prepared(admin)
    await open_campaign(admin, "of-b", region="B", populations={"teacher": SIX})
    county = await admin.as_client("results:exact", unit="A")
    for changed in ({"unit": "B1"}, {"unit": "W"}, {"campaigns": "before,of-b"}):
        assert (await county.get(URL, params={**ASKED, **changed})).status_code == 404
    assert (await county.get(URL, params=ASKED)).status_code == 200
    for changed in ({"campaigns": "of-b"}, {"unit": "nowhere"}, {"campaigns": "none,C"}):
        assert (await admin.get(URL, params={**ASKED, **changed})).status_code == 404
    for scope, status in (("units:write", 403), ("results:read", 409)):
        client = await admin.as_client(scope)
        assert (await client.get(URL, params=ASKED)).status_code == status


async def test_what_cannot_be_asked_is_named(admin: Api) -> None:
    await prepared(admin)
    for name, value in (
        ("campaigns", "before,,C"),
        ("campaigns", "C,C"),
        ("campaigns", ",".join(f"c{n}" for n in range(21))),
        ("campaigns", "一"),
        ("campaigns", ""),
        ("unit", "no such unit"),
        ("population", "ghost"),
        ("question", "ghost"),
        ("channel", "pigeon"),
        ("within", "A"),
    ):
        reply = await admin.get(URL, params={**ASKED, name: value})
        assert reply.status_code == 422, (name, value)
        assert reply.json()["errors"][0]["pointer"] == f"?{name}"
    for missing in ("unit", "campaigns", "population"):
        asked = {name: value for name, value in ASKED.items() if name != missing}
        assert (await admin.get(URL, params=asked)).status_code == 422
