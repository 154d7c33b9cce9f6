"""Deliveries as NDJSON: each line an item, packed or not, answered as JSON or as lines."""

import gzip
import json
import random
import uuid
import zlib
from contextlib import closing

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.keyring import Keyring
from app.telephone.spool import MAX_LINE, Spool, lines_of
from tests.factories import Api, answers
from tests.telephone.bulk import NDJSON, batch, lines, send_body, taken, told
from tests.telephone.deliveries import (
    URL,
    count,
    in_vain,
    interview,
    phone,
    pool,
    problem,
    send,
    traces,
)


async def on_file(api: Api) -> list[tuple[object, ...]]:
    """The deliveries on file, in order."""
    rows = await pool(api).fetch(
        "SELECT form, name, sent, accepted, replayed, updated, already_answered, rejected, "
        "finished_at IS NOT NULL FROM deliveries ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def test_each_line_is_an_item_and_bad_ones_are_named(contractor: Api) -> None:
    sent = [
        interview("V-1"),
        b"",
        b"[1]",
        b"{",
        b'{"interview_id": "V-2", "interview_id"',
        "王".encode("gb18030"),
        b"null",
        interview("V-3", unit="nowhere"),
        b'{"interview_id": "V-4", "text": "' + b"x" * MAX_LINE + b'"}',
        interview("V-5"),
    ]
    reply = await taken(contractor, b"\xef\xbb\xbf" + lines(sent))
    assert told(reply) == (2, 7)
    assert [one["index"] for one in reply["results"]] == [0, 2, 3, 4, 5, 6, 7, 8, 9]
    malformed = [one for one in reply["results"] if one["status"] == "rejected"]
    slugs = [one["problem"]["type"] for one in malformed]
    assert slugs == ["/problems/malformed"] * 5 + ["/problems/not-found", "/problems/malformed"]
    assert problem(malformed[5]) == ("/problems/not-found", {"/unit"})
    url = f"/v1/campaigns/C/deliveries/{reply['delivery']}/refusals"
    listed = (await contractor.made("GET", url))["items"]
    for refused in (malformed, listed):
        why = ["one JSON object a line" in one["problem"]["detail"] for one in refused]
        assert why == [slug == "/problems/malformed" for slug in slugs]
    assert await count(contractor) == 2
    assert [row[2:8] for row in await on_file(contractor)] == [(9, 2, 0, 0, 0, 7)]


async def test_lines_are_answered_as_lines_where_that_is_asked_for(contractor: Api) -> None:
    body = lines([*batch(3), interview("V-9", unit="nowhere")])
    reply = await send_body(contractor, body, key="k", Accept=NDJSON)
    assert reply.headers["Content-Type"] == NDJSON
    *results, totals = [json.loads(line) for line in reply.text.splitlines()]
    whole = (await send_body(contractor, body, key="k")).json()
    assert results == whole.pop("results")
    assert totals == whole


async def test_a_delivery_in_three_parts_is_one_transaction(contractor: Api) -> None:
    stored = interview("stored")
    await taken(contractor, lines([stored]))
    before = await traces(contractor)
    items = batch(2100)
    # The last part cannot be stored.
    await pool(contractor).execute(
        "ALTER TABLE interviews ADD CONSTRAINT no_room CHECK (interview_id <> 'V-2099') NOT VALID"
    )
    reply = await send_body(contractor, lines(items), key="k")
    assert reply.status_code >= 400
    assert await traces(contractor) == before
    assert len(await on_file(contractor)) == 1
    await pool(contractor).execute("ALTER TABLE interviews DROP CONSTRAINT no_room")
    assert told(await taken(contractor, lines(items), key="k")) == (2100, 0)
    assert await count(contractor) == 2101


async def test_packed_bodies_are_the_same_as_plain_ones(contractor: Api) -> None:
    body = lines(batch(5))
    first = await send_body(contractor, body, key="k", packed=True)
    plain = await send_body(contractor, body, key="k")
    assert (first.status_code, first.content) == (200, plain.content)
    half = len(body) // 2
    members = gzip.compress(body[:half]) + gzip.compress(body[half:])
    again = await send_body(contractor, members, key="k", Content_Encoding="GZIP")
    assert again.content == plain.content
    as_json = json.dumps({"interviews": batch(2)}).encode()
    assert told(await taken(contractor, as_json, "application/json", packed=True)) == (0, 2)
    assert await count(contractor) == 5


@pytest.mark.parametrize(
    ("encoding", "change", "status"),
    [
        ("gzip", lambda packed: packed[:-1], 400),
        ("gzip", lambda packed: packed[: len(packed) // 2], 400),
        ("gzip", lambda packed: packed + b"more", 400),
        ("gzip", lambda packed: b"", 400),
        ("gzip", lambda packed: zlib.decompress(packed, 31), 400),
        ("br", lambda packed: packed, 415),
        ("gzip, gzip", lambda packed: packed, 415),
    ],
)
async def test_what_is_badly_packed_is_refused_whole(
    contractor: Api, encoding: str, change: object, status: int
) -> None:
    assert callable(change)
    body = change(gzip.compress(lines(batch(50))))
    reply = await send_body(contractor, body, Content_Encoding=encoding)
    assert reply.status_code == status
    if status == 415:
        assert "gzip" in reply.headers["Accept-Encoding"]
    assert await on_file(contractor) == []
    assert set((await traces(contractor)).values()) == {0}


@pytest.mark.parametrize("kind", [NDJSON, "application/json", "text/csv"])
async def test_a_bomb_is_refused(contractor: Api, kind: str) -> None:
    bomb = gzip.compress(b" " * (60 << 20))
    reply = await send_body(contractor, bomb, kind, Content_Encoding="gzip")
    assert (reply.status_code, reply.json()["type"]) == (413, "/problems/too-large")
    assert await on_file(contractor) == []


@pytest.mark.parametrize("body", [b"", b"\n\n", b"  \r\n"])
async def test_nothing_is_refused(contractor: Api, body: bytes) -> None:
    reply = await send_body(contractor, body)
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (422, "too_few")
    assert await on_file(contractor) == []


async def test_a_delivery_on_file_has_true_numbers_though_items_are_told_otherwise(
    contractor: Api, other: Api
) -> None:
    numbers = [phone() for _ in range(4)]
    await taken(other, lines(interview(f"W-{n}", phone=numbers[n]) for n in range(3)))
    first = [in_vain("V-0"), in_vain("V-9"), interview("V-2", phone=numbers[2])]
    await taken(contractor, lines(first), key="first")
    second = [
        interview("V-0", phone=numbers[0], revision=2),
        interview("V-1", phone=numbers[1]),
        first[1],
        interview("V-3", phone=numbers[3]),
        {"interview_id": "V-4"},
        interview("V-3", "dissatisfied"),
    ]
    reply = await taken(contractor, lines(second), key="second")
    assert [one["status"] for one in reply["results"]] == [
        "updated",
        "accepted",
        "replayed",
        "accepted",
        "rejected",
        "rejected",
    ]
    assert (reply["accepted"], reply["updated"], reply["already_answered"]) == (2, 1, 0)
    assert (await on_file(contractor))[1:] == [
        ("ndjson", "first", 3, 2, 0, 0, 1, 0, True),
        ("ndjson", "second", 6, 1, 1, 0, 2, 2, True),
    ]
    brought = await pool(contractor).fetch(
        "SELECT interview_id FROM interviews WHERE delivery_id = $1 ORDER BY 1", reply["delivery"]
    )
    assert [row["interview_id"] for row in brought] == ["V-0", "V-1", "V-3"]


async def test_what_was_refused_is_listed_for_its_contractor_alone(
    campaign: Api, contractor: Api, other: Api
) -> None:
    bad = [interview(f"V-{n}", unit="nowhere") for n in range(5)]
    bad.append(interview("V-7", answers={**answers(), "overall": "great"}))
    reply = await send(contractor, interview("V-8"), *bad)
    url = f"/v1/campaigns/C/deliveries/{reply.json()['delivery']}/refusals"
    whole = await contractor.made("GET", url)
    assert [one["index"] for one in whole["items"]] == [1, 2, 3, 4, 5, 6]
    assert whole["items"][0]["problem"]["errors"][0]["pointer"] == "/interviews/1/unit"
    assert whole["items"][5]["problem"]["type"] == "/problems/invalid-answers"
    assert "great" not in json.dumps(whole)
    page = await contractor.made("GET", f"{url}?limit=4")
    rest = await contractor.made("GET", f"{url}?limit=4&cursor={page['next']}")
    assert page["items"] + rest["items"] == [
        {**one, "problem": {**one["problem"], "request_id": two["problem"]["request_id"]}}
        for one, two in zip(whole["items"], page["items"] + rest["items"], strict=True)
    ]
    listed = await contractor.get(f"{url}?limit=4", headers={"Accept": NDJSON})
    assert [json.loads(line)["index"] for line in listed.text.splitlines()] == [1, 2, 3, 4]
    following = listed.headers["Link"].partition("<?")[2].partition(">")[0]
    assert len((await contractor.made("GET", f"{url}?{following}"))["items"]) == 2
    unknown = await other.get("/v1/campaigns/C/deliveries/999999/refusals")
    hidden = await other.get(url)
    assert hidden.status_code == unknown.status_code == 404
    assert (await contractor.get(f"{url}?cursor=eA")).status_code == 422


async def test_a_malformed_whole_is_no_delivery(contractor: Api) -> None:
    for body in (b"{", b'{"interviews": []}', b"[]"):
        assert (await send_body(contractor, body, "application/json")).status_code in (400, 422)
    assert await on_file(contractor) == []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_lines_come_out_of_the_spool_as_they_went_in(drawn: st.DataObject) -> None:
    wanted = drawn.draw(st.lists(st.binary(max_size=40).filter(lambda one: b"\n" not in one)))
    body = b"\n".join(wanted)
    with closing(Spool(Keyring((b"k" * 40,)))) as spool:
        while body:
            size = drawn.draw(st.integers(1, 50))
            spool.write(body[:size])
            body = body[size:]
        spool.end()
        found = list(lines_of(spool.pieces()))
        assert found == (wanted[:-1] if wanted and not wanted[-1] else wanted)
        assert spool.lines == len(found)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
async def test_every_broken_line_is_named_and_every_good_one_taken(
    contractor: Api, seed: int
) -> None:
    chosen = random.Random(seed)
    before = await count(contractor)
    sent: list[bytes] = []
    broken = set()
    for number in range(30):
        line = msgspec.json.encode(interview(f"V-{uuid.uuid4()}"))
        if chosen.random() < 0.4:
            broken.add(number)
            at = chosen.randrange(1, len(line))
            line = chosen.choice([line[:at], b"\xff" + line, line[:at] + b"\x00" + line[at:]])
        sent.append(line)
    reply = await taken(contractor, lines(sent))
    refused = {one["index"] for one in reply["results"] if one["status"] == "rejected"}
    assert refused == broken
    assert await count(contractor) == before + 30 - len(broken)


async def test_who_has_no_token_has_nothing_kept(contractor: Api) -> None:
    stranger = Api(contractor.http, contractor.app, "x.y.z")
    reply = await stranger.request(
        "POST", URL, content=b"x" * 1000, headers={"Content-Type": NDJSON}
    )
    assert reply.status_code == 401
