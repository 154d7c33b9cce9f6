"""Revisions: what is the same again, what corrects, what conflicts, and what then counts."""

import random
from collections import Counter
from typing import Any

import pytest

from tests.factories import Api, answers, open_campaign
from tests.telephone.deliveries import (
    ago,
    count,
    counted,
    delivered,
    in_vain,
    interview,
    on_file,
    phone,
    pool,
    statuses,
    traces,
)

ALL_KINDS = {
    "title": {"zh-CN": "问卷"},
    "default_locale": "zh-CN",
    "scales": {},
    "questions": [
        {
            "code": "improve",
            "type": "multiple_choice",
            "label": {"zh-CN": "改进"},
            "options": [{"value": value, "label": {"zh-CN": value}} for value in "abc"],
        },
        {"code": "homework", "type": "number", "label": {"zh-CN": "作业"}},
        {"code": "comment", "type": "text", "label": {"zh-CN": "意见"}, "max_length": 500},
    ],
}


async def campaign_of_all_kinds(campaign: Api) -> str:
    """The address of another campaign, whose questions are of other types."""
    await campaign.made("PUT", "/v1/questionnaires/kinds", ALL_KINDS)
    await campaign.made("POST", "/v1/questionnaires/kinds/publish")
    population = {"questionnaire": "kinds", "version": 1}
    await open_campaign(campaign, "K", populations={"parent": population})
    return "/v1/campaigns/K/interviews"


async def test_the_same_again_is_replayed_however_it_is_spelled(
    campaign: Api, contractor: Api
) -> None:
    url = await campaign_of_all_kinds(campaign)
    given = {"improve": ["a", "b"], "homework": 45, "comment": "很好"}
    first = interview(phone="+8613812345678", started_at=None, answers=given)
    assert await statuses(contractor, first, url=url) == ["accepted"]
    again = {
        **dict(reversed(first.items())),
        "phone": "138 1234-5678",
        "ended_at": first["ended_at"].replace("+00:00", "Z"),
        "answers": {"comment": " 很好\r\n", "homework": 45.0, "improve": ["b", "a"]},
        "child": None,
    }
    del again["started_at"]
    assert await statuses(contractor, again, first, url=url) == ["replayed", "replayed"]
    assert await on_file(contractor) == [(1, "counted")]
    without = {**first, "answers": {**given, "comment": None}, "revision": 2}
    assert await statuses(contractor, without, url=url) == ["updated"]
    for empty in ({}, {"comment": ""}):
        del without["answers"]["comment"]
        without["answers"].update(empty)
        without["answers"].setdefault("comment", None)
        assert await statuses(contractor, without, url=url) == ["replayed"]
    texts = await pool(contractor).fetch("SELECT sequence, body FROM response_texts")
    assert [tuple(row) for row in texts] == [(0, "很好")]
    assert await count(contractor) == 1


def changes() -> list[dict[str, Any]]:
    """Each way in which an interview's content can differ from what `interview` makes."""
    return [
        {"unit": "A2"},
        {"population": "teacher"},
        {"child": "二宝"},
        {"phone": "+8613911111111"},
        {"phone": None},
        {"sample_id": "S-1"},
        {"disposition": "1.2"},
        {"attempts": 3},
        {"interviewer": "李"},
        {"started_at": None},
        {"ended_at": ago(minutes=4)},
        {"answers": answers("dissatisfied")},
    ]


async def test_any_other_content_needs_a_higher_revision(contractor: Api) -> None:
    different = changes()
    first = [interview(f"V-{n}") for n in range(len(different))]
    changed = [{**one, **change} for one, change in zip(first, different, strict=True)]
    assert await statuses(contractor, *first) == ["accepted"] * len(first)
    for index, result in enumerate((await delivered(contractor, *changed))["results"]):
        problem = result["problem"]
        assert (problem["type"], problem["status"]) == ("/problems/interview-conflict", 409)
        assert problem["errors"][0]["pointer"] == f"/interviews/{index}/revision"
    corrected = [{**one, "revision": 2} for one in changed]
    assert await statuses(contractor, *corrected) == ["updated"] * len(first)
    assert Counter(await on_file(contractor)) == {
        (1, "counted"): len(first),
        (2, "counted"): len(first),
    }
    assert await count(contractor) == len(first)


async def test_the_first_revision_may_have_any_number_and_numbers_may_be_skipped(
    contractor: Api,
) -> None:
    item = interview(revision=7)
    assert await statuses(contractor, item) == ["accepted"]
    assert await statuses(contractor, {**item, "attempts": 3, "revision": 7}) == ["rejected"]
    assert await statuses(contractor, {**item, "attempts": 3, "revision": 6}) == ["rejected"]
    assert await statuses(contractor, {**item, "attempts": 3, "revision": 99}) == ["updated"]
    assert await on_file(contractor, "revision") == [(7,), (99,)]


async def test_an_earlier_revision_that_comes_again_changes_nothing(contractor: Api) -> None:
    first = interview()
    second = {**first, "answers": answers("dissatisfied"), "revision": 2}
    assert await statuses(contractor, first) == ["accepted"]
    assert await statuses(contractor, second) == ["updated"]
    assert await statuses(contractor, first, second) == ["replayed", "replayed"]
    assert await counted(contractor) == {("A1", 3): 1}


