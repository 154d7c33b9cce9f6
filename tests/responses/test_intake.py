"""The intake: batches that depend on nobody, a queue with an end, nothing bound by the refused."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from app.core.database import Connection, Database
from app.core.problems import Busy
from app.core.protocol.connection import HttpConnection
from app.responses.intake import Intake
from app.responses.submission import Outcome, Submission
from tests.factories import Api, invitations, submission
from tests.responses.test_ledger import claims, counted, encoded, made, prints

CAPACITY = 50


@pytest.fixture
async def intake(ready: Api) -> AsyncIterator[Intake]:
    """An intake of the test's own, with a short queue."""
    database: Database = ready.app.state.database
    intake = Intake(database.pool, capacity=CAPACITY)
    intake.start()
    yield intake
    await intake.stop()


async def outcomes(intake: Intake, *submissions: Submission) -> list[Outcome]:
    """What becomes of these, all sent at once."""
    return await asyncio.gather(*map(intake.submit, submissions))


@asynccontextmanager
async def held(api: Api, *fingerprints: bytes) -> AsyncIterator[Connection]:
    """Proofs that a transaction has claimed which does not end while the context lasts."""
    database: Database = api.app.state.database
    async with database.pool.acquire() as connection, connection.transaction():
        for one in fingerprints:
            await connection.execute(
                "INSERT INTO claims SELECT id, $1, gen_random_uuid() FROM campaigns", one
            )
        yield connection


async def test_many_at_once_are_each_told_their_own_outcome(ready: Api, intake: Intake) -> None:
    fine = [await made(ready, f"p{number}") for number in range(20)]
    again = await made(ready, "p3")
    other = await made(ready, "x", submission_id=fine[4].submission_id, encoded=encoded(2))
    old = await made(ready, "old", revision=0)
    both = await made(ready, "a", "b")
    told = await outcomes(intake, *fine, again, other, old, both, fine[5])
    assert told == [Outcome.stored] * 20 + [
        Outcome.already_answered,
        Outcome.conflicting,
        Outcome.outdated,
        Outcome.stored,
        Outcome.replayed,
    ]
    stored = {(*prints(f"p{number}"), one.submission_id) for number, one in enumerate(fine)}
    stored |= {(one, both.submission_id) for one in both.fingerprints}
    assert await claims(ready) == stored


async def test_a_known_id_with_a_free_proof_spoils_nobodys_batch_and_binds_nothing(
    ready: Api, intake: Intake
) -> None:
    first = await made(ready, "first")
    assert await intake.submit(first) is Outcome.stored
    repeated = await made(ready, "second", submission_id=first.submission_id)
    others = [await made(ready, f"p{number}") for number in range(5)]
    told = await outcomes(intake, *others, repeated)
    assert told == [Outcome.stored] * 5 + [Outcome.replayed]
    assert await intake.submit(await made(ready, "second")) is Outcome.stored
    assert await counted(ready) == {encoded().answers: 7}


async def test_texts_come_with_their_own_response(ready: Api, intake: Intake) -> None:
    said = {f"p{number}": await made(ready, f"p{number}") for number in range(6)}
    said |= {name: await made(ready, name, encoded=encoded(1, f"von {name}")) for name in said}
    await outcomes(intake, *said.values())
    database: Database = ready.app.state.database
    rows = await database.pool.fetch("SELECT submission_id, body FROM response_texts")
    assert {(row["submission_id"], row["body"]) for row in rows} == {
        (one.submission_id, f"von {name}") for name, one in said.items()
    }


async def test_who_hangs_up_is_stored_all_the_same(ready: Api, intake: Intake) -> None:
    async with held(ready, *prints("other")):
        going = [asyncio.create_task(intake.submit(await made(ready, "gone")))]
        await asyncio.sleep(0)
        going[0].cancel()
    await asyncio.wait(going)
    assert going[0].cancelled()
    assert await intake.submit(await made(ready, "gone")) is Outcome.already_answered


