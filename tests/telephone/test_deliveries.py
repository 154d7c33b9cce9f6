"""Deliveries: who may, what is taken, what each item is told."""

import json
from typing import Any

import msgspec
import pytest

from app.telephone.dispositions import NAMES
from app.telephone.schemas import InterviewsOut
from tests.factories import Api, answers, campaign_body, open_campaign
from tests.telephone.deliveries import (
    URL,
    ago,
    count,
    counted,
    delivered,
    in_vain,
    interview,
    on_file,
    phone,
    pool,
    send,
    statuses,
    traces,
)


def problem(result: dict[str, Any]) -> tuple[str, set[str]]:
    """Type and pointers of a rejected item's problem."""
    assert result["status"] == "rejected"
    document = result["problem"]
    return document["type"], {error["pointer"] for error in document["errors"]}


async def refused_among_good(api: Api, items: list[Any]) -> list[dict[str, Any]]:
    """The results of items that are all rejected between two good ones, which are taken."""
    reply = await delivered(api, interview("good-1"), *items, interview("good-2"))
    results: list[dict[str, Any]] = reply["results"][1:-1]
    first, last = reply["results"][0], reply["results"][-1]
    assert [first["status"], last["status"]] == ["accepted", "accepted"]
    assert (reply["accepted"], reply["rejected"]) == (2, len(items))
    assert await count(api) == 2
    return results


async def rejected(api: Api, item: Any) -> tuple[str, set[str]]:
    """The problem of an item that is sent between two good ones, which are taken."""
    return problem((await refused_among_good(api, [item]))[0])


async def test_anonymous_is_401_a_wrong_scope_403_an_unseen_campaign_404(
    api: Api, campaign: Api
) -> None:
    assert (await send(api, interview())).status_code == 401
    reader = await campaign.as_client("results:exact tallies:write")
    assert (await send(reader, interview())).status_code == 403
    assert (await send(reader, interview(), url="/v1/campaigns/none/interviews")).status_code == 403
    contractor = await campaign.as_client("interviews:write", unit="B1")
    assert (
        await send(contractor, interview(), url="/v1/campaigns/none/interviews")
    ).status_code == 404
    await open_campaign(campaign, "D", region="A")
    assert (
        await send(contractor, interview(), url="/v1/campaigns/D/interviews")
    ).status_code == 404
    assert await traces(campaign) == dict.fromkeys(await traces(campaign), 0)


async def test_an_interview_is_accepted_and_counted(contractor: Api) -> None:
    reply = await delivered(contractor, interview(sample_id="S-9", interviewer="王", child="大宝"))
    assert reply == {
        "accepted": 1,
        "replayed": 0,
        "updated": 0,
        "already_answered": 0,
        "rejected": 0,
        "results": [{"index": 0, "interview_id": "V-1", "status": "accepted"}],
    }
    assert await counted(contractor) == {("A1", 1): 1}
    columns = "revision, status, disposition, attempts, sample_id, interviewer, child"
    assert await on_file(contractor, columns) == [(1, "counted", "1.1", 2, "S-9", "王", "大宝")]
    stored = await pool(contractor).fetchrow("SELECT * FROM responses")
    assert (stored["channel"], stored["seconds"], stored["sign"]) == (4, 240, 1)
    client = await pool(contractor).fetchval("SELECT id FROM clients WHERE name = 'contractor'")
    assert stored["origin_id"] == client
    named = await pool(contractor).fetchrow("SELECT submission_id, ended_at FROM interviews")
    assert named["submission_id"] == stored["submission_id"]
    assert named["ended_at"] == stored["answered_at"]


async def test_only_what_is_required_is_required(contractor: Api) -> None:
    item = {
        "interview_id": "V-1",
        "unit": "A1",
        "population": "parent",
        "disposition": "2.20",
        "ended_at": ago(minutes=1),
    }
    assert await statuses(contractor, item) == ["accepted"]
    for name in item:
        assert (await rejected(contractor, {k: v for k, v in item.items() if k != name}))[1] == {
            f"/interviews/1/{name}"
        }
        await pool(contractor).execute("TRUNCATE interviews, responses, claims")


