"""Results: what a dashboard reads, who may read what, and how it is told that nothing changed."""

import asyncio
from typing import Any

import pytest

from app.responses.tables import Channel
from app.results import service
from tests.factories import (
    INDICATORS,
    Api,
    answer,
    answers,
    campaign_body,
    invitations,
    open_campaign,
    submission,
    tree,
)
from tests.results.ledger import Entry, insert

URL = "/v1/campaigns/C/results"


async def prepared(admin: Api, **changes: Any) -> None:
    await tree(admin)
    await open_campaign(admin, **changes)


async def respond(api: Api, unit: str, *values: str, population: str = "parent") -> None:
    """One person after another at a unit."""
    tokens = await invitations(api, len(values), unit=unit, population=population)
    for token, value in zip(tokens, values, strict=True):
        await answer(api, token, value)


async def write(api: Api, *entries: Entry) -> None:
    """Ledger rows of parents who were asked the six indicators."""
    published = await api.made("GET", "/v1/questionnaires/satisfaction-six?version=1")
    definition = {name: published[name] for name in ("title", "scales", "questions")}
    await insert(api, entries, definitions={"parent": definition})


async def rows(api: Api, **parameters: Any) -> list[dict[str, Any]]:
    return list((await api.made("GET", URL, params=parameters))["rows"])


def by_unit(found: list[dict[str, Any]]) -> dict[str | None, int]:
    return {row["unit"] and row["unit"]["code"]: row["respondents"] for row in found}


async def test_the_rate_leaves_dont_know_out(admin: Api) -> None:
    await prepared(admin)
    votes = {"satisfied": 60, "basically_satisfied": 30, "dissatisfied": 5, "dont_know": 5}
    await respond(admin, "A1", *(value for value, n in votes.items() for _ in range(n)))
    reply = await admin.made("GET", URL)
    assert reply.pop("as_of").endswith("Z")
    assert reply.pop("composite")["rate"] == 0.9473684210526315
    low, high = reply["rows"][0].pop("interval")
    assert 0.88 < low < 0.9473684210526315 < high < 0.98
    assert reply == {
        "campaign": "C",
        "exact": True,
        "rows": [
            {
                "question": None,
                "respondents": 100,
                "included": 100,
                "answered": 600,
                "missing": 0,
                "counts": {value: n * 6 for value, n in votes.items()},
                "rate": 0.9473684210526315,
                "interval_kind": "indicative",
                "no_interval": None,
                "heads": 600,
                "dont_know_share": 0.05,
                "suppressed": False,
            }
        ],
        "next": None,
    }
    questions = await rows(admin, by="question")
    assert [row["question"] for row in questions] == list(INDICATORS)
    for row in questions:
        assert (row["respondents"], row["answered"], row["missing"]) == (100, 100, 0)
        assert row["counts"] == votes
        assert row["rate"] == 0.9473684210526315
        assert row["dont_know_share"] == 0.05


async def test_no_votes_make_no_rate_and_units_without_responses_have_zeros(admin: Api) -> None:
    await prepared(admin)
    await respond(admin, "A1", "dont_know")
    found = {row["unit"]["code"]: row for row in await rows(admin, by="unit")}
    assert list(found) == ["A1", "A2", "B1"]
    assert found["A1"]["rate"] is None
    assert found["A1"]["dont_know_share"] == 1
    assert found["A2"] == {
        "unit": {"code": "A2", "name": "A2学校"},
        "question": None,
        "respondents": 0,
        "included": 0,
        "answered": 0,
        "missing": 0,
        "counts": {"satisfied": 0, "basically_satisfied": 0, "dissatisfied": 0, "dont_know": 0},
        "rate": None,
        "interval": None,
        "interval_kind": "none",
        "no_interval": "no_votes",
        "heads": 210,
        "dont_know_share": None,
        "suppressed": False,
    }


async def test_a_campaign_without_responses_has_a_row_of_zeros(admin: Api) -> None:
    await prepared(admin)
    (total,) = await rows(admin)
    assert (total["respondents"], total["answered"], total["rate"]) == (0, 0, None)
    assert await rows(admin, by="day") == []
    both = await rows(admin, by="population,channel")
    assert [(row["population"], row["channel"], row["respondents"]) for row in both] == [
        ("parent", "link", 0),
        ("parent", "invitation", 0),
        ("teacher", "link", 0),
        ("teacher", "invitation", 0),
    ]


