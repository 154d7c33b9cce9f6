"""Jobs are queued by the transaction that causes them, and done once it is committed."""

import asyncio
import logging
from typing import Any

import pytest
from sqlalchemy import text

from app.access.principal import OPERATOR, Principal
from app.core.database import Database
from app.core.problems import FieldError, InvalidInput
from app.installation import prepare
from app.jobs import service
from app.jobs.running import Running
from tests.jobs.conftest import Working, ended, looked_at, queued, steps
from tests.jobs.kinds import EAGER, counting, step


async def test_a_job_is_done_and_its_result_kept(database: Database, working: Working) -> None:
    job_id = await queued(database, steps=3)
    async with working(count=counting()):
        job = await ended(database, job_id)
    assert (job.state, job.done, job.total, job.result) == ("done", 3, 3, {"steps": 3})
    assert job.problem is None
    assert job.started_at is not None
    assert await steps(database, job_id) == [0, 1, 2]
    assert await _entries(database) == 0


async def test_a_job_that_is_queued_while_a_worker_waits_is_done_at_once(
    database: Database, working: Working
) -> None:
    async with working(count=counting()):
        first = await queued(database, steps=1)
        await ended(database, first)
        second = await queued(database, steps=1)
        assert (await ended(database, second)).state == "done"


async def test_a_job_of_a_transaction_that_rolls_back_never_runs(
    database: Database, working: Working
) -> None:
    async with database.sessions() as session:
        lost = await service.queue(session, OPERATOR, kind="count", parameters={"steps": 1})
        await session.rollback()
    later = await queued(database, steps=1)
    async with working(count=counting()):
        await ended(database, later)
    assert await steps(database, lost.id) == []
    assert await _entries(database) == 0


async def test_a_job_is_not_begun_before_its_transaction_ends(
    database: Database, working: Working
) -> None:
    async with working(count=counting()):
        async with database.sessions.begin() as session:
            job = await service.queue(session, OPERATOR, kind="count", parameters={"steps": 1})
            later = await queued(database, steps=1)
            await ended(database, later)
            assert await steps(database, job.id) == []
        assert (await ended(database, job.id)).state == "done"


async def test_its_handler_knows_the_client_as_it_was(database: Database, working: Working) -> None:
    seen: list[Running] = []

    async def look(database: Database, running: Running) -> dict[str, Any]:
        seen.append(running)
        return {}

    client = Principal(0, "xc_1", frozenset({"admin", "audit:read"}), None, "r1", "192.0.2.7")
    job_id = await queued(database, "look", client, key="值")
    async with working(look=look):
        await ended(database, job_id)
    assert [(one.caller, one.parameters) for one in seen] == [(client, {"key": "值"})]


async def test_a_problem_ends_the_job_and_is_kept(database: Database, working: Working) -> None:
    async def refuse(database: Database, running: Running) -> dict[str, Any]:
        async with database.sessions.begin() as session:
            await step(session, running)
            raise InvalidInput(errors=[FieldError("row 7, column unit", "unknown", "No unit.")])

    caller = Principal(0, "xc_1", frozenset(), None, "request-1")
    job_id = await queued(database, "refuse", caller)
    async with working(refuse=refuse):
        job = await ended(database, job_id)
    assert job.state == "failed"
    assert job.problem is not None
    assert job.problem["type"] == "/problems/invalid-input"
    assert job.problem["request_id"] == "request-1"
    assert job.problem["errors"][0]["pointer"] == "row 7, column unit"
    assert await steps(database, job_id) == []  # what it did in that transaction was undone
    assert await _entries(database) == 0


async def test_what_breaks_off_is_tried_again_where_it_was(
    database: Database, working: Working
) -> None:
    broken: list[int] = []

    async def stumble(database: Database, running: Running) -> dict[str, Any]:
        if running.done in (2, 4) and running.done not in broken:
            broken.append(running.done)
            raise RuntimeError("secret-value")
        while running.done < 6:
            async with database.sessions.begin() as session:
                await step(session, running)
                await running.advance(session, done=running.done + 1)
                if running.done == 4 and 4 not in broken:
                    return await stumble(database, running)
        return {}

    job_id = await queued(database, "stumble")
    async with working(EAGER, stumble=stumble):
        job = await ended(database, job_id)
    assert job.state == "done"
    assert await steps(database, job_id) == [0, 1, 2, 3, 4, 5]


