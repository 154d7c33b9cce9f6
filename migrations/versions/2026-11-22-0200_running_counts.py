"""Running counts, a view that spells responses out, and responses that take less room."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_0200"
down_revision = "20261121_2230"

# Responses as people read them: the last word on each, its answers under their codes.
_READABLE_RESPONSES = """
    CREATE VIEW readable_responses AS
    WITH asked AS (
        SELECT questionnaire_id, version, number, question ->> 'code' AS code,
            question ->> 'type' AS type, coalesce((question ->> 'min')::int, 1) AS lowest,
            coalesce(
                definition -> 'scales' -> (question ->> 'scale'), question -> 'options', '[]'
            ) AS options
        FROM questionnaire_versions
        CROSS JOIN jsonb_array_elements(definition -> 'questions') WITH ORDINALITY
            AS one (question, number)
        WHERE question ->> 'type' <> 'note'
    ),
    sized AS (
        SELECT *, CASE type
            WHEN 'multiple_choice' THEN 1 + (jsonb_array_length(options) + 7) / 8 ELSE 1
        END AS size
        FROM asked
    ),
    placed AS MATERIALIZED (
        SELECT *, (sum(size) OVER earlier - size)::int AS slot,
            (count(*) FILTER (WHERE type = 'number') OVER earlier)::int AS nth_number,
            (count(*) FILTER (WHERE type = 'text') OVER earlier)::int AS nth_text
        FROM sized
        WINDOW earlier AS (PARTITION BY questionnaire_id, version ORDER BY number)
    )
    SELECT campaigns.code AS campaign, units.code AS unit, asked_of.code AS population,
        (ARRAY['wechat', 'link', 'invitation', 'phone', 'onsite', 'paper'])[channel] AS channel,
        submission_id, sequence, sign < 0 AS withdrawn, answered_at, seconds, locale, quality,
        (
            SELECT jsonb_object_agg(placed.code, CASE type
                WHEN 'single_choice'
                THEN options -> (get_byte(answers, slot) - 1) -> 'value'
                WHEN 'rating'
                THEN to_jsonb(lowest + get_byte(answers, slot) - 1)
                WHEN 'number'
                THEN to_jsonb(numbers[nth_number])
                WHEN 'text'
                THEN (
                    SELECT to_jsonb(body) FROM response_texts AS said
                    WHERE said.transaction_id = latest.transaction_id
                    AND said.campaign_id = latest.campaign_id
                    AND said.submission_id = latest.submission_id
                    AND said.sequence = latest.sequence AND said.position = nth_text - 1
                )
                ELSE (
                    SELECT jsonb_agg(option -> 'value' ORDER BY nth)
                    FROM jsonb_array_elements(options) WITH ORDINALITY AS one (option, nth)
                    WHERE get_bit(answers, (8 * (slot + 1) + nth - 1)::int) = 1
                )
            END)
            FROM placed
            WHERE placed.questionnaire_id = asked_of.questionnaire_id
            AND placed.version = asked_of.version AND get_byte(answers, slot) > 0
        ) AS answers
    FROM responses AS latest
    JOIN campaigns ON campaigns.id = campaign_id
    JOIN campaign_populations AS asked_of
        ON asked_of.campaign_id = latest.campaign_id AND asked_of.position = population
    JOIN units ON units.id = unit_id
    WHERE NOT EXISTS (
        SELECT FROM responses AS later
        WHERE later.campaign_id = latest.campaign_id
        AND later.submission_id = latest.submission_id AND later.sequence > latest.sequence
    )
"""

# What a response holds was stored in the transaction of its row, of its last one if it changed.
_SAME_TRANSACTION = """
    UPDATE {table} SET transaction_id = (
        SELECT coalesce(max(responses.transaction_id), 0) FROM responses
        WHERE responses.campaign_id = {table}.campaign_id
        AND responses.submission_id = {table}.submission_id AND {row}
    )
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "running_counts",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("below", sa.Boolean(), nullable=False),
        sa.Column("population", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("sums", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint(
            "campaign_id",
            "unit_id",
            "day",
            "below",
            "population",
            "channel",
            "flagged",
            name=op.f("pk_running_counts"),
        ),
    )
    # Room in each page for the next version of its rows, so that no index has to be touched.
    op.execute("ALTER TABLE running_counts SET (fillfactor = 50)")
    op.create_table(
        "folded_campaigns",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tree_moves", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_folded_campaigns")),
    )
    op.create_table(
        "folding",
        sa.Column("single", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("folded_below", sa.BigInteger(), nullable=False),
        sa.Column("seen_below", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("folded_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("server", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_folding_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_folding")),
    )
    op.execute("""
        INSERT INTO folding (folded_below, seen_below, seen_at, folded_until, server)
        SELECT 0, 0, now(), now(), system_identifier FROM pg_control_system()
    """)
    op.create_table(
        "unit_tree",
        sa.Column("single", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("moves", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_unit_tree_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_unit_tree")),
    )
    op.execute("INSERT INTO unit_tree (moves) VALUES (0)")
    op.create_index("ix_responses_transaction_id", "responses", [sa.text("(transaction_id >> 4)")])
    op.drop_index("brin_responses_transaction_id", "responses")
    # One pass over the table. Nine hours and more are no duration of answering.
    op.execute("""
        ALTER TABLE responses
        ALTER COLUMN seconds TYPE smallint USING CASE WHEN seconds < 32768 THEN seconds END,
        ALTER COLUMN quality DROP DEFAULT, ALTER COLUMN quality DROP NOT NULL,
        ALTER COLUMN quality TYPE smallint USING nullif(quality, 0)
    """)
    for table, row in (
        ("claims", "sign > 0"),
        ("response_texts", "responses.sequence = response_texts.sequence"),
    ):
        op.execute(f"ALTER TABLE {table} ADD COLUMN transaction_id bigint")
        op.execute(_SAME_TRANSACTION.format(table=table, row=row))
        op.execute(f"""
            ALTER TABLE {table} ALTER COLUMN transaction_id SET NOT NULL,
            ALTER COLUMN transaction_id SET DEFAULT pg_current_xact_id()::text::bigint
        """)
    op.create_index("ix_claims_transaction_id", "claims", [sa.text("(transaction_id >> 4)")])
    op.create_index("ix_response_texts_transaction_id", "response_texts", ["transaction_id"])
    op.drop_index("hash_claims_submission_id", "claims")
    op.drop_constraint("pk_response_texts", "response_texts")
    op.execute(_READABLE_RESPONSES)
