"""What more an interview may say, and what its contractor is shown of it again."""

from typing import Any

import pytest

from tests.factories import Api
from tests.telephone.deliveries import (
    ago,
    count,
    delivered,
    in_vain,
    interview,
    pool,
    problem,
    rejected,
    statuses,
)

CALLS: list[dict[str, Any]] = [
    {"at": ago(hours=3), "disposition": "3.13"},
    {"at": ago(hours=1), "disposition": "1.1", "interviewer": "王", "seconds": 240},
]
MORE: dict[str, Any] = {
    "language": "zh-CN",
    "recording": "2026/11/rec-1.wav",
    "recording_sha256": "ab" * 32,
    "calls": CALLS,
}


async def test_every_call_and_the_recording_are_kept(contractor: Api) -> None:
    item = interview(**MORE)
    del item["attempts"]
    assert await statuses(contractor, item) == ["accepted"]
    row = await pool(contractor).fetchrow("SELECT * FROM interviews")
    assert (row["language"], row["recording"], row["attempts"]) == ("zh-CN", MORE["recording"], 2)
    told = await pool(contractor).fetch(
        "SELECT call->>'disposition' AS said, call->>'seconds' AS seconds "
        "FROM interviews, jsonb_array_elements(calls) AS call"
    )
    assert [tuple(one) for one in told] == [("3.13", None), ("1.1", "240")]


@pytest.mark.parametrize("name", MORE)
async def test_each_of_these_makes_other_content(contractor: Api, name: str) -> None:
    plain = interview()
    assert await statuses(contractor, plain) == ["accepted"]
    more = {**plain, name: MORE[name]}
    conflict = await delivered(contractor, more)
    assert problem(conflict["results"][0])[0] == "/problems/interview-conflict"
    assert await statuses(contractor, {**more, "revision": 2}) == ["updated"]
    assert await statuses(contractor, {**more, "revision": 2}) == ["replayed"]
    assert await statuses(contractor, plain) == ["replayed"]
    assert await count(contractor) == 1


BAD: list[tuple[dict[str, Any], str]] = [
    ({"language": "chinese, mostly"}, "/language"),
    ({"recording": "x" * 201}, "/recording"),
    ({"recording_sha256": "ab"}, "/recording_sha256"),
    ({"calls": []}, "/calls"),
    ({"calls": CALLS[:1] * 51, "attempts": 51}, "/calls"),
    ({"calls": CALLS, "attempts": 3}, ""),
    (
        {"calls": [{"at": ago(hours=1), "disposition": "9.9"}], "attempts": 1},
        "/calls/0/disposition",
    ),
    ({"calls": [{"disposition": "1.1"}], "attempts": 1}, "/calls/0/at"),
    ({"calls": [{**CALLS[0], "13800000000": 1}], "attempts": 1}, "/calls/0"),
]


@pytest.mark.parametrize(("fields", "pointer"), BAD)
async def test_what_is_wrong_with_them_is_named(
    contractor: Api, fields: dict[str, Any], pointer: str
) -> None:
    _, pointers = await rejected(contractor, interview(**fields))
    assert pointers == {f"/interviews/1{pointer}"}


async def test_a_contractor_sees_its_own_revisions_and_no_others(
    contractor: Api, other: Api
) -> None:
    first = await delivered(contractor, in_vain())
    second = await delivered(contractor, interview(revision=3))
    url = "/v1/campaigns/C/interviews/V-1"
    found = await contractor.made("GET", url)
    assert found["interview_id"] == "V-1"
    told = [(one["revision"], one["status"], one["delivery"]) for one in found["revisions"]]
    assert told == [(1, "no_answers", first["delivery"]), (3, "answered", second["delivery"])]
    assert not {"answers", "phone", "content_mac"} & set(found["revisions"][1])
    unknown = await other.get("/v1/campaigns/C/interviews/V-2")
    hidden = await other.get(url)
    assert (hidden.status_code, unknown.status_code) == (404, 404)


async def test_a_contractor_is_shown_again_what_it_said_of_the_calls(contractor: Api) -> None:
    item = interview(**MORE)
    del item["attempts"]
    await delivered(contractor, item)
    found = await contractor.made("GET", "/v1/campaigns/C/interviews/V-1")
    [told] = found["revisions"]
    assert {name: told[name] for name in MORE if name != "calls"} == {
        name: value for name, value in MORE.items() if name != "calls"
    }
    assert [(one["disposition"], one["seconds"]) for one in told["calls"]] == [
        ("3.13", None),
        ("1.1", 240),
    ]
    assert (told["attempts"], told["interviewer"]) == (2, item.get("interviewer"))