async def test_channels_are_those_admitted_those_of_the_headline_and_those_used(
    admin: Api,
) -> None:
    await prepared(admin, identity=["wechat"], headline_channels=["phone"])
    assert [row["channel"] for row in await rows(admin, by="channel")] == ["wechat", "phone"]
    await write(
        admin, *(Entry(answers=answers(), channel=one) for one in (Channel.phone, Channel.paper))
    )
    used = {row["channel"]: row["respondents"] for row in await rows(admin, by="channel")}
    assert used == {"wechat": 0, "phone": 1, "paper": 1}
    filtered = await rows(admin, by="channel", channel="onsite")
    assert [(row["channel"], row["respondents"]) for row in filtered] == [("onsite", 0)]


async def test_an_acknowledged_response_is_in_the_next_result(admin: Api) -> None:
    await prepared(admin)
    for count in range(1, 4):
        await respond(admin, "A1", "satisfied")
        (total,) = await rows(admin)
        assert total["respondents"] == count


async def test_what_was_withdrawn_leaves_no_row_behind(admin: Api) -> None:
    await prepared(admin)
    entry = Entry(unit="A", channel=Channel.paper, answers=answers())
    await write(admin, entry)
    assert len(await rows(admin, by="day")) == 1
    assert by_unit(await rows(admin, by="unit"))[None] == 1
    await write(admin, entry.withdrawn())
    assert await rows(admin, by="day") == []
    assert None not in by_unit(await rows(admin, by="unit"))
    assert "paper" not in {row["channel"] for row in await rows(admin, by="channel")}
    (total,) = await rows(admin)
    assert (total["respondents"], total["answered"], total["rate"]) == (0, 0, None)


async def test_unanswered_questions_are_missing_and_not_dont_know(admin: Api) -> None:
    await tree(admin)
    label = {"zh-CN": "题"}
    scale = [
        {"value": "yes", "label": label, "counts_as": "positive"},
        {"value": "no", "label": label, "counts_as": "negative"},
    ]
    question = {"type": "single_choice", "options": scale, "label": label, "indicator": True}
    draft = {"title": label, "questions": [{**question, "code": code} for code in ("p", "q")]}
    await admin.made("PUT", "/v1/questionnaires/two", draft)
    await admin.made("POST", "/v1/questionnaires/two/publish")
    await open_campaign(admin, populations={"parent": {"questionnaire": "two", "version": 1}})
    (token,) = await invitations(admin, 1)
    body = {**submission(), "answers": {"p": "yes"}}
    await admin.made("POST", f"/v1/invitations/{token}/responses", body)
    (total,) = await rows(admin)
    assert (total["respondents"], total["answered"], total["missing"]) == (1, 1, 1)
    assert (total["rate"], total["dont_know_share"]) == (1, 0)
    _, unanswered = await rows(admin, by="question")
    assert (unanswered["question"], unanswered["missing"]) == ("q", 1)
    assert (unanswered["rate"], unanswered["dont_know_share"]) == (None, None)


async def test_responses_above_the_level_have_a_row_of_their_own_and_only_then(
    admin: Api,
) -> None:
    await prepared(admin)
    await respond(admin, "A1", "satisfied")
    assert by_unit(await rows(admin, by="unit")) == {"A1": 1, "A2": 0, "B1": 0}
    await respond(admin, "A", "satisfied", "dissatisfied")
    found = await rows(admin, by="unit")
    assert by_unit(found) == {"A1": 1, "A2": 0, "B1": 0, None: 2}
    assert found[-1]["unit"] is None
    assert found[-1]["rate"] == 0.5
    assert by_unit(await rows(admin, by="unit", level="county")) == {"A": 3, "B": 0}
    assert by_unit(await rows(admin, by="unit", level="city")) == {"W": 3}
    both = await rows(admin, by="unit,population,question")
    above = [row for row in both if row["unit"] is None]
    assert [(row["population"], row["question"]) for row in above] == [
        ("parent", code) for code in INDICATORS
    ]