async def test_without_a_phone_it_counts_by_its_key(contractor: Api) -> None:
    bare = interview(phone=None), interview("V-2", phone=None)
    assert await statuses(contractor, *bare) == ["accepted", "accepted"]
    assert await statuses(contractor, *bare) == ["replayed", "replayed"]
    assert (await traces(contractor))["claims"] == 0
    assert await count(contractor) == 2


async def test_no_table_holds_the_phone(contractor: Api) -> None:
    item = interview()
    assert await statuses(contractor, item) == ["accepted"]
    for table in ("interviews", "responses", "claims", "idempotency_keys"):
        for row in await pool(contractor).fetch(f"SELECT t::text AS text FROM {table} AS t"):
            assert item["phone"].removeprefix("+86") not in row["text"]
            assert item["phone"].removeprefix("+86").encode().hex() not in row["text"]


async def test_every_final_disposition_is_kept(contractor: Api) -> None:
    items = [
        interview(f"V-{code}", disposition=code)
        if code in ("1.1", "1.2")
        else in_vain(f"V-{code}", code)
        for code in NAMES
    ]
    assert await statuses(contractor, *items) == ["accepted"] * len(NAMES)
    kept = dict(await on_file(contractor, "disposition, status"))
    assert kept.keys() == NAMES.keys()
    assert {code for code, status in kept.items() if status == "counted"} == {"1.1", "1.2"}
    assert set(kept.values()) == {"counted", "no_answers"}
    assert await count(contractor) == 2


async def test_other_dispositions_are_not_known(contractor: Api) -> None:
    others: list[Any] = ["1.10", "1", "2.1", "1.1.1", "9.99", "", 1.1, None, []]
    for result in await refused_among_good(
        contractor, [interview(disposition=disposition) for disposition in others]
    ):
        kind, pointers = problem(result)
        assert kind == "/problems/invalid-input"
        assert pointers == {f"/interviews/{result['index']}/disposition"}


async def test_answers_belong_to_interviews_and_to_nothing_else(contractor: Api) -> None:
    nothing = dict.fromkeys(answers())
    for disposition in ("1.1", "1.2"):
        for empty in (None, {}, nothing, {"overall": " "}):
            item = interview(disposition=disposition, answers=empty)
            result = (await delivered(contractor, item))["results"][0]
            assert problem(result) == ("/problems/invalid-input", {"/interviews/0/answers"})
    refused = in_vain(answers={"overall": "satisfied"})
    result = (await delivered(contractor, refused))["results"][0]
    assert problem(result) == ("/problems/invalid-input", {"/interviews/0/answers"})
    # Null is absent: exports carry every column.
    assert await statuses(contractor, in_vain(answers=nothing)) == ["accepted"]


async def test_a_partial_interview_waives_required_questions(contractor: Api) -> None:
    some = {"overall": "satisfied"}
    assert await rejected(contractor, interview("V-1", answers=some)) == (
        "/problems/invalid-answers",
        {f"/interviews/1/answers/{code}" for code in answers() if code != "overall"},
    )
    assert await statuses(contractor, interview("V-2", disposition="1.2", answers=some)) == [
        "accepted"
    ]


async def test_bad_answers_reject_their_item_alone_and_are_not_repeated(contractor: Api) -> None:
    item = interview(answers=answers(ethics="机密", safety=["x"], unknown="机密"))
    reply = await delivered(contractor, interview("V-0"), item)
    kind, pointers = problem(reply["results"][1])
    assert kind == "/problems/invalid-answers"
    codes = ("ethics", "safety", "unknown")
    assert pointers == {f"/interviews/1/answers/{code}" for code in codes}
    assert "机密" not in json.dumps(reply, ensure_ascii=False)
    assert reply["results"][1]["problem"]["request_id"]


