"""The ledger: appended signs, claims all or none, and no way to a double count."""

import asyncio
import random
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.database import Database
from app.questionnaires.validator import Encoded
from app.responses import ledger
from app.responses.ledger.settling import settle
from app.responses.submission import Outcome, Submission, receipt, receipt_names
from app.responses.tables import Channel
from tests.factories import Api


def prints(*names: str) -> tuple[bytes, ...]:
    """Fingerprints of persons by name."""
    return tuple(sorted(name.encode().ljust(16, b"\0") for name in names))


def encoded(value: int = 1, text: str | None = None) -> Encoded:
    """Six answers of one value, and a text where there is one."""
    return Encoded(bytes([value] * 6), None, ((0, text),) if text else ())


async def made(api: Api, *persons: str, **changes: Any) -> Submission:
    """A submission to campaign C by these proofs."""
    database: Database = api.app.state.database
    campaign = await database.pool.fetchrow("SELECT id, revision FROM campaigns")
    fields = {
        "campaign_id": campaign["id"],
        "revision": campaign["revision"],
        "submission_id": uuid.uuid4(),
        "unit_id": 1,
        "population": 0,
        "channel": Channel.phone,
        "origin_id": None,
        "encoded": encoded(),
        "fingerprints": prints(*persons),
        "answered_at": clock.now(),
    }
    return Submission(**{**fields, **changes})


async def store(api: Api, *submissions: Submission) -> list[Outcome]:
    """Store in transactions of their own."""
    database: Database = api.app.state.database
    async with database.pool.acquire() as connection:
        return await settle(connection, submissions)


async def counted(api: Api) -> Counter[bytes]:
    """Counted responses by their answers: the sum of the signs."""
    database: Database = api.app.state.database
    rows = await database.pool.fetch(
        "SELECT answers, sum(sign) AS n FROM responses GROUP BY 1 HAVING sum(sign) <> 0"
    )
    return Counter({row["answers"]: row["n"] for row in rows})


async def claims(api: Api) -> set[tuple[bytes, uuid.UUID]]:
    """All claims."""
    database: Database = api.app.state.database
    rows = await database.pool.fetch("SELECT fingerprint, submission_id FROM claims")
    return {(row["fingerprint"], row["submission_id"]) for row in rows}


async def test_all_proofs_are_claimed_or_none(ready: Api) -> None:
    first = await made(ready, "phone", "openid")
    assert await store(ready, first) == [Outcome.stored]
    second = await made(ready, "openid", "invitation")
    assert await store(ready, second) == [Outcome.already_answered]
    assert {submission_id for _, submission_id in await claims(ready)} == {first.submission_id}
    third = await made(ready, "invitation")
    assert await store(ready, third) == [Outcome.stored]


async def test_within_one_batch_the_first_of_a_person_wins(ready: Api) -> None:
    batch = [await made(ready, "a"), await made(ready, "a", "b"), await made(ready, "b")]
    outcomes = await store(ready, *batch)
    assert outcomes.count(Outcome.stored) >= 1
    stored = {
        one.submission_id
        for one, outcome in zip(batch, outcomes, strict=True)
        if outcome is Outcome.stored
    }
    assert {submission_id for _, submission_id in await claims(ready)} == stored


async def test_equal_submissions_in_one_batch_are_one(ready: Api) -> None:
    one = await made(ready, "a")
    other = await made(ready, "a", submission_id=one.submission_id, encoded=encoded(2))
    assert await store(ready, one, one, other) == [
        Outcome.stored,
        Outcome.replayed,
        Outcome.conflicting,
    ]
    assert await counted(ready) == {encoded().answers: 1}


async def test_rules_that_changed_are_noticed_by_the_statement_itself(ready: Api) -> None:
    fine, old = await made(ready, "a"), await made(ready, "b", revision=0)
    assert await store(ready, fine, old) == [Outcome.stored, Outcome.outdated]
    assert len(await claims(ready)) == 1


async def test_a_response_without_proofs_counts_by_its_key(ready: Api) -> None:
    nobody = await made(ready)
    assert await store(ready, nobody) == [Outcome.stored]
    assert await store(ready, nobody) == [Outcome.replayed]
    assert await claims(ready) == set()


