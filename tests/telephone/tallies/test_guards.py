"""Nobody counts twice: the two guards, one after the other and many at once."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.factories import Api
from tests.telephone.deliveries import (
    in_vain,
    interview,
    phone,
    pool,
    problem,
    send,
    statuses,
)
from tests.telephone.tallies.batches import put, refused, respondents, row, taken

AT_ONCE = 64
REVISIONS = 16
UNITS = 5


async def kinds(api: Api) -> Counter[tuple[str, str]]:
    """The rows of the guard: unit and kind."""
    rows = await pool(api).fetch(
        "SELECT code, source_kinds.kind FROM source_kinds JOIN units ON units.id = unit_id"
    )
    return Counter(tuple(one) for one in rows)


async def test_two_batches_of_a_source_never_overlap(
    campaign: Api, source: Api, rival: Api
) -> None:
    await taken(source, row("A1"), row("A2", population="teacher"))
    overlap = await put(source, row("B1"), row("A1", 5, counts={}), row("A2"), batch="U")
    assert refused(overlap) == (409, "overlapping-tally", {("/rows/1", "counted_already")})
    assert "A1" in overlap.json()["detail"]
    await taken(source, row("A1"), batch="U", channel="onsite")
    await taken(source, row("A2"), batch="V")
    await taken(rival, row("A1"))
    assert await respondents(campaign) == 5 * 120
    # A revision may not come to overlap either, and then the one before still counts.
    assert refused(await put(source, row("A1"), batch="V", revision=2))[1] == "overlapping-tally"
    assert await respondents(campaign) == 5 * 120
    await taken(source, row("A2", population="teacher"), revision=2)
    await taken(source, row("A1"), batch="V", revision=2)
    assert await respondents(campaign) == 4 * 120


async def test_a_source_that_interviewed_sends_no_tallies_of_the_same(
    campaign: Api, source: Api, rival: Api
) -> None:
    known = phone()
    assert await statuses(source, interview("V-1", phone=known)) == ["accepted"]
    assert await statuses(source, in_vain("V-2", unit="A2")) == ["accepted"]
    # This person has answered: the interview counts nowhere, and yet its unit is spoken for.
    assert await statuses(source, interview("V-3", unit="B1", phone=known)) == ["accepted"]
    for unit in ("A1", "B1"):
        reply = await put(source, row("A2"), row(unit))
        assert refused(reply) == (409, "double-count", {("/rows/1", "interviewed")})
        assert unit in reply.json()["detail"]
    await taken(source, row("A2"), row("A1", population="teacher"))
    await taken(rival, row("A1"))
    assert await respondents(campaign) == 1 + 3 * 120


async def test_a_source_that_tallied_sends_no_interviews_of_the_same(
    campaign: Api, source: Api, rival: Api
) -> None:
    await taken(source, row("A1"), row("A2"))
    reply = await send(
        source,
        interview("V-1"),
        interview("V-2", unit="B1"),
        in_vain("V-3"),
        interview("V-4", population="teacher"),
    )
    results = reply.json()["results"]
    assert [one["status"] for one in results] == ["rejected", *["accepted"] * 3]
    assert problem(results[0]) == ("/problems/double-count", {"/interviews/0/unit"})
    assert await respondents(campaign) == 2 * 120 + 2
    # A call in vain that is corrected to an interview is one.
    corrected = {**interview("V-3"), "revision": 2}
    assert await statuses(source, corrected) == ["rejected"]
    # Freed by a revision that leaves it out; another channel's batch still holds the other.
    await taken(source, row("A2"), batch="U", channel="paper")
    await taken(source, revision=2)
    again = [interview("V-1"), interview("V-5", unit="A2")]
    assert await statuses(source, *again) == ["accepted", "rejected"]
    assert await statuses(source, corrected) == ["updated"]


async def test_a_refused_interview_takes_nothing_for_its_source(campaign: Api, source: Api) -> None:
    first = interview("V-1")
    assert await statuses(source, first) == ["accepted"]
    elsewhere = {**first, "unit": "B1"}
    assert await statuses(source, elsewhere, first) == ["rejected", "replayed"]
    assert await kinds(source) == {("A1", "interviews"): 1}
    await taken(source, row("B1"))


async def patiently(request: Any, *arguments: Any, **fields: Any) -> httpx.Response:
    """The reply to a request that is repeated while the service is busy."""
    for _ in range(100):
        reply: httpx.Response = await request(*arguments, **fields)
        if reply.status_code != 503:
            return reply
        await asyncio.sleep(0.1)
    raise AssertionError("busy for ever")


async def test_of_batches_at_once_that_overlap_one_passes(campaign: Api, source: Api) -> None:
    units = ("A1", "A2", "B1", "W")
    replies = await asyncio.gather(
        *(
            patiently(put, source, row(units[n % 4]), row("A", 1, counts={}), batch=f"T-{n}")
            for n in range(AT_ONCE)
        )
    )
    assert Counter(reply.status_code for reply in replies) == {201: 1, 409: AT_ONCE - 1}
    assert {refused(one)[1] for one in replies if one.status_code == 409} == {"overlapping-tally"}
    assert await respondents(campaign) == 121


async def test_of_revisions_at_once_the_highest_counts(campaign: Api, source: Api) -> None:
    replies = await asyncio.gather(
        *(
            patiently(put, source, row("A1", 100 + n, counts={}), revision=n)
            for n in range(1, REVISIONS + 1)
        )
    )
    assert {reply.status_code for reply in replies} <= {200, 201, 409}
    assert replies[-1].status_code in (200, 201)
    assert await respondents(campaign) == 100 + REVISIONS


@pytest.mark.parametrize("tallies_first", [True, False])
async def test_of_a_tally_and_interviews_at_once_one_kind_passes(
    campaign: Api, source: Api, tallies_first: bool
) -> None:
    requests: list[Any] = []
    for n in range(AT_ONCE // 2):
        requests.append(patiently(send, source, interview(f"V-{n}")))
        requests.append(patiently(put, source, row("A1", 7, counts={}), batch=f"T-{n}"))
    if tallies_first:
        requests = [*requests[1::2], *requests[::2]]
    replies = await asyncio.gather(*requests)
    told = Counter(
        one["status"]
        for reply in replies
        if reply.status_code == 200
        for one in reply.json()["results"]
    )
    tallied = [reply for reply in replies if reply.status_code == 201]
    [(where, number)] = (await kinds(source)).items()
    assert number == 1
    if where == ("A1", "tallies"):
        assert len(tallied) == 1
        assert told == {"rejected": AT_ONCE // 2}
        assert await respondents(campaign) == 7
    else:
        assert (where, tallied) == (("A1", "interviews"), [])
        assert told == {"accepted": AT_ONCE // 2}
        assert await respondents(campaign) == AT_ONCE // 2


async def test_withdrawing_while_interviews_come_leaves_one_kind(
    campaign: Api, source: Api
) -> None:
    for n in range(UNITS):
        name = f"unit-{n}"
        unit = {"name": name, "kind": "school", "parent": "A"}
        await campaign.made("PUT", f"/v1/units/{name}", unit)
        await taken(source, row(name, 7, counts={}), batch=name)
    both: list[Any] = []
    for n in range(UNITS):
        both.append(patiently(put, source, batch=f"unit-{n}", revision=2))
        both.append(patiently(send, source, interview(f"V-{n}", unit=f"unit-{n}")))
        both.append(patiently(put, source, row(f"unit-{n}", 7, counts={}), batch=f"again-{n}"))
    await asyncio.gather(*both)
    rows = await pool(source).fetch(
        "SELECT code, "
        "(SELECT count(*) FROM tally_rows WHERE live AND unit_id = units.id) AS tallied,"
        " (SELECT count(*) FROM interviews WHERE unit_id = units.id) AS interviewed,"
        " (SELECT string_agg(kind, ' ') FROM source_kinds WHERE unit_id = units.id) AS kind"
        " FROM units WHERE code LIKE 'unit-%'"
    )
    assert len(rows) == UNITS
    for one in rows:
        kind = {"tallies": one["tallied"], "interviews": one["interviewed"]}
        assert one["kind"] is None or kind.pop(one["kind"]) == 1, dict(one)
        assert not any(kind.values()), dict(one)