async def test_bad_phones_are_refused_and_not_repeated(contractor: Api) -> None:
    bad: list[Any] = ["", "call me", "110", "+", "9" * 40, "13812345678/13912345678"]
    bad += [13812345678, {}, "1381234567\x00"]
    results = await refused_among_good(contractor, [interview(phone=one) for one in bad])
    for result in results:
        kind, pointers = problem(result)
        assert kind == "/problems/invalid-input"
        assert pointers <= {f"/interviews/{result['index']}{end}" for end in ("/phone", "")}
    text = json.dumps(results)
    assert not any(one in text for one in ("call me", "9999", "1381234567"))


async def test_a_bad_phone_has_its_own_code(contractor: Api) -> None:
    reply = await delivered(contractor, interview(phone="call me"))
    assert reply["results"][0]["problem"]["errors"][0]["code"] == "bad_phone"


BAD_FIELDS: list[tuple[str, Any]] = [
    ("interview_id", "has space"),
    ("interview_id", "x" * 65),
    ("interview_id", 7),
    ("unit", "名"),
    ("population", "student"),
    ("population", None),
    ("child", "x" * 65),
    ("sample_id", 5),
    ("attempts", 0),
    ("attempts", 1000),
    ("attempts", "2"),
    ("attempts", True),
    ("interviewer", "x" * 201),
    ("ended_at", "yesterday"),
    ("ended_at", 1700000000),
    ("ended_at", "2026-11-01T08:00:00"),
    ("ended_at", "0001-01-01T00:00:00+08:00"),
    ("started_at", "0001-01-01T00:00:00+08:00"),
    ("answers", []),
    ("answers", "satisfied"),
    ("revision", 0),
    ("revision", 2**31),
    ("revision", 1.5),
    ("revision", 10**400),
]


async def test_bad_fields_are_pointed_at(contractor: Api) -> None:
    items = [interview(**{field: value}) for field, value in BAD_FIELDS]
    results = await refused_among_good(contractor, items)
    for result, (field, _) in zip(results, BAD_FIELDS, strict=True):
        kind, pointers = problem(result)
        assert kind == "/problems/invalid-input"
        assert f"/interviews/{result['index']}/{field}" in pointers


async def test_what_is_no_interview_is_rejected_without_a_name(contractor: Api) -> None:
    shapes: list[Any] = [
        None,
        1,
        "V-1",
        [],
        {},
        {"interview_id": 3},
        {"interview_id": "V\x00"},
        [[[]]],
    ]
    for result in await refused_among_good(contractor, shapes):
        assert result["interview_id"] is None
        assert problem(result)[0] == "/problems/invalid-input"


async def test_unknown_fields_and_unstorable_texts_are_refused(contractor: Api) -> None:
    for item in (
        interview(colour="red"),
        interview(interviewer="a\x00b"),
        interview(answers=answers(comment="a\x00b")),
        {**interview(), "+8613812345678": 1},
    ):
        reply = await delivered(contractor, item)
        kind, pointers = problem(reply["results"][0])
        assert kind == "/problems/invalid-input"
        assert pointers == {"/interviews/0"}
        assert "13812345678" not in json.dumps(reply)
    assert await count(contractor) == 0


async def test_an_interview_ends_inside_the_window_and_not_in_the_future(contractor: Api) -> None:
    for placed in (ago(minutes=-6), ago(days=2)):
        item = interview(ended_at=placed, started_at=None)
        assert (await rejected(contractor, item))[1] == {"/interviews/1/ended_at"}
        await pool(contractor).execute("TRUNCATE interviews, responses, claims")
    # A contractor's clock may be a little ahead of ours.
    assert await statuses(contractor, interview(ended_at=ago(minutes=-4))) == ["accepted"]


async def test_an_interview_does_not_end_before_it_began(contractor: Api) -> None:
    item = interview(started_at=ago(minutes=1), ended_at=ago(minutes=2))
    assert (await rejected(contractor, item))[1] == {"/interviews/1"}
    at_once = interview("V-9", started_at=ago(minutes=1))
    at_once["ended_at"] = at_once["started_at"]
    assert await statuses(contractor, at_once) == ["accepted"]