async def test_a_revision_reverses_and_counts_anew(ready: Api) -> None:
    first = await made(ready, "a", encoded=encoded(1, "before"))
    await store(ready, first)
    changed = await made(
        ready,
        "a",
        submission_id=first.submission_id,
        encoded=encoded(2, "after"),
        answered_at=clock.now() + timedelta(seconds=1),
    )
    database: Database = ready.app.state.database
    async with database.pool.acquire() as connection, connection.transaction():
        assert await ledger.revise(connection, changed) is Outcome.stored
        assert await ledger.earlier(connection, [changed]) == [Outcome.replayed]
    assert await counted(ready) == {encoded(2).answers: 1}
    signs = await database.pool.fetch("SELECT sequence, sign FROM responses ORDER BY sequence")
    assert [tuple(row) for row in signs] == [(0, 1), (1, -1), (2, 1)]


async def test_a_revision_to_a_person_who_has_answered_counts_nothing(ready: Api) -> None:
    first, second = await made(ready, "a"), await made(ready, "b")
    await store(ready, first, second)
    database: Database = ready.app.state.database
    changed = await made(ready, "b", submission_id=first.submission_id, encoded=encoded(3))
    async with database.pool.acquire() as connection, connection.transaction():
        assert await ledger.revise(connection, changed) is Outcome.already_answered
    assert await counted(ready) == {encoded().answers: 1}
    # The person that the revision let go may answer again.
    assert await store(ready, await made(ready, "a")) == [Outcome.stored]


async def test_a_withdrawal_frees_the_person_and_leaves_a_tombstone(ready: Api) -> None:
    first = await made(ready, "a")
    await store(ready, first)
    database: Database = ready.app.state.database
    async with database.pool.acquire() as connection, connection.transaction():
        assert await ledger.withdraw(connection, *first.key)
        assert not await ledger.withdraw(connection, *first.key)
    assert await counted(ready) == {}
    assert await store(ready, first) == [Outcome.withdrawn]
    assert await claims(ready) == set()
    assert await store(ready, await made(ready, "a")) == [Outcome.stored]


async def test_a_proof_that_a_refused_one_gave_back_is_free_in_the_same_batch(ready: Api) -> None:
    assert await store(ready, await made(ready, "b")) == [Outcome.stored]
    both, alone = await made(ready, "a", "b"), await made(ready, "a")
    outcomes = await store(ready, both, alone)
    assert outcomes == [Outcome.already_answered, Outcome.stored]
    assert (prints("a")[0], alone.submission_id) in await claims(ready)


async def test_several_proofs_are_stored_by_one_statement_or_left_alone(ready: Api) -> None:
    database: Database = ready.app.state.database
    taken = await made(ready, "a")
    sent = [
        await made(ready, "c", "d"),
        await made(ready, "a", "e"),
        await made(ready, "f", "g", "h", encoded=encoded(2, "写了字")),
        await made(ready, "d", "i"),
        await made(ready, "j"),
        await made(ready),
    ]
    async with database.pool.acquire() as connection:
        assert await ledger.store_new(connection, [taken]) == [Outcome.stored]
        outcomes = await ledger.store_new(connection, sent)
        stored = Outcome.stored
        assert outcomes == [stored, None, stored, None, stored, None]
        held = {submission_id for _, submission_id in await claims(ready)}
        assert held == {one.submission_id for one in (taken, sent[0], sent[2], sent[4])}
        assert await ledger.earlier(connection, [sent[2]]) == [Outcome.replayed]
        # The last one, of whom nothing is known, is for `store` to take.
        rest = [one for one, outcome in zip(sent, outcomes, strict=True) if outcome is None]
        refused = Outcome.already_answered
        assert await settle(connection, rest) == [refused, refused, stored]


async def test_at_once_new_ones_of_several_proofs_never_share_one(ready: Api) -> None:
    database: Database = ready.app.state.database
    chance = random.Random(5)
    persons = [f"p{number}" for number in range(10)]
    batches = [[await made(ready, *chance.sample(persons, 2)) for _ in range(4)] for _ in range(30)]

    async def new(batch: list[Submission]) -> list[Outcome | None]:
        async with database.pool.acquire() as connection:
            return await ledger.store_new(connection, batch)

    outcomes = await asyncio.gather(*(new(batch) for batch in batches))
    stored = {
        one.submission_id
        for batch, told in zip(batches, outcomes, strict=True)
        for one, outcome in zip(batch, told, strict=True)
        if outcome is Outcome.stored
    }
    held = Counter(submission_id for _, submission_id in await claims(ready))
    assert held == dict.fromkeys(stored, 2)
    assert sum((await counted(ready)).values()) == len(stored) > 0