async def test_a_batch_that_waits_for_a_lock_does_not_hold_up_the_others(
    ready: Api, intake: Intake
) -> None:
    stuck = [await made(ready, f"stuck{number}") for number in range(3)]
    async with held(ready, *(one.fingerprints[0] for one in stuck)):
        waiting = []
        for one in stuck:
            waiting.append(asyncio.create_task(intake.submit(one)))
            await asyncio.sleep(0.05)
            free = await made(ready, f"free{len(waiting)}")
            assert await asyncio.wait_for(intake.submit(free), 2) is Outcome.stored
        assert not any(one.done() for one in waiting)
    told = await asyncio.gather(*waiting)
    # Their proofs belong to another response, which came first.
    assert told == [Outcome.already_answered] * 3


async def test_one_that_no_table_can_hold_takes_nobody_along(ready: Api, intake: Intake) -> None:
    fine = [await made(ready, f"p{number}") for number in range(4)]
    wrong = await made(ready, "wrong", unit_id=2**40)
    sent = [*fine[:2], wrong, *fine[2:]]
    told = await asyncio.gather(*map(intake.submit, sent), return_exceptions=True)
    assert [one for one in told if one is not Outcome.stored] == [told[2]]
    assert isinstance(told[2], Exception)
    assert await counted(ready) == {encoded().answers: 4}


async def test_what_was_accepted_is_finished_before_the_end(ready: Api, intake: Intake) -> None:
    going = [
        asyncio.create_task(intake.submit(await made(ready, f"p{number}"))) for number in range(40)
    ]
    await asyncio.sleep(0)
    await intake.stop()
    assert await asyncio.gather(*going) == [Outcome.stored] * 40
    with pytest.raises(Busy):
        await intake.submit(await made(ready, "late"))


@asynccontextmanager
async def served(api: Api) -> AsyncIterator[str]:
    """The app behind real HTTP, as it is served; gives its address."""
    config = uvicorn.Config(
        api.app, port=0, log_config=None, lifespan="off", http=HttpConnection, loop="none"
    )
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listening.close()


async def sent(
    http: httpx.AsyncClient, tokens: Sequence[str]
) -> list[asyncio.Task[httpx.Response]]:
    """Requests under way, one for each invitation."""
    return [
        asyncio.create_task(http.post(f"/v1/invitations/{token}/responses", json=submission()))
        for token in tokens
    ]


async def test_with_the_queue_full_the_rest_is_told_at_once_to_come_again(
    ready: Api, intake: Intake
) -> None:
    tokens = await invitations(ready, 300)
    state = ready.app.state
    state.reception = dataclasses.replace(state.reception, intake=intake)
    async with (
        served(ready) as base,
        httpx.AsyncClient(base_url=base, limits=httpx.Limits(), timeout=30) as http,
    ):
        async with state.database.pool.acquire() as stalling, stalling.transaction():
            await stalling.execute("LOCK TABLE claims IN EXCLUSIVE MODE")
            first = await sent(http, tokens[:250])
            done: set[asyncio.Task[httpx.Response]] = set()
            # Four batches may be stuck, and behind them the queue be full, not more.
            while len(first) - len(done) > 4 * CAPACITY:
                done, _ = await asyncio.wait(first, timeout=0.1)
            last = await asyncio.gather(*await sent(http, tokens[250:]))
            assert {one.result().status_code for one in done} <= {503}
            assert [one.status_code for one in last if one.status_code != 503] == []
        replies = [*await asyncio.gather(*first), *last]
        refused = [one for one in replies if one.status_code == 503]
        for one in refused:
            assert one.json()["type"] == "/problems/busy"
            assert int(one.headers["Retry-After"]) >= 1
        taken = len(replies) - len(refused)
        assert Counter(one.status_code for one in replies) == {201: taken, 503: len(refused)}
        assert CAPACITY <= taken <= 250
        assert sum((await counted(ready)).values()) == taken
        # It recovers by itself, and who was refused has lost nothing.
        again = [token for token, one in zip(tokens, replies, strict=True) if one in refused]
        retried = [
            one for token in again for one in await asyncio.gather(*await sent(http, [token]))
        ]
        assert {one.status_code for one in retried} == {201}
    assert sum((await counted(ready)).values()) == 300
