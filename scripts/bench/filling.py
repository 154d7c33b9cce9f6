"""Filling the tables of responses with volume: the rows that intake would have written.

Made by PostgreSQL itself, since a million requests take minutes; tables, keys, indexes and
contents are those of intake, the answers even shares of every option.
"""

import asyncpg

_CHUNK = 250_000

_RESPONSES = """
    WITH made AS (
        INSERT INTO responses (
            campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
            answered_at, seconds, locale, answers
        )
        SELECT
            campaigns.id, gen_random_uuid(), 0, 1,
            ($2::int[])[(n % cardinality($2)) + 1], 0, 2 + n % 3, 1,
            now() - n % 14 * interval '1 day', 30 + n % 90, 'zh-CN',
            (
                SELECT string_agg(set_byte('\\x00'::bytea, 0, 1 + (n / (slot + 1) + slot) % 4), '')
                FROM generate_series(0, $4 - 1) AS slot
            ) || $5::bytea
        FROM campaigns, generate_series(1, $3) AS n WHERE code = $1
        RETURNING campaign_id, submission_id
    ),
    claimed AS (
        INSERT INTO claims (campaign_id, fingerprint, submission_id)
        SELECT campaign_id, substr(sha256(submission_id::text::bytea), 1, 16), submission_id
        FROM made
    )
    INSERT INTO response_texts (campaign_id, submission_id, sequence, position, body)
    SELECT campaign_id, submission_id, 0, 0, $6::text FROM made WHERE $6 IS NOT NULL
"""


async def fill(
    url: str,
    campaign: str,
    count: int,
    *,
    units: list[int],
    choices: int,
    text: str | None = None,
) -> None:
    """Store so many responses of the first population, evenly over the units (ids).

    The questionnaire asks `choices` questions of four options each; with `text`, and then that.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET statement_timeout = 0")
        left = count
        while left:
            some = min(left, _CHUNK)
            answered = b"\x01" if text is not None else b""
            await connection.execute(_RESPONSES, campaign, units, some, choices, answered, text)
            left -= some
        await connection.execute("VACUUM ANALYZE responses, claims, response_texts")
    finally:
        await connection.close()
