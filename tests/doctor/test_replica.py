"""The replica that long reads go to: whether it answers, and follows the database."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import migrating
from app.core.database import Database
from app.core.embedded_postgres import EmbeddedPostgres
from app.core.settings import Settings
from app.doctor import queries, replica
from app.doctor.examining import examine_with
from app.doctor.findings import Finding
from tests.processes import free_port


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[AsyncSession]:
    """A session of a migrated database of its own."""
    opened = Database(database_url, pool_size=1)
    async with opened.sessions() as session:
        yield session
    await opened.close()


async def looked_at(database_url: str, settings: Settings, read_url: str | None) -> list[Finding]:
    """What is found of the replica at an address."""
    found = await examine_with(replace(settings, database_read_url=read_url))
    return [one for one in found if one.check == "replica"]


async def test_without_a_replica_nothing_is_said(database_url: str, settings: Settings) -> None:
    assert await looked_at(database_url, settings, None) == []


async def test_a_replica_that_does_not_answer_is_found(
    database_url: str, settings: Settings
) -> None:
    away = f"postgresql://x:y@127.0.0.1:{free_port()}/x"
    [found] = await looked_at(database_url, settings, away)
    assert found.state == "failure"
    assert "exports wait" in found.advice


async def test_a_server_that_follows_none_is_no_replica(
    postgres: EmbeddedPostgres, database_url: str, settings: Settings
) -> None:
    [found] = await looked_at(database_url, settings, postgres.url("postgres"))
    assert (found.state, "follows no other" in found.found) == ("warning", True)


async def test_a_replica_far_behind_or_of_another_version_is_found(session: AsyncSession) -> None:
    revision = await queries.revision(session)
    assert revision == migrating.newest()
    assert replica.check_replica(revision, True, 0.2).state == "ok"
    late = replica.check_replica(revision, True, 2000.0)
    assert (late.state, "2,000 MB" in late.found) == ("warning", True)
    cut_off = replica.check_replica(revision, False, 0.0)
    assert (cut_off.state, "Nothing is streamed" in cut_off.found) == ("warning", True)
    other = replica.check_replica("20200101_0000", True, 0.0)
    assert (other.state, "20200101_0000" in other.found) == ("warning", True)
