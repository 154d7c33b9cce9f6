"""Bytes that a stored response takes, indexes included, against a JSONB row.

    .venv/bin/python -m scripts.bench.storage [--responses 200000]

Ten closed questions and no text, stored by the intake's own statement in batches of 16, as they
come in on an ordinary evening; then as many with a second claim; the same answers as JSONB in a
textbook's table (a UUID for its key, a unique text for the person), row by row.
"""

import argparse
import asyncio
import secrets
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from app.core.embedded_postgres import EmbeddedPostgres
from app.installation import prepare
from app.questionnaires.validator import Encoded
from app.responses import ledger
from app.responses.submission import Outcome, Submission
from app.responses.tables import Channel
from scripts.bench.serving import machine

_BATCH = 16
_CHOICES = 10
_CAMPAIGN = """
    INSERT INTO units (code, name, kind) VALUES ('S', '学校', 'school');
    INSERT INTO campaigns (code, title, region_id, opens_at, closes_at, delivery_days, identity,
        once_per, on_duplicate, min_cell, min_rank, state)
    SELECT 'bench', '调查', id, now(), now() + interval '1 day', 7, '{invitation}', 'population',
        'keep_first', 10, 30, 'open' FROM units;
    CREATE TABLE textbook_responses (
        id uuid PRIMARY KEY, person text NOT NULL UNIQUE, answers jsonb NOT NULL,
        answered_at timestamptz NOT NULL
    );
"""
_TEXTBOOK = """
    INSERT INTO textbook_responses
    SELECT gen_random_uuid(), encode(sha256(n::text::bytea), 'hex'), (
        SELECT jsonb_object_agg('question' || slot, 'satisfied') FROM generate_series(1, 10) AS slot
    ), now()
    FROM generate_series(1, $1) AS n
"""
_SIZES = """
    SELECT relname AS name, pg_relation_size(oid) AS bytes FROM pg_class
    WHERE relname ~ '(responses|claims)' AND relkind IN ('r', 'i') AND relnamespace =
        'public'::regnamespace
    ORDER BY 1
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--responses", type=int, default=200_000)
    count = parser.parse_args().responses
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as database:
        asyncio.run(prepare(database.url()))
        asyncio.run(_measure(database.url(), count))


async def _measure(url: str, count: int) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(_CAMPAIGN)
    await _store(connection, count, claims=1)
    one = await _sizes(connection)
    await _store(connection, count, claims=2)
    two = await _sizes(connection)
    await connection.execute(_TEXTBOOK, count)
    textbook = await _sizes(connection)
    await connection.close()
    ours = {name: size for name, size in one.items() if size > count}
    further = {name: two[name] - 2 * ours[name] for name in ours if "claims" in name}
    plain = {name: size for name, size in textbook.items() if "textbook" in name}
    print(f"{machine()}; {count:,} responses of {_CHOICES} closed questions")
    for title, sizes in (
        ("a response with one claim", ours),
        ("each further claim", further),
        ("as JSONB", plain),
    ):
        print(f"{title:<36}{sum(sizes.values()) / count:>8.0f} bytes")
        for name, size in sizes.items():
            print(f"    {name:<32}{size / count:>8.0f}")


async def _store(connection: asyncpg.Connection, count: int, *, claims: int) -> None:
    for _ in range(0, count, _BATCH):
        batch = [_submission(claims) for _ in range(_BATCH)]
        async with connection.transaction():
            outcomes = await ledger.store(connection, batch)
        assert set(outcomes) == {Outcome.stored}


def _submission(claims: int) -> Submission:
    answers = bytes(1 + byte % 4 for byte in secrets.token_bytes(_CHOICES))
    return Submission(
        campaign_id=1,
        revision=1,
        submission_id=uuid.uuid4(),
        unit_id=1,
        population=0,
        channel=Channel.invitation,
        origin_id=1,
        encoded=Encoded(answers, None, ()),
        fingerprints=tuple(sorted(secrets.token_bytes(16) for _ in range(claims))),
        answered_at=datetime.now(UTC),
        seconds=60,
        locale="zh-CN",
    )


async def _sizes(connection: asyncpg.Connection) -> dict[str, int]:
    await connection.execute("VACUUM responses, claims, textbook_responses")
    return {row["name"]: row["bytes"] for row in await connection.fetch(_SIZES)}


if __name__ == "__main__":
    main()