async def test_a_correction_can_be_undone_under_a_higher_revision(contractor: Api) -> None:
    first = interview()
    second = {**first, "answers": answers("dissatisfied"), "revision": 2}
    assert await statuses(contractor, first, second) == ["accepted", "updated"]
    assert await statuses(contractor, {**first, "revision": 3}) == ["updated"]
    assert await statuses(contractor, first, second) == ["replayed", "replayed"]
    assert await counted(contractor) == {("A1", 1): 1}


async def test_corrections_move_the_count(contractor: Api) -> None:
    first = interview()
    await delivered(contractor, first)
    await delivered(contractor, {**first, "revision": 2, "answers": answers("dissatisfied")})
    assert await counted(contractor) == {("A1", 3): 1}
    await delivered(contractor, {**first, "revision": 3, "unit": "B1"})
    assert await counted(contractor) == {("B1", 1): 1}
    refusal = {**in_vain(), "phone": first["phone"], "revision": 4}
    assert await statuses(contractor, refusal) == ["updated"]
    assert await counted(contractor) == {}
    assert (await traces(contractor))["claims"] == 0
    after_all = {**first, "revision": 5, "answers": answers("dont_know")}
    assert await statuses(contractor, after_all) == ["updated"]
    assert await counted(contractor) == {("A1", 4): 1}
    assert await on_file(contractor, "revision, status, disposition") == [
        (1, "counted", "1.1"),
        (2, "counted", "1.1"),
        (3, "counted", "1.1"),
        (4, "no_answers", "2.11"),
        (5, "counted", "1.1"),
    ]
    ids = await pool(contractor).fetch("SELECT DISTINCT submission_id FROM interviews")
    assert len(ids) == 1


async def test_a_refusal_that_becomes_an_interview_is_counted(contractor: Api) -> None:
    item = interview()
    assert await statuses(contractor, in_vain(phone=item["phone"])) == ["accepted"]
    assert await statuses(contractor, {**item, "revision": 2}) == ["updated"]
    assert await counted(contractor) == {("A1", 1): 1}


async def test_a_phone_that_two_contractors_report_counts_once(contractor: Api, other: Api) -> None:
    shared = phone()
    assert await statuses(contractor, interview("V-1", phone=shared)) == ["accepted"]
    reply = await delivered(other, interview("V-1", "dissatisfied", phone=shared), interview("V-2"))
    # Or anyone with a list of phones could ask who has answered.
    assert (reply["accepted"], reply["already_answered"]) == (2, 0)
    assert [one["status"] for one in reply["results"]] == ["accepted", "accepted"]
    assert await counted(contractor) == {("A1", 1): 2}
    assert Counter(await on_file(contractor, "interview_id, status")) == {
        ("V-1", "counted"): 1,
        ("V-1", "already_answered"): 1,
        ("V-2", "counted"): 1,
    }


async def test_the_first_of_one_delivery_keeps_a_shared_phone(contractor: Api) -> None:
    shared = phone()
    items = [interview(f"V-{n}", phone=shared, unit=unit) for n, unit in enumerate(["B1", "A1"])]
    items += [interview("V-9", phone=shared, population="teacher", unit="A2")]
    items += [interview("V-8", phone=shared, child="二宝", unit="A2")]
    await delivered(contractor, *items)
    assert await counted(contractor) == {("B1", 1): 1, ("A2", 1): 2}


async def test_once_per_decides_what_one_phone_may_answer(campaign: Api) -> None:
    contractor = await campaign.as_client("interviews:write")
    for once_per, expected in (("campaign", 1), ("population", 2), ("unit", 2)):
        await open_campaign(campaign, once_per, once_per=once_per)
        shared = phone()
        await delivered(
            contractor,
            interview("V-1", phone=shared),
            interview("V-2", phone=shared),
            interview("V-3", phone=shared, population="teacher", unit="A2"),
            url=f"/v1/campaigns/{once_per}/interviews",
        )
        found = await pool(contractor).fetchval(
            "SELECT sum(sign) FROM responses JOIN campaigns ON campaigns.id = campaign_id "
            "WHERE code = $1",
            once_per,
        )
        assert found == expected


async def test_a_correction_to_a_phone_that_has_answered_counts_no_more(contractor: Api) -> None:
    first, second = interview("V-1"), interview("V-2", "dissatisfied")
    await delivered(contractor, first, second)
    clash = {**first, "phone": second["phone"], "revision": 2}
    assert await statuses(contractor, clash) == ["updated"]
    assert await counted(contractor) == {("A1", 3): 1}
    assert (await on_file(contractor))[:2] == [(1, "counted"), (2, "already_answered")]
    # Once the other is taken back, the next correction counts.
    gone = {**in_vain("V-2"), "revision": 2}
    assert await statuses(contractor, gone, {**clash, "attempts": 9, "revision": 3}) == [
        "updated",
        "updated",
    ]
    assert await counted(contractor) == {("A1", 1): 1}


