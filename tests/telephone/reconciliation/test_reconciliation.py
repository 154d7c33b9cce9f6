"""What a contractor sent and what is on file of it, held against the contractor's own file."""

import asyncio
from collections import Counter
from typing import Any

from tests.factories import Api
from tests.telephone.bulk import lines, send_body
from tests.telephone.deliveries import ago, delivered, in_vain, interview, pool, send
from tests.telephone.reconciliation.files import URL, digest, ended_on, of_contractor
from tests.telephone.tallies import batches

NUMBERS = ("deliveries", "in_progress", "sent", "stored", "replayed", "refused")


def of(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


async def test_a_contractor_without_deliveries_reads_zeros(contractor: Api) -> None:
    source, rows = await of_contractor(contractor, by="day")
    assert of(source, *NUMBERS) == (0, 0, 0, 0, 0, 0)
    assert of(source, "interviews", "digest", "balanced") == (0, None, True)
    assert rows == []


async def test_what_was_sent_is_told_as_stored_replayed_and_refused(contractor: Api) -> None:
    first, second = interview("V-1"), in_vain("V-2", unit="B1")
    corrected = {**first, "disposition": "1.2", "revision": 2}
    await delivered(contractor, first, second, interview("V-3", unit="nowhere"), "junk", key="one")
    await delivered(contractor, first, corrected, key="two")
    source, rows = await of_contractor(contractor, by="batch")
    assert of(source, *NUMBERS) == (2, 0, 6, 3, 1, 2)
    assert of(source, "interviews", "revisions", "balanced") == (2, 3, True)
    assert source["by_disposition"] == {"1.2": 1, "2.11": 1}
    assert source["digest"] == digest([corrected, second])
    assert [of(row, "name", "form", "sent", "stored", "replayed", "refused") for row in rows] == [
        ("one", "json", 4, 2, 0, 2),
        ("two", "json", 2, 1, 1, 0),
    ]
    assert all(row["finished_at"] for row in rows)


async def test_a_repetition_under_its_key_is_no_delivery(contractor: Api) -> None:
    item = interview()
    for _ in range(3):
        await delivered(contractor, item, key="the same")
    source, rows = await of_contractor(contractor, by="batch")
    assert of(source, "deliveries", "sent", "replayed") == (1, 1, 0)
    assert len(rows) == 1


async def test_days_tell_what_was_received_apart_from_what_ended(contractor: Api) -> None:
    items = [interview("V-1"), interview("V-2", ended_at=ago(hours=20), started_at=None)]
    await delivered(contractor, *items, interview("V-3", population="nobody"))
    _, rows = await of_contractor(contractor, by="day")
    ended = Counter(map(ended_on, items))
    found = {row["day"]: row["ended"]["interviews"] for row in rows if row["ended"]["interviews"]}
    assert found == ended
    for row in rows:
        of_day = [item for item in items if ended_on(item) == row["day"]]
        assert row["ended"]["digest"] == (digest(of_day) if of_day else None)
    assert sum(row["received"]["sent"] for row in rows) == 3
    assert sum(row["ended"]["refused"] for row in rows) == 1
    assert len([row for row in rows if row["received"]["deliveries"]]) == 1


async def test_what_had_no_readable_day_or_unit_is_told_without(contractor: Api) -> None:
    await delivered(
        contractor, interview("V-1"), interview("V-2", ended_at="x", unit="13800000000")
    )
    _, days = await of_contractor(contractor, by="day")
    assert of(days[-1]["ended"], "interviews", "refused") == (0, 1)
    assert days[-1]["day"] is None
    _, units = await of_contractor(contractor, by="unit")
    assert [(row["unit"] and row["unit"]["code"], row["refused"]) for row in units] == [
        ("A1", 0),
        (None, 1),
    ]


async def test_units_have_their_interviews_refusals_and_digest(contractor: Api) -> None:
    items = [interview("V-1"), interview("V-10"), interview("V-2", unit="B1")]
    await delivered(contractor, *items, interview("V-3", unit="B1", population="nobody"))
    _, rows = await of_contractor(contractor, by="unit")
    assert [(row["unit"], row["interviews"], row["refused"], row["digest"]) for row in rows] == [
        ({"code": "A1", "name": "A1学校"}, 2, 0, digest(items[:2])),
        ({"code": "B1", "name": "B1学校"}, 1, 1, digest(items[2:])),
    ]


async def test_days_choose_among_rows_and_leave_the_totals_whole(contractor: Api) -> None:
    await delivered(contractor, interview())
    for by in ("batch", "day"):
        source, rows = await of_contractor(contractor, by=by, **{"to": "2001-01-01"})
        assert (source["sent"], rows) == (1, [])
    _, rows = await of_contractor(contractor, by="batch", **{"from": "2001-01-01"})
    assert len(rows) == 1
    for parameters in ({"from": "2001-01-01"}, {"to": "2001-01-01", "by": "unit"}):
        reply = await contractor.get(URL, params=parameters)
        assert reply.status_code == 422, parameters
        [error] = reply.json()["errors"]
        assert error["code"] == "no_rows"


async def test_digests_are_left_out_on_request(contractor: Api) -> None:
    await delivered(contractor, interview())
    source, rows = await of_contractor(contractor, by="unit", digest="false")
    assert (source["digest"], rows[0]["digest"], source["interviews"]) == (None, None, 1)


async def test_what_came_from_before_deliveries_were_on_file_is_told_apart(
    contractor: Api,
) -> None:
    await delivered(contractor, interview("V-1"), interview("V-2"))
    await pool(contractor).execute("UPDATE interviews SET delivery_id = NULL")
    await pool(contractor).execute("DELETE FROM deliveries")
    source, _ = await of_contractor(contractor)
    assert of(source, "sent", "interviews", "before_deliveries", "balanced") == (0, 2, 2, True)


async def test_rows_that_were_lost_or_added_show_as_a_difference(contractor: Api) -> None:
    await delivered(contractor, interview("V-1"), interview("V-2"), "junk", key="one")
    database = pool(contractor)
    await database.execute("DELETE FROM interviews WHERE interview_id = 'V-2'")
    source, _ = await of_contractor(contractor)
    [lost] = source["differences"]
    assert not source["balanced"]
    assert of(lost, "batch", "what", "reported", "found") == ("one", "stored", 2, 1)
    await database.execute("DELETE FROM refusals")
    await database.execute("UPDATE interviews SET delivery_id = 999")
    source, _ = await of_contractor(contractor)
    assert [of(one, "batch", "what", "reported", "found") for one in source["differences"]] == [
        (None, "stored", 0, 1),
        ("one", "stored", 2, 0),
        ("one", "refused", 1, 0),
    ]


async def test_interviews_that_came_more_than_a_day_after_their_end_are_late(
    contractor: Api,
) -> None:
    database = pool(contractor)
    await database.execute(
        "UPDATE campaigns SET opens_at = now() - interval '4 days', revision = revision + 1"
    )
    late = interview("V-1", started_at=None, ended_at=ago(days=2))
    await delivered(contractor, late, interview("V-2"))
    source, _ = await of_contractor(contractor)
    assert source["late"]["interviews"] == 1
    assert 2 * 86_400 <= source["late"]["longest_seconds"] < 2 * 86_400 + 3600
    # A correction is no late interview; the interview that it corrects stays as late as it was.
    await delivered(contractor, {**late, "attempts": 3, "revision": 2})
    again, _ = await of_contractor(contractor)
    assert again["late"] == source["late"]


async def test_a_contractor_sees_itself_alone_and_the_bureau_sees_all(
    contractor: Api, other: Api, bureau: Api
) -> None:
    await delivered(contractor, interview("V-1"))
    await delivered(other, interview("V-1"), interview("V-2"))
    mine, _ = await of_contractor(contractor)
    theirs, _ = await of_contractor(other)
    assert (mine["interviews"], theirs["interviews"]) == (1, 2)
    reply = await contractor.get(URL, params={"source": theirs["source"]})
    assert reply.status_code == 404
    unknown = await contractor.get(URL, params={"source": "nobody"})
    assert unknown.json()["detail"] == reply.json()["detail"]
    seen = await bureau.made("GET", URL, params={"by": "unit"})
    assert {one["source"]: one["interviews"] for one in seen["sources"]} == {
        mine["source"]: 1,
        theirs["source"]: 2,
    }
    assert seen["totals"]["sent"] == 3
    assert [row["source"] for row in seen["rows"]] == sorted([mine["source"], theirs["source"]])
    one = await bureau.made("GET", URL, params={"source": mine["source"], "by": "batch"})
    assert [row["source"] for row in one["rows"]] == [mine["source"]]
    assert (await bureau.get(URL, params={"source": "nobody"})).status_code == 404


async def test_a_bureau_below_the_campaign_is_no_owner_of_it(campaign: Api) -> None:
    county = await campaign.as_client("results:exact", unit="A")
    reply = await county.get(URL)
    assert (reply.status_code, reply.json()["type"]) == (403, "/problems/not-owner")
    both = await campaign.as_client("results:exact interviews:write", unit="A")
    source, _ = await of_contractor(both)
    assert source["already_answered"] is None


async def test_a_file_that_was_sent_in_pieces_and_again_is_reconciled_with_itself(
    contractor: Api,
) -> None:
    items = [interview(f"V-{n}", unit="A1" if n % 3 else "B1") for n in range(60)]
    corrected = [{**one, "attempts": 3, "revision": 2} for one in items[::10]]
    assert (await send_body(contractor, lines(items[:40]), packed=True)).status_code == 200
    for piece in (items[:25], [*items[25:], *corrected], items[35:50]):
        assert (await send_body(contractor, lines(piece))).status_code == 200
    source, rows = await of_contractor(contractor, by="batch")
    latest = {one["interview_id"]: one for one in [*items, *corrected]}
    assert of(source, "interviews", "revisions", "stored", "balanced") == (60, 66, 66, True)
    assert (source["sent"], source["replayed"]) == (40 + 25 + 41 + 15, 25 + 15 + 15)
    assert source["digest"] == digest(latest.values())
    assert {one["form"] for one in rows} == {"ndjson"}


async def test_whoever_reads_while_much_is_delivered_reads_what_is_balanced(
    contractor: Api, bureau: Api
) -> None:
    pieces = [[interview(f"V-{n}-{m}") for m in range(20)] for n in range(12)]
    sending = asyncio.gather(*(delivered(contractor, *piece) for piece in pieces))
    while not sending.done():
        for api in (contractor, bureau):
            reply = await api.made("GET", URL, params={"by": "unit"})
            for source in reply["sources"]:
                assert source["balanced"], source["differences"]
                assert source["stored"] == source["revisions"] == source["interviews"]
    await sending
    source, _ = await of_contractor(contractor)
    assert of(source, "stored", "balanced") == (240, True)


async def test_tallies_are_told_apart_from_interviews(campaign: Api) -> None:
    source = await campaign.as_client("tallies:write interviews:write", name="both")
    rows_of_both = [batches.row("A1"), batches.row("A2", respondents=200)]
    as_of = ago(minutes=9)
    for _ in range(2):
        await batches.taken(source, *rows_of_both, as_of=as_of)
    await batches.taken(source, batches.row("A1"), revision=2)
    await delivered(source, interview("V-1", unit="B1"))
    found, rows = await of_contractor(source, by="day")
    assert of(found, "deliveries", "sent", "stored", "balanced") == (1, 1, 1, True)
    assert found["tallies"] == {
        "deliveries": 3,
        "in_progress": 0,
        "sent": 5,
        "stored": 3,
        "replayed": 2,
        "refused": 0,
        "live": 1,
        "superseded": 1,
        "rows": 1,
        "respondents": 120,
    }
    # In the first minutes of a day in Shanghai the tallies are as of the day before.
    received = [of(one["received"], "deliveries", "tallies") for one in rows]
    assert [one for one in received if any(one)] == [(1, 3)]
    _, listed = await of_contractor(source, by="batch")
    assert [of(one, "kind", "name") for one in listed[:3]] == [("tallies", "T")] * 3


async def test_a_refused_delivery_leaves_no_trace(contractor: Api) -> None:
    reply = await send(contractor, key="")
    assert reply.status_code >= 400
    source, _ = await of_contractor(contractor)
    assert source["deliveries"] == 0
