"""Clients that are revoked while a job of theirs waits: what is done all the same, and what not."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from app.access.principal import Principal
from app.core.database import Database
from app.jobs.attending import Ended, attend
from app.jobs.running import Running, for_clients_in_force
from app.publications import service as publications
from tests.exports.world import URL as EXPORTS
from tests.factories import Api, answer, invitations, open_campaign, tree
from tests.jobs.conftest import looked_at, queued
from tests.jobs.kinds import MADE, QUICK, counting, step
from tests.telephone.bulk import batch, ended, lines, working
from tests.telephone.bulk import queued as delivered
from tests.telephone.deliveries import count

NOT_IN_FORCE = "/problems/client-not-in-force"
REVOKED = "UPDATE clients SET revoked_at = now() WHERE name = 'test'"
EXPIRED = "UPDATE clients SET expires_at = now() WHERE name = 'test'"


@pytest.fixture
async def county(admin: Api) -> Api:
    """A client of its own in a city with an open campaign, named `test`; the admin is another."""
    await tree(admin)
    await open_campaign(admin)
    scope = "responses:read campaigns:write results:exact interviews:write"
    async with opened(admin).sessions.begin() as session:
        await session.execute(text("UPDATE clients SET name = 'admin'"))
    return await admin.as_client(scope, "W")


def opened(api: Api) -> Database:
    database: Database = api.app.state.database
    return database


async def out_of_force(api: Api, how: str = REVOKED) -> None:
    """Put the client named `test` out of force."""
    async with opened(api).sessions.begin() as session:
        await session.execute(text(how))


@pytest.mark.parametrize("how", [REVOKED, EXPIRED], ids=["revoked", "expired"])
async def test_nothing_is_made_for_a_client_that_is_no_longer_in_force(
    admin: Api, county: Api, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publications, "MANY_UNITS", 2)
    for token in await invitations(admin, 10):
        await answer(admin, token)
    await county.made("POST", "/v1/campaigns/C/releases")
    asked = [
        await county.post(EXPORTS, {"content": "responses", "format": "csv"}),
        await county.post(
            "/v1/campaigns/C/publications", {"title": "x"}, headers={"Idempotency-Key": "k"}
        ),
    ]
    assert [reply.status_code for reply in asked] == [202, 202]
    await out_of_force(admin, how)
    async with working(admin.app.state.settings):
        jobs = [await ended(admin, reply.headers["Location"]) for reply in asked]
    for job in jobs:
        assert (job["state"], job["result"]) == ("failed", None)
        assert (job["problem"]["type"], job["problem"]["status"]) == (NOT_IN_FORCE, 403)
    assert await opened(admin).pool.fetchval("SELECT count(*) FROM exports") == 0
    assert (await admin.made("GET", "/v1/campaigns/C/publications"))["items"] == []


async def test_a_delivery_that_was_acknowledged_is_taken_all_the_same(
    admin: Api, county: Api
) -> None:
    job = await delivered(county, lines(batch(20)))
    await out_of_force(admin)
    async with working(admin.app.state.settings):
        assert (await ended(admin, job))["state"] == "done"
    assert await count(admin) == 20


async def test_a_file_that_was_made_before_is_not_given_to_a_revoked_client(
    admin: Api, county: Api
) -> None:
    reply = await county.post(EXPORTS, {"content": "responses", "format": "csv"})
    async with working(admin.app.state.settings):
        job = await ended(county, reply.headers["Location"])
    file = job["result"]["file"]
    assert (await county.get(file)).status_code == 200
    await out_of_force(admin)
    assert (await county.get(file)).status_code == 401
    assert (await county.get(reply.headers["Location"])).status_code == 401
    assert (await admin.get(file)).status_code == 200


async def test_what_is_in_hand_commits_nothing_more_once_its_client_is_revoked(
    admin: Api, county: Api
) -> None:
    database = opened(admin)

    async def revoked_meanwhile(database: Database, running: Running) -> dict[str, Any]:
        for done in (1, 2, 3):
            if done == 2:
                await out_of_force(admin)
            async with database.sessions.begin() as session:
                await step(session, running)
                await running.advance(session, done=done)
        return {}

    client_id = await database.pool.fetchval("SELECT id FROM clients WHERE name = 'test'")
    caller = Principal(client_id, "test", frozenset(), None)
    async with database.sessions.begin() as session:
        await session.execute(text(MADE))
    job_id = await queued(database, caller=caller)
    handler = for_clients_in_force(revoked_meanwhile)
    outcome = await attend(database, handler, job_id, stopping=asyncio.Event(), pace=QUICK)
    assert isinstance(outcome, Ended)
    job = await looked_at(database, job_id)
    assert (job.state, job.done) == ("failed", 1)
    assert job.problem is not None
    assert job.problem["type"] == NOT_IN_FORCE
    assert await database.pool.fetchval("SELECT count(*) FROM steps") == 1


async def test_what_the_command_line_asks_for_needs_no_client(admin: Api) -> None:
    database = opened(admin)
    async with database.sessions.begin() as session:
        await session.execute(text(MADE))
    job_id = await queued(database, steps=2)
    handler = for_clients_in_force(counting())
    await attend(database, handler, job_id, stopping=asyncio.Event(), pace=QUICK)
    assert (await looked_at(database, job_id)).state == "done"
