"""Deliveries: who may, for which units, in what form."""

import json

import msgspec

from app.telephone.dispositions import NAMES
from app.telephone.schemas import InterviewsOut
from tests.factories import Api, open_campaign
from tests.telephone.deliveries import (
    URL,
    counted,
    delivered,
    interview,
    on_file,
    phone,
    pool,
    problem,
    send,
    statuses,
    traces,
)


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
        "delivery": reply["delivery"],
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


async def test_no_table_holds_the_phone(contractor: Api) -> None:
    item = interview()
    assert await statuses(contractor, item) == ["accepted"]
    for table in ("interviews", "responses", "claims", "idempotency_keys"):
        for row in await pool(contractor).fetch(f"SELECT t::text AS text FROM {table} AS t"):
            assert item["phone"].removeprefix("+86") not in row["text"]
            assert item["phone"].removeprefix("+86").encode().hex() not in row["text"]


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
    for kind in ("application/xml", "text/plain", "application/x-www-form-urlencoded"):
        headers = {"Idempotency-Key": "k", "Content-Type": kind}
        reply = await contractor.request("POST", URL, content=body, headers=headers)
        assert reply.status_code == 415
    headers = {"Idempotency-Key": "k", "Content-Type": "Application/JSON; charset=utf-8"}
    huge = await contractor.request("POST", URL, content=body + b" " * (9 << 20), headers=headers)
    assert huge.status_code == 413
    reply = await contractor.request("POST", URL, content=body, headers=headers)
    assert reply.status_code == 200


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
        "external_id",
        "sample_id",
        "interviewer",
        "revision",
        "language",
        "recording",
        "recording_sha256",
        "calls",
    }
    assert all("description" in field for field in item["properties"].values())
    assert "$defs" not in json.dumps(item)
    assert item["properties"]["disposition"]["enum"] == list(NAMES)
    assert {"400", "404", "409", "410", "415", "422", "425"} <= set(operation["responses"])