async def test_responses_below_the_level_count_for_the_unit_above_them(admin: Api) -> None:
    await prepared(admin)
    pupil_class = {"name": "一班", "kind": "class", "parent": "A1"}
    await admin.made("PUT", "/v1/units/A1-1", pupil_class)
    await respond(admin, "A1-1", "satisfied")
    await respond(admin, "A1", "satisfied")
    assert by_unit(await rows(admin, by="unit")) == {"A1": 2, "A2": 0, "B1": 0}
    assert by_unit(await rows(admin, by="unit", level="class")) == {"A1-1": 1, None: 1}
    assert by_unit(await rows(admin, by="unit", within="A1-1")) == {None: 1}


async def test_a_county_gets_its_own_rows_and_totals_alone(admin: Api) -> None:
    await prepared(admin)
    await respond(admin, "A1", "satisfied", "satisfied")
    await respond(admin, "B1", "dissatisfied")
    await respond(admin, "W", "dissatisfied")
    county = await admin.as_client("results:exact", unit="A")
    (total,) = await rows(county)
    assert (total["respondents"], total["rate"]) == (2, 1)
    assert by_unit(await rows(county, by="unit")) == {"A1": 2, "A2": 0}
    assert by_unit(await rows(county, by="unit", level="county")) == {"A": 2}
    # Above the county nothing has a name here.
    assert by_unit(await rows(county, by="unit", level="city")) == {None: 2}
    assert by_unit(await rows(county, by="unit", within="A1")) == {"A1": 2}
    for code in ("B", "B1", "W", "nowhere"):
        for address in ("results", "coverage"):
            reply = await county.get(f"/v1/campaigns/C/{address}", params={"within": code})
            assert reply.status_code == 404
            assert reply.json()["type"] == "/problems/not-found"


async def test_a_campaign_of_another_county_is_not_there(admin: Api) -> None:
    await prepared(admin, region="B")
    county = await admin.as_client("results:exact", unit="A")
    for address in ("results", "coverage"):
        assert (await county.get(f"/v1/campaigns/C/{address}")).status_code == 404
        assert (await admin.get(f"/v1/campaigns/none/{address}")).status_code == 404
    city = await admin.as_client("results:exact", unit="W")
    assert by_unit(await rows(city, by="unit")) == {"B1": 0}
    assert (await city.get(URL, params={"within": "A"})).status_code == 404


async def test_scopes_open_the_two_views(admin: Api) -> None:
    await prepared(admin)
    nobody = Api(admin.http, admin.app)
    other = await admin.as_client("units:write campaigns:write responses:read")
    public = await admin.as_client("results:read")
    exact = await admin.as_client("results:exact")
    expected = [(nobody, 401, 401), (other, 403, 403), (public, 409, 200), (exact, 200, 200)]
    for client, results, coverage in expected:
        reply = await client.get(URL)
        assert reply.status_code == results
        if results == 409:
            assert reply.json()["type"] == "/problems/no-release"
            assert reply.json()["title"] == "No release yet"
        assert (await client.get("/v1/campaigns/C/coverage")).status_code == coverage
    assert (await public.get("/v1/campaigns/none/results")).status_code == 404


IMPOSSIBLE: list[tuple[dict[str, str], str]] = [
    ({"by": "colour"}, "?by"),
    ({"by": "unit,unit"}, "?by"),
    ({"by": "unit,,day"}, "?by"),
    ({"by": "x" * 5000}, "?by"),
    ({"level": "planet"}, "?level"),
    ({"within": "no such unit"}, "?within"),
    ({"population": "ghost"}, "?population"),
    ({"channel": "pigeon"}, "?channel"),
    ({"question": "ghost"}, "?question"),
    ({"source": "both"}, "?source"),
    ({"quality": "dirty"}, "?quality"),
    ({"group_by": "unit"}, "?group_by"),
    ({"limit": "0"}, "?limit"),
    ({"limit": "1001"}, "?limit"),
    ({"cursor": "!!"}, "?cursor"),
    ({"cursor": "bm90IG91cnM"}, "?cursor"),
    ({"cursor": "WzEsMl0"}, "?cursor"),
]


async def test_what_cannot_be_asked_is_named(admin: Api) -> None:
    await prepared(admin)
    for parameters, pointer in IMPOSSIBLE:
        reply = await admin.get(URL, params=parameters)
        assert reply.status_code == 422, parameters
        (error,) = reply.json()["errors"]
        assert error["pointer"] == pointer
        for word in ("ghost", "pigeon", "colour", "planet"):
            assert word not in reply.text