async def test_one_delivery_is_taken_as_if_its_items_came_one_by_one(contractor: Api) -> None:
    shared = phone()
    first = interview("V-1", phone=shared)
    assert await statuses(
        contractor,
        first,
        first,
        {**first, "attempts": 3},
        {**first, "attempts": 3, "revision": 2},
        interview("V-2", "dissatisfied", phone=shared),
        {**in_vain("V-1", phone=shared), "revision": 3},
        interview("V-3", "dont_know", phone=shared, unit="B1"),
        first,
    ) == [
        "accepted",
        "replayed",
        "rejected",
        "updated",
        "accepted",
        "updated",
        "accepted",
        "replayed",
    ]
    assert await counted(contractor) == {("B1", 4): 1}
    assert await on_file(contractor, "interview_id, revision, status") == [
        ("V-1", 1, "counted"),
        ("V-1", 2, "counted"),
        ("V-1", 3, "no_answers"),
        ("V-2", 1, "already_answered"),
        ("V-3", 1, "counted"),
    ]


async def test_the_same_name_from_another_contractor_or_campaign_is_another_interview(
    campaign: Api, contractor: Api, other: Api
) -> None:
    await open_campaign(campaign, "D")
    item = interview()
    assert await statuses(contractor, item) == ["accepted"]
    assert await statuses(other, {**item, "phone": phone()}) == ["accepted"]
    assert await statuses(contractor, item, url="/v1/campaigns/D/interviews") == ["accepted"]
    assert await count(contractor) == 3
    rows = await pool(contractor).fetch("SELECT submission_id, content_mac FROM interviews")
    assert len({row["submission_id"] for row in rows}) == 3
    assert len({row["content_mac"] for row in rows}) == 3


class Recount:
    """What should come of deliveries, by the plainest means: one item at a time, all in memory."""

    def __init__(self) -> None:
        self.history: dict[tuple[int, str], list[dict[str, Any]]] = {}
        self.holders: dict[str, tuple[int, str]] = {}
        self.counted: dict[tuple[int, str], dict[str, Any]] = {}

    def take(self, source: int, item: dict[str, Any]) -> str:
        key = (source, item["interview_id"])
        history = self.history.setdefault(key, [])
        content = {name: value for name, value in item.items() if name != "revision"}
        known = [{n: v for n, v in one.items() if n != "revision"} == content for one in history]
        if known and known[-1]:
            return "replayed"
        if history and item["revision"] <= history[-1]["revision"]:
            return "replayed" if any(known) else "rejected"
        history.append(item)
        self._let_go(key)
        person = item["phone"]
        if item["answers"] and (person is None or person not in self.holders):
            self.counted[key] = item
            if person is not None:
                self.holders[person] = key
        return "accepted" if len(history) == 1 else "updated"

    def _let_go(self, key: tuple[int, str]) -> None:
        former = self.counted.pop(key, None)
        if former is not None and former["phone"] is not None:
            del self.holders[former["phone"]]


VALUES = ("satisfied", "basically_satisfied", "dissatisfied", "dont_know")


def any_item(chance: random.Random, at: str) -> dict[str, Any]:
    """An item out of few names, phones and contents, so that everything meets."""
    value = chance.choice([*VALUES, None])
    return {
        "interview_id": f"V-{chance.randrange(6)}",
        "unit": chance.choice(["A1", "A2", "B1"]),
        "population": "parent",
        "phone": chance.choice([f"+861380000000{n}" for n in range(4)] + [None]),
        "disposition": "1.1" if value else "2.11",
        "ended_at": at,
        "answers": answers(value) if value else None,
        "revision": chance.randrange(1, 9),
    }


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_delivered_equals_a_naive_recount(
    contractor: Api, other: Api, seed: int
) -> None:
    chance, at = random.Random(seed), ago(minutes=5)
    model = Recount()
    sent: list[list[dict[str, Any]]] = [[], []]
    for _ in range(25):
        source = chance.randrange(2)
        batch = [any_item(chance, at) for _ in range(chance.randint(1, 12))]
        batch += chance.sample(sent[source], min(2, len(sent[source])))
        chance.shuffle(batch)
        sent[source] += batch
        expected = [model.take(source, item) for item in batch]
        assert await statuses((contractor, other)[source], *batch) == expected
        votes = Counter(
            (item["unit"], VALUES.index(item["answers"]["overall"]) + 1)
            for item in model.counted.values()
        )
        assert await counted(contractor) == votes
        assert (await traces(contractor))["claims"] == len(model.holders)
    latest = Counter(
        (key[1], "counted" if key in model.counted else "other") for key in model.history
    )
    found = Counter(
        (name, "counted" if status == "counted" else "other")
        for name, status in await pool(contractor).fetch(
            "SELECT DISTINCT ON (source_id, interview_id) interview_id, status FROM interviews "
            "ORDER BY source_id, interview_id, revision DESC"
        )
    )
    assert found == latest
    doubled = await pool(contractor).fetchval(
        "SELECT count(*) FROM (SELECT FROM responses GROUP BY campaign_id, submission_id "
        "HAVING sum(sign) NOT IN (0, 1)) AS wrong"
    )
    assert doubled == 0
