"""SQL of responses: bare asyncpg, since parents wait for it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.core.database import Connection
from app.responses.submission import Submission

# What the two statements that insert have in common: arrays as sent, and rows of the ledger.
_SENT = """
        $1::int[], $2::int[], $3::uuid[], $4::int[], $5::smallint[], $6::smallint[], $7::int[],
        $8::timestamptz[], $9::int[], $10::text[], $11::bytea[], $12::text[]"""
_SENT_COLUMNS = """
        campaign_id, revision, submission_id, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, answers, numbers"""
_LEDGER_ROWS = """
    INSERT INTO responses (
        campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, answers, numbers
    )
    SELECT
        campaign_id, submission_id, 0, 1, unit_id, population, channel, origin_id,
        answered_at, CASE WHEN seconds < 32768 THEN seconds END, locale, answers,
        numbers::float8[]"""

# The statement that parents wait for: responses of one proof each, in a transaction of its own.
# A response is stored if its claim is taken now; else, or where the campaign was changed, its
# index comes back. Where a claim is taken but the ledger holds the response's key, the statement
# fails as a whole: so nothing is bound by a response that is not stored.
_INSERT_NEW = f"""
WITH item AS MATERIALIZED (
    SELECT sent.*, campaigns.id IS NOT NULL AS valid
    FROM unnest({_SENT}, $13::bytea[])
    WITH ORDINALITY AS sent ({_SENT_COLUMNS}, fingerprint, n)
    LEFT JOIN campaigns
    ON campaigns.id = sent.campaign_id AND campaigns.revision = sent.revision
),
claimed AS (
    INSERT INTO claims (campaign_id, fingerprint, submission_id)
    SELECT campaign_id, fingerprint, submission_id FROM item WHERE valid
    -- By n last: of two that bring the same proof, the first gets it.
    ORDER BY 1, 2, n
    ON CONFLICT DO NOTHING
    RETURNING campaign_id, submission_id
),
stored AS ({_LEDGER_ROWS}
    FROM item JOIN claimed USING (campaign_id, submission_id)
    ORDER BY 1, 2
),
spelled AS (
    INSERT INTO response_texts (campaign_id, submission_id, sequence, position, body)
    SELECT campaign_id, submission_id, 0, position, body
    FROM unnest($14::int[], $15::uuid[], $16::smallint[], $17::text[])
        AS said (campaign_id, submission_id, position, body)
    JOIN claimed USING (campaign_id, submission_id)
)
SELECT n - 1 AS index FROM item LEFT JOIN claimed USING (campaign_id, submission_id)
WHERE claimed.submission_id IS NULL
"""

# One statement for a whole batch. Nothing here looks before it inserts: claims and the ledger's
# key decide. Both are inserted in one order everywhere, and `won` reads all of `claimed` before
# the ledger is touched, so that batches at once cannot deadlock.
_INSERT = f"""
WITH item AS MATERIALIZED (
    SELECT * FROM unnest({_SENT}, $13::int[])
    WITH ORDINALITY AS item ({_SENT_COLUMNS}, proofs, n)
),
valid AS MATERIALIZED (
    SELECT item.* FROM item JOIN campaigns
    ON campaigns.id = item.campaign_id AND campaigns.revision = item.revision
),
claimed AS (
    INSERT INTO claims (campaign_id, fingerprint, submission_id)
    SELECT valid.campaign_id, proof.fingerprint, valid.submission_id
    FROM unnest($14::int[], $15::bytea[]) AS proof (n, fingerprint) JOIN valid USING (n)
    -- By n last: of two in a batch that bring the same proof, the first gets it.
    ORDER BY 1, 2, n
    ON CONFLICT DO NOTHING
    RETURNING campaign_id, submission_id, fingerprint
),
won AS MATERIALIZED (
    SELECT campaign_id, submission_id, count(*) AS claims, array_agg(fingerprint) AS taken
    FROM claimed GROUP BY 1, 2
),
stored AS ({_LEDGER_ROWS}
    FROM valid LEFT JOIN won USING (campaign_id, submission_id)
    WHERE valid.proofs = coalesce(won.claims, 0)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING
    RETURNING campaign_id, submission_id
),
spelled AS (
    INSERT INTO response_texts (campaign_id, submission_id, sequence, position, body)
    SELECT stored.campaign_id, stored.submission_id, 0, said.position, said.body
    FROM unnest($16::int[], $17::smallint[], $18::text[]) AS said (n, position, body)
    JOIN valid USING (n) JOIN stored USING (campaign_id, submission_id)
)
SELECT
    item.n - 1 AS index,
    valid.n IS NULL AS outdated,
    stored.submission_id IS NOT NULL AS stored,
    CASE WHEN stored.submission_id IS NULL THEN won.taken END AS taken
FROM item
LEFT JOIN valid USING (n)
LEFT JOIN won ON won.campaign_id = item.campaign_id AND won.submission_id = item.submission_id
LEFT JOIN stored
    ON stored.campaign_id = item.campaign_id AND stored.submission_id = item.submission_id
"""

_RELEASE = """
DELETE FROM claims USING unnest($1::int[], $2::bytea[]) AS taken (campaign_id, fingerprint)
WHERE claims.campaign_id = taken.campaign_id AND claims.fingerprint = taken.fingerprint
"""

_LATEST = """
SELECT
    wanted.n - 1 AS index, latest.sequence, latest.sign, latest.channel, latest.population,
    latest.answered_at,
    latest.answers, latest.numbers,
    said.positions, said.bodies