async def test_everything_wrong_with_an_item_is_said_at_once(contractor: Api) -> None:
    item = interview(
        unit="nowhere", population="student", phone="x", ended_at=ago(days=3), started_at=None
    )
    kind, pointers = await rejected(contractor, item)
    assert kind == "/problems/invalid-input"
    names = ("unit", "population", "phone", "ended_at")
    assert pointers == {f"/interviews/1/{name}" for name in names}


async def test_a_clipped_contractor_cannot_tell_foreign_units_from_missing_ones(
    campaign: Api,
) -> None:
    county = await campaign.as_client("interviews:write", unit="A")
    reply = await delivered(
        county,
        interview("V-1", unit="A1"),
        interview("V-2", unit="A"),
        interview("V-3", unit="B1"),
        interview("V-4", unit="nowhere"),
        interview("V-5", unit="W"),
    )
    results = reply["results"]
    assert [one["status"] for one in results] == ["accepted"] * 2 + ["rejected"] * 3
    documents = []
    for index in (2, 3, 4):
        assert problem(results[index]) == ("/problems/not-found", {f"/interviews/{index}/unit"})
        text = json.dumps(results[index]["problem"])
        documents.append(text.replace(f"/interviews/{index}/", "/interviews/n/"))
    assert len(set(documents)) == 1


async def test_a_unit_outside_the_campaigns_region_is_not_found(campaign: Api) -> None:
    await open_campaign(campaign, "D", region="A")
    contractor = await campaign.as_client("interviews:write")
    reply = await delivered(contractor, interview(unit="B1"), url="/v1/campaigns/D/interviews")
    assert problem(reply["results"][0]) == ("/problems/not-found", {"/interviews/0/unit"})


ENVELOPES: list[tuple[bytes, int, str | None]] = [
    (b"", 400, None),
    (b"{", 400, None),
    (b"\xff\xfe", 400, None),
    (b'\xef\xbb\xbf{"interviews": []}', 400, None),
    (b'{"interviews": [1e999]}', 400, None),
    (b'{"interviews": ["\\ud800"]}', 400, None),
    (b"[" * 100_000, 400, None),
    (b'{"interviews": ' + b"[" * 900 + b"]" * 900 + b"}", 200, None),
    (b'{"interviews": [{"revision": ' + b"1" * 5000 + b"}]}", 400, None),
    (b"[]", 422, ""),
    (b"null", 422, ""),
    (b'"interviews"', 422, ""),
    (b"{}", 422, "/interviews"),
    (b'{"interviews": null}', 422, "/interviews"),
    (b'{"interviews": {}}', 422, "/interviews"),
    (b'{"interviews": []}', 422, "/interviews"),
    (msgspec.json.encode({"interviews": [1] * 1001}), 422, "/interviews"),
    (b'{"interviews": [1], "dry_run": true}', 422, ""),
]


async def test_a_bad_envelope_refuses_the_whole_request(contractor: Api) -> None:
    for number, (body, status, pointer) in enumerate(ENVELOPES):
        headers = {"Idempotency-Key": f"k-{number}", "Content-Type": "application/json"}
        reply = await contractor.request("POST", URL, content=body, headers=headers)
        assert reply.status_code == status, (body[:40], reply.text)
        if pointer is not None:
            assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]
    # The key is not used up by a request that could not be carried out.
    assert await statuses(contractor, interview(), key="k-0") == ["accepted"]


async def test_only_json_is_taken_and_not_too_much_of_it(contractor: Api) -> None:
    body = json.dumps({"interviews": [interview()]}).encode()
    for kind in ("application/x-ndjson", "text/plain", "application/x-www-form-urlencoded"):
        headers = {"Idempotency-Key": "k", "Content-Type": kind}
        reply = await contractor.request("POST", URL, content=body, headers=headers)
        assert reply.status_code == 415
    headers = {"Idempotency-Key": "k", "Content-Type": "Application/JSON; charset=utf-8"}
    huge = await contractor.request("POST", URL, content=body + b" " * (9 << 20), headers=headers)
    assert huge.status_code == 413
    reply = await contractor.request("POST", URL, content=body, headers=headers)
    assert reply.status_code == 200


