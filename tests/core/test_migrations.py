"""Migrations: they make the tables that the code declares, and carry data along."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

import app.core.limits.tables  # noqa: F401 - no other module needs to
from app.core.database import Base, Database, engine
from app.core.embedded_postgres import EmbeddedPostgres
from app.counts.folding import fold
from app.installation import prepare

FIRST = "20261121_2230"
LABEL = '{"zh-CN": "题"}'
DEFINITION = (
    f'{{"title": {LABEL}, "consent": {LABEL}, "scales": {{}}, '
    f'"questions": [{{"code": "stars", "type": "rating", '
    f'"min": 1, "max": 5, "label": {LABEL}}}]}}'
)
# As the first release wrote it.
OLD = f"""
    INSERT INTO units (code, name, kind) VALUES ('S', '学校', 'school');
    INSERT INTO unit_ancestors SELECT id, id, 0 FROM units;
    INSERT INTO questionnaires (code, draft) VALUES ('q', '{DEFINITION}');
    INSERT INTO questionnaire_versions (questionnaire_id, version, definition)
    SELECT id, 1, draft FROM questionnaires;
    INSERT INTO campaigns (code, title, region_id, opens_at, closes_at, delivery_days, identity,
        once_per, on_duplicate, min_cell, min_rank, state)
    SELECT 'C', '调查', id, now(), now() + interval '1 day', 7, '{{device}}', 'population',
        'keep_first', 10, 30, 'open' FROM units;
    INSERT INTO campaign_populations (campaign_id, position, code, questionnaire_id, version,
        targets)
    SELECT campaigns.id, 0, 'parent', questionnaires.id, 1, '[]' FROM campaigns, questionnaires;
    INSERT INTO responses (answered_at, campaign_id, submission_id, unit_id, sequence, sign,
        population, channel, answers, seconds)
    SELECT now(), campaigns.id, gen_random_uuid(), units.id, 0, 1, 0, 2, decode('04', 'hex'), n
    FROM campaigns, units, unnest(ARRAY[60, null, 86400]) AS n;
"""


@pytest.fixture
async def empty_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """A database without any tables."""
    connection = await asyncpg.connect(postgres.url(role="postgres"))
    try:
        await connection.execute("CREATE DATABASE of_old OWNER xinsheng")
        yield postgres.url("of_old")
        await connection.execute("DROP DATABASE of_old WITH (FORCE)")
    finally:
        await connection.close()


def migrate_to(connection: Connection, revision: str) -> None:
    config = Config(str(Path(__file__).parents[2] / "alembic.ini"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    connection.commit()


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


async def test_the_tables_are_those_that_the_code_declares(database_url: str) -> None:
    database = engine(database_url)
    async with database.connect() as connection:
        assert await connection.run_sync(differences) == []
    await database.dispose()


async def test_responses_of_the_first_release_are_counted_and_readable(empty_url: str) -> None:
    database = engine(empty_url)
    async with database.connect() as connection:
        await connection.run_sync(migrate_to, FIRST)
    await database.dispose()
    old = await asyncpg.connect(empty_url)
    await old.execute(OLD)
    await prepare(empty_url)
    shown = await old.fetch("SELECT answers, seconds, quality FROM readable_responses")
    assert [row["answers"] for row in shown] == ['{"stars": 4}'] * 3
    assert {row["seconds"] for row in shown} == {60, None}
    assert {row["quality"] for row in shown} == {None}
    consents = await old.fetch("SELECT locale, text_sha256 FROM consents")
    assert [tuple(row) for row in consents] == [("zh-CN", sha256("题".encode()).digest())]
    counting = Database(empty_url, pool_size=1)
    folded = None
    while folded is None or not folded.caught_up:
        folded = await fold(counting)
    sums = await old.fetch("SELECT sums FROM running_counts WHERE day = 'infinity'")
    assert [row["sums"] for row in sums] == [[3, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0]]
    await counting.close()
    await old.close()


async def test_what_was_folded_before_there_were_counts_by_origin_is_in_them(
    empty_url: str,
) -> None:
    database = engine(empty_url)
    async with database.connect() as connection:
        await connection.run_sync(migrate_to, FIRST)
    old = await asyncpg.connect(empty_url)
    await old.execute(OLD)
    await old.execute("UPDATE responses SET origin_id = 7 WHERE seconds IS NOT NULL")
    async with database.connect() as connection:
        await connection.run_sync(migrate_to, "20261122_0600")
    await database.dispose()
    await old.execute(
        "UPDATE folding SET folded_below = (SELECT max(transaction_id) + 1 FROM responses)"
    )
    await prepare(empty_url)
    rows = await old.fetch("SELECT channel, origin_id, responses FROM origin_counts")
    assert [tuple(row) for row in rows] == [(2, 7, 2)]
    await old.close()