async def test_what_always_breaks_off_fails_in_the_end_without_its_reason(
    database: Database, working: Working, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    async def stumble(database: Database, running: Running) -> dict[str, Any]:
        tries.append(running.run)
        raise RuntimeError("secret-value")

    job_id = await queued(database, "stumble")
    with caplog.at_level(logging.ERROR, "xinsheng.jobs"):
        async with working(EAGER, stumble=stumble):
            job = await ended(database, job_id)
    assert tries == [1, 2, 3]
    assert job.state == "failed"
    assert job.problem is not None
    assert job.problem["type"] == "/problems/job-failed"
    assert "secret-value" not in str(job.problem)
    assert sum(record.exc_info is not None for record in caplog.records) == 3
    assert "secret-value" not in await _log_of_queue(database)


async def test_a_job_that_gets_on_between_may_break_off_more_often(
    database: Database, working: Working
) -> None:
    async def one_step(database: Database, running: Running) -> dict[str, Any]:
        if running.done == 4:
            return {}
        async with database.sessions.begin() as session:
            await running.advance(session, done=running.done + 1)
        raise RuntimeError("after every step")

    job_id = await queued(database, "one_step")
    async with working(EAGER, one_step=one_step):
        job = await ended(database, job_id)
    assert (job.state, job.done, job.run) == ("done", 4, 5)


async def test_a_job_that_ends_its_worker_every_time_fails_in_the_end(
    database: Database, working: Working
) -> None:
    job_id = await queued(database, steps=1)
    async with database.sessions.begin() as session:
        # As workers leave it that were killed three times.
        await session.execute(text("UPDATE jobs SET state = 'running', run = 3, tries = 3"))
    async with working(count=counting()):
        job = await ended(database, job_id)
    assert job.state == "failed"
    assert await steps(database, job_id) == []


async def test_a_result_that_cannot_be_stored_fails_the_job(
    database: Database, working: Working
) -> None:
    async def odd(database: Database, running: Running) -> dict[str, Any]:
        return {"when": object()}

    job_id = await queued(database, "odd")
    async with working(EAGER, odd=odd):
        assert (await ended(database, job_id)).state == "failed"


async def test_a_kind_that_this_worker_does_not_know_waits_for_one_that_does(
    database: Database, working: Working
) -> None:
    strange = await queued(database, "strange", steps=1)
    known = await queued(database, steps=1)
    async with working(count=counting()):
        await ended(database, known)
    assert (await looked_at(database, strange)).state == "queued"
    async with working(strange=counting()):
        assert (await ended(database, strange)).state == "done"


async def test_jobs_that_the_queue_has_lost_are_queued_again(
    database: Database, working: Working, database_url: str
) -> None:
    waiting = await queued(database, steps=2)
    begun = await queued(database, steps=2)
    over = await queued(database, steps=1)
    async with database.sessions.begin() as session:
        # As after a restore: jobs are there, and the queue is empty.
        await session.execute(text("DELETE FROM xinsheng_queue.pgqueuer"))
        await session.execute(
            text("UPDATE jobs SET state = 'running', done = 1 WHERE id = :id"), {"id": begun}
        )
        await session.execute(
            text(
                "UPDATE jobs SET state = 'done', result = '{}', finished_at = now() WHERE id = :i"
            ),
            {"i": over},
        )
    await asyncio.gather(prepare(database_url), prepare(database_url))
    assert await _entries(database) == 2
    async with working(count=counting()):
        assert (await ended(database, waiting)).state == "done"
        assert (await ended(database, begun)).state == "done"
    assert await steps(database, begun) == [1]
    assert await steps(database, over) == []


async def test_an_entry_without_a_job_is_thrown_away(database: Database, working: Working) -> None:
    gone = await queued(database, steps=1)
    async with database.sessions.begin() as session:
        await session.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": gone})
    last = await queued(database, steps=1)
    async with working(count=counting()):
        await ended(database, last)
    assert await _entries(database) == 0


async def test_jobs_are_forgotten_thirty_days_after_their_end(database: Database) -> None:
    old, recent, open_ = [await queued(database, steps=1) for _ in range(3)]
    async with database.sessions.begin() as session:
        for job_id, age in ((old, 31), (recent, 29)):
            await session.execute(
                text(
                    "UPDATE jobs SET state = 'done', result = '{}', created_at = now() - "
                    "make_interval(days => 40), finished_at = now() - make_interval(days => :age) "
                    "WHERE id = :id"
                ),
                {"id": job_id, "age": age},
            )
        await session.execute(
            text("UPDATE jobs SET created_at = now() - interval '90 days' WHERE id = :id"),
            {"id": open_},
        )
        await session.execute(
            text(
                "INSERT INTO xinsheng_queue.pgqueuer_log "
                "(created, job_id, status, priority, entrypoint) "
                "SELECT now() - make_interval(days => age), age, 'successful', 0, 'count' "
                "FROM unnest(ARRAY[29, 31]) AS age"
            )
        )
    await service.look_after(database)
    async with database.sessions() as session:
        kept = set(await session.scalars(text("SELECT id FROM jobs")))
        logged = list(await session.scalars(text("SELECT job_id FROM xinsheng_queue.pgqueuer_log")))
    assert kept == {recent, open_}
    assert 29 in logged
    assert 31 not in logged


async def _entries(database: Database) -> int:
    async with database.sessions() as session:
        return int(await session.scalar(text("SELECT count(*) FROM xinsheng_queue.pgqueuer")) or 0)


async def _log_of_queue(database: Database) -> str:
    async with database.sessions() as session:
        rows = await session.scalars(
            text("SELECT row_to_json(log)::text FROM xinsheng_queue.pgqueuer_log AS log")
        )
        return "\n".join(rows)
