"""Filling the tables of responses with volume: the rows that intake would have written.

Made by PostgreSQL itself, since a million requests take minutes; tables, keys, indexes and
contents are those of intake, the answers even shares of every option.
"""

import asyncpg

_CHUNK = 250_000

_SHEETS = """
    CREATE TEMPORARY TABLE sheets AS
    SELECT n, (
        SELECT string_agg(set_byte('\\x00'::bytea, 0, 1 + (n / (slot + 1) + slot) % 4), '')
        FROM generate_series(0, $1::int - 1) AS slot
    ) || $2::bytea AS answers
    FROM generate_series(0, 4095) AS n
"""
_RESPONSES = """
    WITH made AS (
        INSERT INTO responses (
            campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
            answered_at, seconds, locale, answers
        )
        SELECT
            campaigns.id, gen_random_uuid(), 0, 1,
            ($2::int[])[(one % cardinality($2)) + 1], 0, 2 + one % 3, 1,
            now() - one % 14 * interval '1 day', 30 + one % 90, 'zh-CN', answers
        FROM campaigns, generate_series(1, $3) AS one JOIN sheets ON sheets.n = one % 4096
        WHERE code = $1
        RETURNING campaign_id, submission_id
    ),
    claimed AS (
        INSERT INTO claims (campaign_id, fingerprint, submission_id)
        SELECT campaign_id, uuid_send(gen_random_uuid()), submission_id FROM made
    )
    INSERT INTO response_texts (campaign_id, submission_id, sequence, position, body)
    SELECT campaign_id, submission_id, 0, 0, $4::text FROM made WHERE $4 IS NOT NULL
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
        answered = b"\x01" if text is not None else b""
        await connection.execute(_SHEETS, choices, answered)
        left = count
        while left:
            some = min(left, _CHUNK)
            await connection.execute(_RESPONSES, campaign, units, some, text)
            left -= some
        await connection.execute("VACUUM ANALYZE responses, claims, response_texts")
    finally:
        await connection.close()
