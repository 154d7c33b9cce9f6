"""Feedback rates: what was handed out, who states it, and what came back of it."""

import csv
import io
from typing import Any

from app.responses.tables import Channel
from tests.factories import Api, invitations, open_campaign, tree
from tests.results.ledger import PARENTS, TEACHERS, Entry, insert, publish

URL = "/v1/campaigns/C/coverage"
ISSUED = "/v1/campaigns/C/issued"
FEEDBACK = {"name": "feedback", "basis": "issued", "share": 0.9}


async def prepared(admin: Api, *more: dict[str, Any]) -> None:
    await tree(admin)
    populations = await publish(admin)
    for one in populations.values():
        one["targets"] = [FEEDBACK, *more]
    await open_campaign(admin, populations=populations)


async def hand_out(api: Api, unit: str, count: int | None, **fields: Any) -> Any:
    body = {"unit": unit, "population": "parent", "channel": "paper", "count": count, **fields}
    return await api.put(ISSUED, body)


async def come_back(admin: Api, unit: str, count: int, channel: Channel = Channel.paper) -> None:
    """Responses of parents."""
    entries = [Entry(unit=unit, channel=channel) for _ in range(count)]
    await insert(admin, entries, definitions={"parent": PARENTS, "teacher": TEACHERS})


async def feedback(
    api: Api, level: str = "school", target: str = "feedback", population: str = "parent"
) -> dict[str, tuple[int | None, int, float | None, bool | None]]:
    rows = (await api.made("GET", URL, params={"level": level}))["rows"]
    return {
        row["unit"]["code"]: (row["basis"], row["responded"], row["share"], row["met"])
        for row in rows
        if (row["target"], row["population"]) == (target, population)
    }


async def test_the_feedback_rate_is_what_came_back_of_what_was_handed_out(admin: Api) -> None:
    await prepared(admin)
    assert (await hand_out(admin, "A1", 40)).status_code == 201
    assert (await hand_out(admin, "B1", 10)).status_code == 201
    assert (await hand_out(admin, "B1", 20)).status_code == 200
    assert (await hand_out(admin, "B1", 20)).status_code == 200
    await come_back(admin, "A1", 35)
    await come_back(admin, "B1", 18)
    # Somebody who only saw a poster was handed nothing.
    await come_back(admin, "A1", 9, Channel.link)
    await come_back(admin, "A1", 9, Channel.phone)
    found = await feedback(admin)
    assert found == {
        "A1": (40, 35, 0.875, False),
        "A2": (None, 0, None, None),
        "B1": (20, 18, 0.9, True),
    }
    assert await feedback(admin, "county") == {"A": (40, 35, 0.875, False), "B": found["B1"]}
    assert await feedback(admin, "city") == {"W": (60, 53, 53 / 60, False)}
    assert await feedback(admin, "city", population="teacher") == {"W": (None, 0, None, None)}


async def test_invitations_are_issued_and_revoked_ones_only_where_they_were_used(
    admin: Api,
) -> None:
    await prepared(admin)
    used, *_ = await invitations(admin, 30)
    await answer_parents(admin, used)
    first, *_ = (await admin.made("GET", "/v1/campaigns/C/invitations"))["items"]
    await invitations(admin, 5)
    await invitations(admin, 7, unit="A")
    assert await feedback(admin) == {
        "A1": (35, 1, 1 / 35, False),
        "A2": (None, 0, None, None),
        "B1": (None, 0, None, None),
    }
    await admin.made("POST", f"/v1/campaigns/C/invitations/{first['batch']}/revoke")
    assert (await feedback(admin))["A1"] == (6, 1, 1 / 6, False)
    await hand_out(admin, "A1", 4)
    assert (await feedback(admin))["A1"] == (10, 1, 0.1, False)
    assert (await feedback(admin, "county"))["A"] == (17, 1, 1 / 17, False)


async def answer_parents(admin: Api, token: str) -> None:
    body = {"submission_id": "6f9619ff-8b86-4011-b42d-00cf4fc964ff", "answers": {"a": "good"}}
    await admin.made("POST", f"/v1/invitations/{token}/responses", body)


