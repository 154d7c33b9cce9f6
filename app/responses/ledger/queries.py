"""SQL that stores responses: bare asyncpg, since parents wait for it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.core.database import Connection
from app.responses.submission import Submission

_LONGEST = 32_768
"""Seconds from which on they are not kept: `seconds` is a smallint."""
# What the statements that insert have in common: arrays as sent, and rows of the ledger.
_SENT = """
        $1::int[], $2::int[], $3::uuid[], $4::int[], $5::smallint[], $6::smallint[], $7::int[],
        $8::timestamptz[], $9::int[], $10::text[], $11::bytea[], $12::text[], $13::int[],
        $14::int[]"""
_SENT_COLUMNS = """
        campaign_id, revision, submission_id, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, answers, numbers, network, consent_id"""
_LEDGER_ROWS = """
    INSERT INTO responses (
        campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, answers, numbers, consent_id
    )
    SELECT
        campaign_id, submission_id, 0, 1, unit_id, population, channel, origin_id,
        answered_at, CASE WHEN seconds < 32768 THEN seconds END, locale, answers,
        numbers::float8[], consent_id"""

# The statement that parents wait for: responses of one proof each, in a transaction of its own.
# A response is stored if its claim is taken now; else, or where the campaign was changed, its
# index comes back. Where a claim is taken but the ledger holds the response's key, the statement
# fails as a whole: so nothing is bound by a response that is not stored.
_INSERT_NEW = f"""
WITH item AS MATERIALIZED (
    SELECT sent.*, campaigns.id IS NOT NULL AS valid
    FROM unnest({_SENT}, $15::bytea[])
    WITH ORDINALITY AS sent ({_SENT_COLUMNS}, fingerprint, n)
    LEFT JOIN campaigns
    ON campaigns.id = sent.campaign_id AND campaigns.revision = sent.revision
),
claimed AS (
    INSERT INTO claims (campaign_id, fingerprint, submission_id, network)
    SELECT campaign_id, fingerprint, submission_id, network FROM item WHERE valid
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
    FROM unnest($16::int[], $17::uuid[], $18::smallint[], $19::text[])
        AS said (campaign_id, submission_id, position, body)
    JOIN claimed USING (campaign_id, submission_id)
)
SELECT n - 1 AS index FROM item LEFT JOIN claimed USING (campaign_id, submission_id)
WHERE claimed.submission_id IS NULL
"""

# The same for responses of several proofs each: only those are tried whose proofs are all free as
# the statement begins. Where another takes one of them in between, the division fails the
# statement as a whole, so that no response is left holding some of its proofs.
_INSERT_NEW_OF_SEVERAL = f"""
WITH item AS MATERIALIZED (
    SELECT sent.* FROM unnest({_SENT}, $15::int[])
    WITH ORDINALITY AS sent ({_SENT_COLUMNS}, proofs, n)
    JOIN campaigns ON campaigns.id = sent.campaign_id AND campaigns.revision = sent.revision
),
proof AS MATERIALIZED (
    SELECT campaign_id, fingerprint, submission_id, network
    FROM unnest($16::int[], $17::bytea[]) AS proof (n, fingerprint) JOIN item USING (n)
),
taken AS MATERIALIZED (
    SELECT DISTINCT campaign_id, proof.submission_id
    FROM proof JOIN claims USING (campaign_id, fingerprint)
),
claimed AS (
    INSERT INTO claims (campaign_id, fingerprint, submission_id, network)
    SELECT * FROM proof
    WHERE (campaign_id, submission_id) NOT IN (SELECT * FROM taken)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING
    RETURNING campaign_id, submission_id
),
won AS MATERIALIZED (
    SELECT campaign_id, submission_id, count(*) AS claims FROM claimed GROUP BY 1, 2
),
stored AS ({_LEDGER_ROWS}
    FROM item JOIN won USING (campaign_id, submission_id)
    WHERE 1 / (claims = proofs)::int = 1
    ORDER BY 1, 2
),
spelled AS (
    INSERT INTO response_texts (campaign_id, submission_id, sequence, position, body)
    SELECT campaign_id, submission_id, 0, position, body
    FROM unnest($18::int[], $19::uuid[], $20::smallint[], $21::text[])
        AS said (campaign_id, submission_id, position, body)
    JOIN won USING (campaign_id, submission_id)
)
SELECT n::int - 1 AS index FROM generate_series(1, cardinality($1)) AS n
WHERE n NOT IN (SELECT n FROM item JOIN won USING (campaign_id, submission_id))
"""

# One statement for a whole batch. Nothing here looks before it inserts: claims and the ledger's
# key decide. Both are inserted in one order everywhere, and `won` reads all of `claimed` before
# the ledger is touched, so that batches at once cannot deadlock.
_INSERT = f"""
WITH item AS MATERIALIZED (
    SELECT * FROM unnest({_SENT}, $15::int[])
    WITH ORDINALITY AS item ({_SENT_COLUMNS}, proofs, n)
),
valid AS MATERIALIZED (
    SELECT item.* FROM item JOIN campaigns
    ON campaigns.id = item.campaign_id AND campaigns.revision = item.revision
),
claimed AS (
    INSERT INTO claims (campaign_id, fingerprint, submission_id, network)
    SELECT valid.campaign_id, proof.fingerprint, valid.submission_id, valid.network
    FROM unnest($16::int[], $17::bytea[]) AS proof (n, fingerprint) JOIN valid USING (n)
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
    FROM unnest($18::int[], $19::smallint[], $20::text[]) AS said (n, position, body)
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

# Claims of many responses at once, of one campaign; none where it was changed meanwhile.
_CLAIM = """
INSERT INTO claims (campaign_id, fingerprint, submission_id, network)
SELECT campaigns.id, fingerprint, submission_id, network
FROM unnest($3::bytea[], $4::uuid[], $5::int[]) AS proof (fingerprint, submission_id, network)
JOIN campaigns ON campaigns.id = $1 AND campaigns.revision = $2
ORDER BY fingerprint
ON CONFLICT DO NOTHING
RETURNING fingerprint
"""
_RESPONSE = (
    "campaign_id",
    "submission_id",
    "sequence",
    "sign",
    "unit_id",
    "population",
    "channel",
    "origin_id",
    "answered_at",
    "seconds",
    "locale",
    "answers",
    "numbers",
    "consent_id",
)
_TEXT = ("campaign_id", "submission_id", "sequence", "position", "body")

_RELEASE = """
DELETE FROM claims USING unnest($1::int[], $2::bytea[]) AS taken (campaign_id, fingerprint)
WHERE claims.campaign_id = taken.campaign_id AND claims.fingerprint = taken.fingerprint
"""


def _pg_numbers(numbers: Sequence[float | None] | None) -> str | None:
    # An array of arrays cannot be ragged in PostgreSQL: each travels as its literal.
    if numbers is None:
        return None
    return "{" + ",".join("NULL" if one is None else repr(one) for one in numbers) + "}"


async def insert_new(connection: Connection, submissions: Sequence[Submission]) -> list[int]:
    """Claim and store a batch without equal keys: of one fingerprint each, or each of several.

    Of several, none may be in two of the submissions. Outside of a transaction, which makes it
    one of its own. Returns the indexes of those that were not stored: nothing is bound by them.
    Errors, and nothing is stored: UniqueViolationError where a key of one whose proofs were free
    is in the ledger; DivisionByZeroError where some of the proofs of one were taken just now.
    """
    if len(submissions[0].fingerprints) == 1:
        statement, proofs = _INSERT_NEW, [[one.fingerprints[0] for one in submissions]]
    else:
        statement, proofs = _INSERT_NEW_OF_SEVERAL, _proofs(submissions)
    texts = [(one, *text) for one in submissions for text in one.encoded.texts]
    rows = await connection.fetch(
        statement,
        *_columns(submissions),
        *proofs,
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
        [one.network for one in submissions],
        [one.consent_id for one in submissions],
    )


def _proofs(submissions: Sequence[Submission]) -> list[list[Any]]:
    """How many each has; then, for each one, whose it is, counted from 1, and what."""
    each = [(n, one) for n, sent in enumerate(submissions, 1) for one in sent.fingerprints]
    counts = [len(one.fingerprints) for one in submissions]
    return [counts, [n for n, _ in each], [fingerprint for _, fingerprint in each]]


async def insert(connection: Connection, submissions: Sequence[Submission]) -> list[Any]:
    """Claim and store a batch without equal keys; in a transaction.

    Returns a row for each in any order: `index`, `outdated`, `stored`, and, if it was not stored,
    the fingerprints that it has `taken` none the less.
    """
    texts = [
        (n, position, body)
        for n, each in enumerate(submissions, 1)
        for position, body in each.encoded.texts
    ]
    rows: list[Any] = await connection.fetch(
        _INSERT,
        *_columns(submissions),
        *_proofs(submissions),
        [n for n, _, _ in texts],
        [position for _, position, _ in texts],
        [body for _, _, body in texts],
    )
    return rows


async def claim(connection: Connection, submissions: Sequence[Submission]) -> set[bytes]:
    """Claim what is free of the proofs of these, and return it; in a transaction.

    They are of one campaign and one revision of it, and no proof is in two of them.
    """
    proofs = sorted(
        (fingerprint, one.submission_id, one.network)
        for one in submissions
        for fingerprint in one.fingerprints
    )
    rows = await connection.fetch(
        _CLAIM,
        submissions[0].campaign_id,
        submissions[0].revision,
        *(list(column) for column in zip(*proofs, strict=True)),
    )
    return {row["fingerprint"] for row in rows}


async def append_new(connection: Connection, submissions: Sequence[Submission]) -> None:
    """Put responses into the ledger, each of which holds all its claims; in a transaction.

    Errors: UniqueViolationError where one of them stands there.
    """
    await connection.copy_records_to_table(
        "responses", records=[_response(one) for one in submissions], columns=_RESPONSE
    )
    texts = [
        (one.campaign_id, one.submission_id, 0, position, body)
        for one in submissions
        for position, body in one.encoded.texts
    ]
    if texts:
        await connection.copy_records_to_table("response_texts", records=texts, columns=_TEXT)


def _response(one: Submission) -> tuple[Any, ...]:
    seconds, encoded = one.seconds, one.encoded
    return (
        one.campaign_id,
        one.submission_id,
        0,
        1,
        one.unit_id,
        one.population,
        one.channel,
        one.origin_id,
        one.answered_at,
        seconds if seconds is not None and seconds < _LONGEST else None,
        one.locale,
        encoded.answers,
        encoded.numbers,
        one.consent_id,
    )


async def release(connection: Connection, claims: Sequence[tuple[int, bytes]]) -> None:
    """Give back the claims, as (campaign, fingerprint), that refused submissions took just now."""
    await connection.execute(
        _RELEASE,
        [campaign_id for campaign_id, _ in claims],
        [fingerprint for _, fingerprint in claims],
    )


async def held(connection: Connection, submissions: Sequence[Submission]) -> dict[bytes, UUID]:
    """Whose response holds which of these submissions' proofs; they are of one campaign."""
    proofs = {one for submission in submissions for one in submission.fingerprints}
    rows = await connection.fetch(
        "SELECT fingerprint, submission_id FROM claims "
        "WHERE campaign_id = $1 AND fingerprint = ANY($2)",
        submissions[0].campaign_id,
        list(proofs),
    )
    return {row["fingerprint"]: row["submission_id"] for row in rows}