async def test_keep_last_replaces_through_the_same_channel_only(ready: Api) -> None:
    first = await made(ready, "a", "b")
    later = await made(ready, "a", encoded=encoded(2), keep_last=True)
    elsewhere = await made(
        ready, "a", encoded=encoded(3), keep_last=True, channel=Channel.invitation
    )
    assert await store(ready, first) == [Outcome.stored]
    assert await store(ready, elsewhere) == [Outcome.already_answered]
    assert await store(ready, later) == [Outcome.replaced]
    assert await store(ready, later, first) == [Outcome.replayed, Outcome.replayed]
    assert await counted(ready) == {encoded(2).answers: 1}
    assert await claims(ready) == {(prints("a")[0], later.submission_id)}


async def test_equal_replacements_in_one_batch_are_one(ready: Api) -> None:
    await store(ready, await made(ready, "a"))
    later = await made(ready, "a", encoded=encoded(2), keep_last=True)
    assert await store(ready, later, later) == [Outcome.replaced, Outcome.replayed]
    assert await counted(ready) == {encoded(2).answers: 1}


async def test_one_response_cannot_replace_two(ready: Api) -> None:
    await store(ready, await made(ready, "a"), await made(ready, "b"))
    both = await made(ready, "a", "b", encoded=encoded(2), keep_last=True)
    assert await store(ready, both) == [Outcome.already_answered]
    assert await counted(ready) == {encoded().answers: 2}


async def test_replacing_at_once_leaves_one_and_refuses_none(ready: Api) -> None:
    async def replace(value: int) -> Outcome:
        later = await made(ready, "a", encoded=encoded(value), keep_last=True)
        [outcome] = await store(ready, later)
        return outcome

    outcomes = Counter(await asyncio.gather(*(replace(value) for value in range(1, 21))))
    assert outcomes == {Outcome.stored: 1, Outcome.replaced: 19}
    assert sum((await counted(ready)).values()) == 1
    assert len(await claims(ready)) == 1


@pytest.mark.parametrize("seed", range(4))
async def test_at_once_no_two_counted_responses_share_a_proof(ready: Api, seed: int) -> None:
    chance = random.Random(seed)
    persons = [f"p{number}" for number in range(12)]
    sent = [
        await made(ready, *chance.sample(persons, chance.randint(1, 3)), encoded=encoded(n % 4 + 1))
        for n in range(120)
    ]
    sent += chance.sample(sent, 40)
    chance.shuffle(sent)
    batches = [sent[start : start + 8] for start in range(0, len(sent), 8)]
    outcomes = [
        outcome
        for batch in await asyncio.gather(*(store(ready, *batch) for batch in batches))
        for outcome in batch
    ]
    stored = {
        one.submission_id: one
        for one, outcome in zip(sent, outcomes, strict=True)
        if outcome is Outcome.stored
    }
    assert outcomes.count(Outcome.stored) == len(stored)
    taken = [fingerprint for one in stored.values() for fingerprint in one.fingerprints]
    assert len(taken) == len(set(taken))
    expected = {
        (fingerprint, one.submission_id)
        for one in stored.values()
        for fingerprint in one.fingerprints
    }
    assert await claims(ready) == expected
    assert await counted(ready) == Counter(one.encoded.answers for one in stored.values())


def test_a_receipt_names_its_response_and_cannot_be_made_without_the_key() -> None:
    submission_id = uuid.uuid4()
    text = receipt(b"k" * 32, 7, submission_id)
    assert receipt_names(text) == (7, submission_id)
    assert receipt(b"k" * 32, 7, submission_id) == text
    assert receipt(b"x" * 32, 7, submission_id) != text
    for nonsense in ("", "x", "校", text[:-1], text + "A"):
        assert receipt_names(nonsense) is None
