"""Interviews: what is taken, and what each that is not is told."""

import json
from typing import Any

from app.telephone.dispositions import NAMES
from tests.factories import Api, answers
from tests.telephone.deliveries import (
    ago,
    count,
    delivered,
    in_vain,
    interview,
    on_file,
    pool,
    problem,
    refused_among_good,
    rejected,
    statuses,
    traces,
)


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
