"""SQL of responses that stand: bare asyncpg, since parents wait for it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.core.database import Connection
from app.responses.submission import Submission
from app.responses.tables import Cause

_LATEST = """
SELECT
    wanted.n - 1 AS index, latest.sequence, latest.sign, latest.cause, latest.channel,
    latest.population, latest.answered_at,
    latest.answers, latest.numbers, latest.consent_id,
    said.positions, said.bodies
FROM unnest($1::int[], $2::uuid[]) WITH ORDINALITY AS wanted (campaign_id, submission_id, n)
CROSS JOIN LATERAL (
    SELECT * FROM responses
    WHERE responses.campaign_id = wanted.campaign_id
    AND responses.submission_id = wanted.submission_id
    ORDER BY sequence DESC LIMIT 1
) AS latest
CROSS JOIN LATERAL (
    -- What a negative row takes back was said by the row before it.
    SELECT
        coalesce(array_agg(position ORDER BY position), '{}') AS positions,
        coalesce(array_agg(body ORDER BY position), '{}') AS bodies
    FROM responses AS worded JOIN response_texts AS said USING (
        transaction_id, campaign_id, submission_id, sequence
    )
    WHERE worded.campaign_id = latest.campaign_id
    AND worded.submission_id = latest.submission_id
    AND worded.sequence = latest.sequence - (latest.sign < 0)::int
) AS said
"""

_REVERSE = """
INSERT INTO responses (
    campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
    answered_at, seconds, locale, quality, answers, numbers, cause, consent_id
)
SELECT
    campaign_id, submission_id, sequence + 1, -1, unit_id, population, channel, origin_id,
    answered_at, seconds, locale, quality, answers, numbers, $4, consent_id
FROM responses
WHERE campaign_id = $1 AND submission_id = $2 AND sequence = $3
"""

# Restored and withdrawn at once: the last word on it, and the sum of the signs as it was.
_WITHDRAW_VOIDED = """
WITH gone AS (
    DELETE FROM voided_claims WHERE campaign_id = $1 AND submission_id = $2
)
INSERT INTO responses (
    campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
    answered_at, seconds, locale, quality, answers, numbers, cause, consent_id
)
SELECT
    campaign_id, submission_id, sequence + step.n, step.sign, unit_id, population, channel,
    origin_id, answered_at, seconds, locale, quality, answers, numbers, step.cause, consent_id
FROM responses, (VALUES (1, 1, $4::smallint), (2, -1, $5::smallint)) AS step (n, sign, cause)
WHERE campaign_id = $1 AND submission_id = $2 AND sequence = $3
"""

_LOCK_CLAIMS = """
SELECT submission_id, fingerprint FROM claims
WHERE campaign_id = $1 AND (
    fingerprint = ANY($3::bytea[])
    OR submission_id = ANY($2::uuid[]) AND transaction_id >> 4 = ANY (
        SELECT transaction_id >> 4 FROM responses
        WHERE campaign_id = $1 AND submission_id = ANY($2::uuid[])
    )
)
ORDER BY fingerprint FOR UPDATE
"""

_APPEND = """
INSERT INTO responses (
    campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
    answered_at, seconds, locale, answers, numbers, cause, consent_id
) VALUES (
    $1, $2, $3, 1, $4, $5, $6, $7, $8, CASE WHEN $9::int < 32768 THEN $9 END, $10, $11, $12, $13,
    $14
)
"""


async def latest(connection: Connection, keys: Sequence[tuple[int, UUID]]) -> dict[int, Any]:
    """The last ledger row of each (campaign, submission) that has one, by index into `keys`."""
    rows = await connection.fetch(_LATEST, [key[0] for key in keys], [key[1] for key in keys])
    return {row["index"]: row for row in rows}


async def reverse(
    connection: Connection, campaign_id: int, submission_id: UUID, sequence: int, cause: Cause
) -> None:
    """Append the negative of a response's row, which is its last one.

    Errors: UniqueViolationError where another row has followed it meanwhile.
    """
    await connection.execute(_REVERSE, campaign_id, submission_id, sequence, cause)


async def withdraw_voided(
    connection: Connection, campaign_id: int, submission_id: UUID, sequence: int
) -> None:
    """Append what withdraws a response that is voided; `sequence` is that of its last row.

    Errors: UniqueViolationError where another row has followed it meanwhile.
    """
    await connection.execute(
        _WITHDRAW_VOIDED, campaign_id, submission_id, sequence, Cause.restored, Cause.withdrawn
    )


async def append(connection: Connection, submission: Submission, sequence: int) -> None:
    """Append a response's new content at a sequence above 0."""
    await connection.execute(
        _APPEND,
        submission.campaign_id,
        submission.submission_id,
        sequence,
        submission.unit_id,
        submission.population,
        submission.channel,
        submission.origin_id,
        submission.answered_at,
        submission.seconds,
        submission.locale,
        submission.encoded.answers,
        submission.encoded.numbers,
        Cause.revised,
        submission.consent_id,
    )
    for position, body in submission.encoded.texts:
        await connection.execute(
            "INSERT INTO response_texts (campaign_id, submission_id, sequence, position, body) "
            "VALUES ($1, $2, $3, $4, $5)",
            submission.campaign_id,
            submission.submission_id,
            sequence,
            position,
            body,
        )