async def window(api: Api, opened: str, closed: str, state: str, days: int = 7) -> None:
    """Put campaign C into another window and state, as time would."""
    await api.made(
        "PUT",
        "/v1/campaigns/C",
        campaign_body(opens_at=opened, closes_at=closed, delivery_days=days),
    )
    if state in ("closed", "archived"):
        await api.made("POST", "/v1/campaigns/C/close")
    if state == "archived":
        await api.made("POST", "/v1/campaigns/C/archive")


async def test_a_draft_and_a_campaign_to_come_take_nothing_yet(campaign: Api) -> None:
    await campaign.made("PUT", "/v1/campaigns/D", campaign_body())
    reply = await send(campaign, interview(), url="/v1/campaigns/D/interviews")
    assert (reply.status_code, reply.json()["type"]) == (425, "/problems/not-open-yet")
    await window(campaign, ago(days=-1), ago(days=-2), "open")
    reply = await send(campaign, interview())
    assert (reply.status_code, reply.json()["type"]) == (425, "/problems/not-open-yet")


@pytest.mark.parametrize("state", ["open", "closed"])
async def test_after_closing_interviews_from_inside_the_window_are_taken(
    campaign: Api, contractor: Api, state: str
) -> None:
    await window(campaign, ago(days=9), ago(days=2), state)
    inside = interview("V-1", ended_at=ago(days=3), started_at=None)
    late = interview("V-2", ended_at=ago(days=1), started_at=None)
    early = interview("V-3", ended_at=ago(days=10), started_at=None)
    reply = await delivered(contractor, inside, late, early)
    assert [one["status"] for one in reply["results"]] == ["accepted", "rejected", "rejected"]
    for index in (1, 2):
        expected = ("/problems/invalid-input", {f"/interviews/{index}/ended_at"})
        assert problem(reply["results"][index]) == expected
    assert await count(contractor) == 1


@pytest.mark.parametrize(("state", "days"), [("open", 1), ("closed", 1), ("archived", 7)])
async def test_past_delivery_and_archived_nothing_is_taken(
    campaign: Api, contractor: Api, state: str, days: int
) -> None:
    await window(campaign, ago(days=9), ago(days=2), state, days)
    reply = await send(contractor, interview(ended_at=ago(days=3), started_at=None))
    assert (reply.status_code, reply.json()["type"]) == (410, "/problems/closed")
    assert await count(contractor) == 0


async def test_a_campaign_closed_before_its_time_still_takes_what_is_on_its_way(
    campaign: Api, contractor: Api
) -> None:
    await campaign.made("POST", "/v1/campaigns/C/close")
    assert await statuses(contractor, interview()) == ["accepted"]


async def test_the_reply_and_the_body_are_as_documented(contractor: Api) -> None:
    reply = await delivered(contractor, interview("V-1"), interview("V-2", phone=phone(), unit="x"))
    InterviewsOut.model_validate(reply)
    document = (await contractor.get("/openapi.json")).json()
    operation = document["paths"]["/v1/campaigns/{code}/interviews"]["post"]
    assert operation["summary"]
    item = operation["requestBody"]["content"]["application/json"]["schema"]["properties"][
        "interviews"
    ]["items"]
    assert set(item["required"]) == {
        "interview_id",
        "unit",
        "population",
        "disposition",
        "ended_at",
    }
    assert set(item["properties"]) == set(interview()) | {
        "child",
        "sample_id",
        "interviewer",
        "revision",
    }
    assert all("description" in field for field in item["properties"].values())
    assert "$defs" not in json.dumps(item)
    assert item["properties"]["disposition"]["enum"] == list(NAMES)
    assert {"400", "404", "409", "410", "415", "422", "425"} <= set(operation["responses"])
