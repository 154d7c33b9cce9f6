"""The database: what real settings, versions and open transactions are judged to be."""

import os
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import OPERATOR
from app.core import migrating
from app.core.database import Database
from app.core.embedded_postgres import EmbeddedPostgres
from app.core.keyring import Keyring
from app.doctor import database
from app.doctor.findings import Finding
from app.doctor.running import Running
from app.jobs.service import queue
from tests.factories import Api, campaign_body, tree

KEYRING = Keyring((b"test-key-" + b"0" * 32,))
SERVER = Running(1, "http://127.0.0.1:8000", 1, None, None)


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[AsyncSession]:
    """A session of a migrated database of its own."""
    opened = Database(database_url, pool_size=1)
    async with opened.sessions() as session:
        yield session
    await opened.close()


async def judged(session: AsyncSession, check: str, server: Running | None = SERVER) -> Finding:
    """What a check found first; the others are read all the same."""
    findings = await database.examine(session, server, KEYRING)
    return next(one for one in findings if one.check == check)


async def test_a_database_is_looked_at_from_every_side(session: AsyncSession) -> None:
    # The template may be minutes old, and nobody folds here.
    await session.execute(text("UPDATE folding SET folded_until = now()"))
    findings = {one.check: one for one in await database.examine(session, SERVER, KEYRING)}
    for check in ("database", "clock", "encoding", "connections", "migrations", "folding"):
        assert findings[check].state == "ok", findings[check]
    assert "PostgreSQL" in findings["database"].found


async def test_a_database_that_may_forget_is_found(session: AsyncSession) -> None:
    # The tests' own server has all three off, since it lives for minutes.
    found = await judged(session, "durability")
    assert found.state == "failure"
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        assert setting in found.found
        assert f"ALTER SYSTEM SET {setting}" in found.advice


async def test_a_role_that_does_not_wait_for_the_disk_is_found(session: AsyncSession) -> None:
    await session.execute(text("SET synchronous_commit = off"))
    assert "synchronous_commit" in (await judged(session, "durability")).found


async def test_too_few_connections_for_the_workers_are_found(session: AsyncSession) -> None:
    many = Running(1, SERVER.public_url, 64, None, None)
    found = await judged(session, "connections", many)
    assert found.state == "failure"
    assert "max_connections" in found.advice


async def test_connections_of_others_count(session: AsyncSession, database_url: str) -> None:
    before = (await judged(session, "connections")).found
    await session.rollback()  # one look at the others' sessions a transaction
    others = [await asyncpg.connect(database_url) for _ in range(5)]
    after = (await judged(session, "connections")).found
    for other in others:
        await other.close()
    room = [int(one.split("room for ")[1].split()[0]) for one in (before, after)]
    assert room[1] < room[0]


async def test_a_database_behind_the_program_is_found(session: AsyncSession) -> None:
    [older] = sorted(migrating.known())[-2:-1]
    await session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": older})
    found = await judged(session, "migrations")
    assert found.state == "failure"
    assert older in found.found
    assert "xinsheng migrate" in found.advice
    assert await database.recent_addresses(session) == []


async def test_a_database_ahead_of_the_program_is_found(session: AsyncSession) -> None:
    await session.execute(text("UPDATE alembic_version SET version_num = '29991231_0000'"))
    found = await judged(session, "migrations")
    assert found.state == "failure"
    assert "newer" in found.found


async def test_an_empty_database_of_the_wrong_encoding_is_looked_at(
    postgres: EmbeddedPostgres, template: str
) -> None:
    superuser = await asyncpg.connect(postgres.url(role="postgres"))
    name = f"{template}_ascii"
    await superuser.execute(
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' "
        "LOCALE_PROVIDER libc LOCALE 'C' OWNER xinsheng"
    )
    opened = Database(postgres.url(name), pool_size=1)
    try:
        async with opened.sessions() as session:
            findings = {one.check: one for one in await database.examine(session, SERVER, KEYRING)}
    finally:
        await opened.close()
        await superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await superuser.close()
    assert findings["encoding"].state == "failure"
    assert "SQL_ASCII" in findings["encoding"].found
    assert findings["migrations"].state == "warning"
    assert "folding" not in findings


async def test_jobs_that_no_worker_takes_are_found(session: AsyncSession) -> None:
    assert (await judged(session, "jobs")).state == "ok"
    await queue(session, OPERATOR, kind="none", parameters={})
    await session.execute(
        text("UPDATE xinsheng_queue.pgqueuer SET execute_after = now() - interval '1 hour'")
    )
    waiting = await judged(session, "jobs")
    assert waiting.state == "failure"
    assert "due for 60 minutes" in waiting.found
    await session.execute(text("UPDATE jobs SET state = 'running'"))
    assert (await judged(session, "jobs")).state == "warning"
    await session.execute(text("DROP SCHEMA xinsheng_queue CASCADE"))
    assert (await judged(session, "jobs")).state == "ok"  # as before the first start


async def test_counts_that_fall_behind_are_found_with_what_holds_them_up(
    session: AsyncSession, database_url: str
) -> None:
    await session.execute(text("UPDATE folding SET folded_until = now() - interval '1 hour'"))
    late = await judged(session, "folding")
    assert late.state == "failure"
    assert "3,600 s behind" in late.found
    assert (await judged(session, "folding", None)).state == "ok"
    assert database.check_folding(120, 5).state == "warning"
    held_up = database.check_folding(1000, 900)
    assert "900 s" in held_up.advice
    assert "pg_stat_activity" in held_up.advice


async def test_clocks_that_are_apart_are_found() -> None:
    states = [database.check_clock(apart).state for apart in (0.2, 5.0, 90.0)]
    assert states == ["ok", "warning", "failure"]


async def test_settings_that_let_the_database_swell_are_found() -> None:
    slow = {"autovacuum": "off", "max_wal_size": "1024"}
    assert [one.state for one in database.check_upkeep(slow)] == ["failure", "warning"]
    right = {"autovacuum": "on", "max_wal_size": "4096"}
    assert [one.state for one in database.check_upkeep(right)] == ["ok"]


async def test_an_old_postgresql_is_found() -> None:
    old = {"server_version": "14.9", "server_version_num": "140009"}
    assert database.check_version(old).state == "failure"


async def test_secret_keys_of_another_deployment_are_found(
    admin: Api, session: AsyncSession
) -> None:
    await tree(admin)
    await admin.made("PUT", "/v1/campaigns/C", campaign_body())
    await admin.made("POST", "/v1/campaigns/C/open")

    async def keys(keyring: Keyring) -> Finding:
        await session.rollback()
        return next(
            one for one in await database.examine(session, SERVER, keyring) if one.check == "keys"
        )

    assert (await keys(KEYRING)).state == "ok"
    others = await keys(Keyring((os.urandom(32),)))
    assert others.state == "failure"
    assert "safe" in others.advice


async def test_archived_campaigns_that_still_have_their_key_are_named(
    admin: Api, session: AsyncSession
) -> None:
    await tree(admin)
    for code in ("C", "D"):
        await admin.made("PUT", f"/v1/campaigns/{code}", campaign_body())
    findings = await database.examine(session, SERVER, KEYRING)
    assert "campaign-keys" not in {one.check for one in findings}
    await session.execute(
        text(
            "UPDATE campaigns SET state = 'archived', opens_at = now() - interval '50 days', "
            "closes_at = now() - interval '40 days' WHERE code = 'D'"
        )
    )
    found = await judged(session, "campaign-keys")
    assert found.state == "warning"
    assert "(D)" in found.found
    assert "destroy-key" in found.advice