async def test_people_of_a_roster_are_issued_an_invitation_each(admin: Api) -> None:
    await prepared(admin)
    rows = "".join(f"A2,parent,1380000000{number}\n" for number in range(6))
    made = await admin.request(
        "POST",
        "/v1/campaigns/C/roster",
        content=f"unit,population,phone\n{rows}".encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert made.is_success, made.text
    assert (await feedback(admin))["A2"] == (6, 0, 0.0, False)


async def test_a_link_that_was_sent_comes_back_through_wechat_too(admin: Api) -> None:
    sent = {"name": "sent", "basis": "issued", "share": 0.5, "channel": "link"}
    await prepared(admin, sent)
    await hand_out(admin, "A1", 10, channel="link")
    await hand_out(admin, "A1", 10, channel="onsite")
    await come_back(admin, "A1", 4, Channel.link)
    await come_back(admin, "A1", 3, Channel.wechat)
    await come_back(admin, "A1", 2, Channel.onsite)
    await come_back(admin, "A1", 1, Channel.paper)
    assert (await feedback(admin))["A1"] == (20, 9, 0.45, False)
    assert (await feedback(admin, target="sent"))["A1"] == (10, 4, 0.4, False)


async def test_what_a_county_states_stands_in_place_of_what_its_schools_do(admin: Api) -> None:
    await prepared(admin)
    await hand_out(admin, "A1", 10)
    await hand_out(admin, "A2", 20)
    await hand_out(admin, "A2", 5, channel="onsite")
    await hand_out(admin, "A", 50)
    await hand_out(admin, "B1", 7)
    county = await feedback(admin, "county")
    assert (county["A"][0], county["B"][0]) == (55, 7)
    assert (await feedback(admin, "city"))["W"][0] == 62
    assert (await feedback(admin))["A2"][0] == 25
    assert (await hand_out(admin, "A", None)).json()["count"] is None
    assert (await hand_out(admin, "A", None)).status_code == 200
    assert (await feedback(admin, "county"))["A"][0] == 35


async def test_answers_from_where_nothing_was_handed_out_make_no_rate_better(admin: Api) -> None:
    await prepared(admin)
    await hand_out(admin, "A1", 10)
    await come_back(admin, "A1", 5)
    (row,) = [
        one
        for one in (await admin.made("GET", f"{URL}?level=county&within=A"))["rows"]
        if one["population"] == "parent"
    ]
    assert (row["basis_missing"], row["share"], row["met"]) == (0, 0.5, False)
    await come_back(admin, "A2", 5)
    (row, _) = (await admin.made("GET", f"{URL}?level=county&within=A"))["rows"]
    assert (row["basis"], row["responded"], row["basis_missing"]) == (10, 10, 1)
    assert (row["share"], row["met"], row["gap"], row["expected_on"]) == (0.5, None, None, None)


async def test_what_is_stated_can_be_read_page_by_page_by_who_sees_the_unit(admin: Api) -> None:
    await prepared(admin)
    for unit in ("B1", "A1"):
        for channel in ("paper", "link"):
            await hand_out(admin, unit, 3, channel=channel)
    await hand_out(admin, "A1", 0, population="teacher")
    whole = (await admin.made("GET", ISSUED))["items"]
    assert [(one["unit"], one["population"], one["channel"], one["count"]) for one in whole] == [
        ("A1", "parent", "link", 3),
        ("A1", "parent", "paper", 3),
        ("A1", "teacher", "paper", 0),
        ("B1", "parent", "link", 3),
        ("B1", "parent", "paper", 3),
    ]
    items, cursor = [], None
    for _ in range(3):
        parameters = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = await admin.made("GET", ISSUED, params=parameters)
        items += page["items"]
        cursor = page["next"]
    assert (items, cursor) == (whole, None)
    county = await admin.as_client("links:write", unit="A")
    assert (await county.made("GET", ISSUED))["items"] == whole[:3]
    assert (await admin.get(ISSUED, params={"cursor": "e30"})).status_code == 422


async def test_a_school_states_nothing_about_itself_and_every_statement_is_audited(
    admin: Api,
) -> None:
    await prepared(admin)
    school = await admin.as_client("links:write", unit="A1")
    refused = await hand_out(school, "A1", 1)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/county-required")
    county = await admin.as_client("links:write", unit="A")
    assert (await hand_out(county, "B1", 1)).status_code == 404
    assert (await hand_out(county, "A1", 1)).status_code == 201
    entries = (await admin.made("GET", "/v1/audit?action=issued.state"))["items"]
    assert [(one["object"], one["detail"]["unit"]) for one in entries] == [("C", "A1")]


async def test_what_makes_no_sense_is_refused_by_name(admin: Api) -> None:
    await prepared(admin)
    for fields, place in (
        ({"channel": "phone"}, "/channel"),
        ({"channel": "invitation"}, "/channel"),
        ({"population": "ghost"}, "/population"),
        ({"count": -1}, "/count"),
        ({"count": 2_000_000_000}, "/count"),
        ({"count": "many"}, "/count"),
    ):
        refused = await admin.put(
            ISSUED, {"unit": "A1", "population": "parent", "channel": "paper", "count": 1, **fields}
        )
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == place
    await admin.made("POST", "/v1/campaigns/C/close")
    await admin.made("POST", "/v1/campaigns/C/archive")
    assert (await hand_out(admin, "A1", 1)).status_code == 409


async def test_a_target_of_what_is_not_issued_is_refused(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    body = await admin.made("GET", "/v1/campaigns/C")
    fields = {name: body[name] for name in ("title", "region", "opens_at", "closes_at")}
    for channel in ("phone", "wechat"):
        target = {**FEEDBACK, "channel": channel}
        population = {"questionnaire": "satisfaction-six", "version": 1, "targets": [target]}
        refused = await admin.put(
            "/v1/campaigns/D", {**fields, "populations": {"parent": population}}
        )
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/populations/parent/targets/0", "not_issued")


async def test_feedback_comes_as_a_table(admin: Api) -> None:
    await prepared(admin)
    await hand_out(admin, "A1", 10)
    reply = await admin.get(URL, params={"within": "A1"}, headers={"Accept": "text/csv"})
    line, _ = csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig")))
    assert (line["basis"], line["required"], line["gap"], line["pace"]) == ("10", "9", "9", "0.0")
