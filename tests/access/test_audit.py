"""The audit: who did what, in the transaction that did it, never changed."""

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.access import audit, queries
from app.access.principal import Principal
from app.access.tables import AuditEntry
from app.clients import service as clients
from app.core.database import Database
from app.units.tables import Unit


async def _caller(database: Database) -> Principal:
    async with database.sessions.begin() as session:
        made = await clients.create(session, name="x", scopes=["admin"], unit=None)
        client = await queries.client_in_force(session, made.client_id)
        assert client is not None
    return Principal(client.id, client.client_id, frozenset({"admin"}), None, request_id="r1")


async def _count(database: Database) -> int:
    async with database.sessions() as session:
        return int(await session.scalar(text("SELECT count(*) FROM audit_entries")) or 0)


async def test_an_entry_says_who_did_what_by_which_request(app: FastAPI) -> None:
    database: Database = app.state.database
    caller = await _caller(database)
    async with database.sessions.begin() as session:
        audit.record(session, caller, "campaign.open", "C", populations=["parent"])
    async with database.sessions() as session:
        entry = await session.get(AuditEntry, 1)
        assert entry is not None
        assert entry.client_id == caller.id
        assert (entry.action, entry.object, entry.request_id) == ("campaign.open", "C", "r1")
        assert entry.detail == {"populations": ["parent"]}
        assert entry.at.tzinfo is not None


async def test_what_is_rolled_back_leaves_no_entry(app: FastAPI) -> None:
    database: Database = app.state.database
    caller = await _caller(database)
    async with database.sessions() as session:
        audit.record(session, caller, "campaign.open", "C")
        await session.rollback()
    assert await _count(database) == 0


@pytest.mark.parametrize(
    "change", ["UPDATE audit_entries SET action = 'x'", "DELETE FROM audit_entries"]
)
async def test_entries_cannot_be_changed_or_deleted(app: FastAPI, change: str) -> None:
    database: Database = app.state.database
    caller = await _caller(database)
    async with database.sessions.begin() as session:
        audit.record(session, caller, "campaign.open", "C")
    with pytest.raises(DBAPIError):
        async with database.sessions.begin() as session:
            await session.execute(text(change))
    assert await _count(database) == 1


async def test_savepoints_keep_and_undo_no_entry(app: FastAPI) -> None:
    database: Database = app.state.database
    caller = await _caller(database)
    async with database.sessions.begin() as session:
        audit.record(session, caller, "campaign.change", "C")
        async with session.begin_nested():
            await session.execute(text("SELECT 1"))
        assert await session.scalar(text("SELECT count(*) FROM audit_entries")) == 0
        with pytest.raises(DBAPIError):
            async with session.begin_nested():
                await session.execute(text("SELECT 1 / 0"))
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                session.add_all(Unit(code="T", name="twice", kind="city") for _ in range(2))
    assert await _count(database) == 1


async def test_a_session_that_was_rolled_back_writes_down_what_it_does_afterwards(
    app: FastAPI,
) -> None:
    database: Database = app.state.database
    caller = await _caller(database)
    async with database.sessions() as session:
        await session.execute(text("SELECT 1"))
        audit.record(session, caller, "campaign.open", "C")
        await session.rollback()
        audit.record(session, caller, "campaign.close", "C")
        await session.commit()
    async with database.sessions() as session:
        written = await session.scalars(text("SELECT action FROM audit_entries"))
        assert list(written) == ["campaign.close"]