FROM unnest($1::int[], $2::uuid[]) WITH ORDINALITY AS wanted (campaign_id, submission_id, n)
CROSS JOIN LATERAL (
    SELECT * FROM responses
    WHERE responses.campaign_id = wanted.campaign_id
    AND responses.submission_id = wanted.submission_id
    ORDER BY sequence DESC LIMIT 1
) AS latest
CROSS JOIN LATERAL (
    SELECT
        coalesce(array_agg(position ORDER BY position), '{}') AS positions,
        coalesce(array_agg(body ORDER BY position), '{}') AS bodies
    FROM response_texts AS said
    WHERE said.transaction_id = latest.transaction_id
    AND said.campaign_id = latest.campaign_id AND said.submission_id = latest.submission_id
    AND said.sequence = latest.sequence
) AS said
"""

_REVERSE = """
INSERT INTO responses (
    campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
    answered_at, seconds, locale, quality, answers, numbers
)
SELECT
    campaign_id, submission_id, sequence + 1, -1, unit_id, population, channel, origin_id,
    answered_at, seconds, locale, quality, answers, numbers
FROM responses
WHERE campaign_id = $1 AND submission_id = $2 AND sequence = $3
"""

_APPEND = """
INSERT INTO responses (
    campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
    answered_at, seconds, locale, answers, numbers
) VALUES (
    $1, $2, $3, 1, $4, $5, $6, $7, $8, CASE WHEN $9::int < 32768 THEN $9 END, $10, $11, $12
)
"""


def _pg_numbers(numbers: Sequence[float | None] | None) -> str | None:
    # An array of arrays cannot be ragged in PostgreSQL: each travels as its literal.
    if numbers is None:
        return None
    return "{" + ",".join("NULL" if one is None else repr(one) for one in numbers) + "}"


async def insert_new(connection: Connection, submissions: Sequence[Submission]) -> list[int]:
    """Claim and store a batch without equal keys, of one fingerprint each.

    Outside of a transaction, which makes it one of its own. Returns the indexes of those that
    were not stored: nothing is bound by them.
    Errors: UniqueViolationError, and nothing is stored, where a key of one whose proof was free
    is in the ledger.
    """
    texts = [(one, *text) for one in submissions for text in one.encoded.texts]
    rows = await connection.fetch(
        _INSERT_NEW,
        *_columns(submissions),
        [one.fingerprints[0] for one in submissions],
        [one.campaign_id for one, _, _ in texts],
        [one.submission_id for one, _, _ in texts],
        [position for _, position, _ in texts],
        [body for _, _, body in texts],
    )
    return [row["index"] for row in rows]


def _columns(submissions: Sequence[Submission]) -> tuple[list[Any], ...]:
    return (
        [one.campaign_id for one in submissions],
        [one.revision for one in submissions],
        [one.submission_id for one in submissions],
        [one.unit_id for one in submissions],
        [one.population for one in submissions],
        [one.channel for one in submissions],
        [one.origin_id for one in submissions],
        [one.answered_at for one in submissions],
        [one.seconds for one in submissions],
        [one.locale for one in submissions],
        [one.encoded.answers for one in submissions],
        [_pg_numbers(one.encoded.numbers) for one in submissions],
    )


async def insert(connection: Connection, submissions: Sequence[Submission]) -> list[Any]:
    """Claim and store a batch without equal keys; in a transaction.

    Returns a row for each in any order: `index`, `outdated`, `stored`, and, if it was not stored,
    the fingerprints that it has `taken` none the less.
    """
    proofs = [(n, one) for n, each in enumerate(submissions, 1) for one in each.fingerprints]
    texts = [
        (n, position, body)
        for n, each in enumerate(submissions, 1)
        for position, body in each.encoded.texts
    ]
    rows: list[Any] = await connection.fetch(
        _INSERT,
        *_columns(submissions),
        [len(one.fingerprints) for one in submissions],
        [n for n, _ in proofs],
        [fingerprint for _, fingerprint in proofs],
        [n for n, _, _ in texts],
        [position for _, position, _ in texts],
        [body for _, _, body in texts],
    )
    return rows


async def release(connection: Connection, claims: Sequence[tuple[int, bytes]]) -> None:
    """Give back the claims, as (campaign, fingerprint), that refused submissions took just now."""
    await connection.execute(
        _RELEASE,
        [campaign_id for campaign_id, _ in claims],
        [fingerprint for _, fingerprint in claims],
    )


async def latest(connection: Connection, keys: Sequence[tuple[int, UUID]]) -> dict[int, Any]:
    """The last ledger row of each (campaign, submission) that has one, by index into `keys`."""
    rows = await connection.fetch(_LATEST, [key[0] for key in keys], [key[1] for key in keys])
    return {row["index"]: row for row in rows}


async def reverse(
    connection: Connection, campaign_id: int, submission_id: UUID, sequence: int
) -> None:
    """Append the negative of a response's row, which is its last one.

    Errors: UniqueViolationError where another row has followed it meanwhile.
    """
    await connection.execute(_REVERSE, campaign_id, submission_id, sequence)


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
    """Delete what was written in a response, in all that it has ever been."""
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


async def lock_holders(connection: Connection, submission: Submission) -> set[UUID]:
    """The responses that hold this submission's proofs, kept from changing hands meanwhile."""
    rows = await connection.fetch(
        "SELECT submission_id FROM claims WHERE campaign_id = $1 AND fingerprint = ANY($2) "
        "ORDER BY fingerprint FOR UPDATE",
        submission.campaign_id,
        list(submission.fingerprints),
    )
    return {row["submission_id"] for row in rows}


async def claimed(connection: Connection, campaign_id: int, fingerprints: Sequence[bytes]) -> bool:
    """Whether one of these persons has answered."""
    found = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM claims WHERE campaign_id = $1 AND fingerprint = ANY($2))",
        campaign_id,
        list(fingerprints),
    )
    return bool(found)