async def test_a_control_character_is_refused(admin: Api) -> None:
    await prepared(admin)
    for name in ("within", "population", "question", "cursor", "by"):
        assert (await admin.get(URL, params={name: "A\0"})).status_code == 422


async def test_blanks_in_by_and_an_empty_by_are_understood(admin: Api) -> None:
    await prepared(admin)
    assert len(await rows(admin, by="unit, question")) == 18
    assert len(await rows(admin, by="")) == 1


async def test_the_source_tells_single_responses_from_tallies(admin: Api) -> None:
    await prepared(admin)
    await respond(admin, "A1", "satisfied")
    assert by_unit(await rows(admin, by="unit", source="tally")) == {"A1": 0, "A2": 0, "B1": 0}
    assert by_unit(await rows(admin, by="unit", source="individual"))["A1"] == 1


async def test_too_many_rows_come_only_in_pages(
    admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepared(admin)
    monkeypatch.setattr(service, "MAX_ROWS", 17)
    reply = await admin.get(URL, params={"by": "unit,question"})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "?limit"
    assert len(await rows(admin, by="unit,question", limit=100)) == 18


async def test_a_draft_has_results_of_zeros(admin: Api) -> None:
    await tree(admin)
    await admin.made("PUT", "/v1/campaigns/C", campaign_body())
    (total,) = await rows(admin)
    assert total["respondents"] == 0


async def test_respondents_and_votes_agree_while_people_answer(admin: Api) -> None:
    await prepared(admin)
    tokens = await invitations(admin, 40)

    async def watch() -> None:
        for _ in range(15):
            (total,) = await rows(admin)
            assert sum(total["counts"].values()) == total["answered"] == 6 * total["respondents"]
            assert total["missing"] == 0

    await asyncio.gather(watch(), watch(), *(answer(admin, token) for token in tokens))
    (total,) = await rows(admin)
    assert total["respondents"] == 40


async def test_an_unchanged_result_is_told_by_its_etag(admin: Api) -> None:
    await prepared(admin)
    await respond(admin, "A1", "satisfied")
    first = await admin.get(URL, params={"by": "unit"})
    second = await admin.get(URL, params={"by": "unit"})
    etag = first.headers["ETag"]
    assert first.json()["as_of"] != second.json()["as_of"]
    assert etag == second.headers["ETag"]
    assert etag.startswith('"')
    assert etag.endswith('"')
    assert first.headers["Vary"] == "Authorization, Accept"
    assert first.headers["Cache-Control"] == "private, no-cache"
    for known in (etag, f'"other", W/{etag}', "*"):
        headers = {"If-None-Match": known}
        reply = await admin.get(URL, params={"by": "unit"}, headers=headers)
        assert (reply.status_code, reply.content) == (304, b"")
        assert reply.headers["ETag"] == etag
        assert reply.headers["Vary"] == "Authorization, Accept"
    headers = {"If-None-Match": etag}
    assert (await admin.get(URL, headers=headers)).status_code == 200
    await respond(admin, "A1", "satisfied")
    changed = await admin.get(URL, params={"by": "unit"}, headers=headers)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


async def test_an_etag_opens_nothing_to_strangers(admin: Api) -> None:
    await prepared(admin)
    etag = (await admin.get(URL)).headers["ETag"]
    stranger = await admin.as_client("units:write")
    assert (await stranger.get(URL, headers={"If-None-Match": etag})).status_code == 403
    public = await admin.as_client("results:read")
    assert (await public.get(URL, headers={"If-None-Match": "*"})).status_code == 409


async def test_the_document_describes_both_addresses_in_full(admin: Api) -> None:
    document = await admin.made("GET", "/openapi.json")
    for address, schema in (("results", "ResultsOut"), ("coverage", "CoverageOut")):
        operation = document["paths"][f"/v1/campaigns/{{code}}/{address}"]["get"]
        assert operation["summary"]
        reply = operation["responses"]["200"]
        assert reply["content"]["application/json"]["schema"]["$ref"].endswith(schema)
        assert "text/csv" in reply["content"]
        assert {"304", "404", "422"} <= operation["responses"].keys()
        for one in operation["parameters"]:
            assert one.get("description") or one["schema"].get("description")
    rate = document["components"]["schemas"]["ResultRow"]["properties"]["rate"]
    assert "Don't-know" in rate["description"]