async def take_claims(connection: Connection, submission: Submission) -> bool:
    """Exchange a response's claims for its present proofs; False where one is another's."""
    await free_claims(connection, submission.campaign_id, submission.submission_id)
    taken = await connection.fetch(
        "INSERT INTO claims (campaign_id, fingerprint, submission_id) "
        "SELECT $1, fingerprint, $2 FROM unnest($3::bytea[]) AS proof (fingerprint) ORDER BY 2 "
        "ON CONFLICT DO NOTHING RETURNING 1",
        submission.campaign_id,
        submission.submission_id,
        list(submission.fingerprints),
    )
    if len(taken) == len(submission.fingerprints):
        return True
    await free_claims(connection, submission.campaign_id, submission.submission_id)
    return False


async def delete_texts(connection: Connection, campaign_id: int, submission_id: UUID) -> None:
    """Delete what was written in a response, in all that it has ever been; in a transaction."""
    # A text that is being moved along with its response, as it is flagged, would be missed.
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('texts', $1))", campaign_id
    )
    await connection.execute(
        """
        DELETE FROM response_texts WHERE campaign_id = $1 AND submission_id = $2
        AND transaction_id = ANY (
            SELECT transaction_id FROM responses WHERE campaign_id = $1 AND submission_id = $2
        )
        """,
        campaign_id,
        submission_id,
    )


async def free_claims(connection: Connection, campaign_id: int, submission_id: UUID) -> None:
    """Let a response's persons go: they may answer again."""
    await connection.execute(
        """
        DELETE FROM claims WHERE campaign_id = $1 AND submission_id = $2
        AND transaction_id >> 4 = ANY (
            SELECT transaction_id >> 4 FROM responses WHERE campaign_id = $1 AND submission_id = $2
        )
        """,
        campaign_id,
        submission_id,
    )


async def lock_claims(connection: Connection, campaign_id: int, submission_id: UUID) -> None:
    """Keep a response's claims as they are, taken in the order in which everybody takes them."""
    await connection.execute(_LOCK_CLAIMS, campaign_id, [submission_id], [])


async def lock_holders(connection: Connection, submission: Submission) -> set[UUID]:
    """The responses that hold this submission's proofs; all that they hold stays as it is."""
    proofs = list(submission.fingerprints)
    holders = await connection.fetch(
        "SELECT submission_id FROM claims WHERE campaign_id = $1 AND fingerprint = ANY($2)",
        submission.campaign_id,
        proofs,
    )
    ids = {row["submission_id"] for row in holders}
    # Those that appear only now were not locked with all they hold: whoever changes them waits
    # for the one proof that was.
    rows = await connection.fetch(_LOCK_CLAIMS, submission.campaign_id, list(ids), proofs)
    return {row["submission_id"] for row in rows if row["fingerprint"] in submission.fingerprints}


async def claimed(connection: Connection, campaign_id: int, fingerprints: Sequence[bytes]) -> bool:
    """Whether one of these persons has answered."""
    found = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM claims WHERE campaign_id = $1 AND fingerprint = ANY($2))",
        campaign_id,
        list(fingerprints),
    )
    return bool(found)
