"""The view of readable responses spells out dates, matrices and texts beside options."""

from alembic import op

revision = "20261122_1000"
down_revision = "20261122_0900"

_READABLE_RESPONSES = """
    CREATE OR REPLACE VIEW readable_responses AS
    WITH question AS (
        SELECT questionnaire_id, version, number, one.question ->> 'code' AS code,
            one.question ->> 'type' AS type, one.question,
            coalesce(
                definition -> 'scales' -> (one.question ->> 'scale'),
                one.question -> 'options', '[]'
            ) AS options
        FROM questionnaire_versions
        CROSS JOIN jsonb_array_elements(definition -> 'questions') WITH ORDINALITY
            AS one (question, number)
    ),
    -- What takes an answer of its own, as the program takes questions apart.
    asked AS (
        SELECT questionnaire_id, version, number, 0 AS part, code, type, options,
            CASE type WHEN 'rating' THEN coalesce((question ->> 'min')::int, 1) END AS lowest
        FROM question WHERE type NOT IN ('note', 'matrix')
        UNION ALL
        SELECT questionnaire_id, version, number, nth, code || '.' || (line ->> 'value'),
            'single_choice', options, NULL
        FROM question
        CROSS JOIN jsonb_array_elements(question -> 'rows') WITH ORDINALITY AS one (line, nth)
        WHERE type = 'matrix'
        UNION ALL
        SELECT questionnaire_id, version, number, nth, code || '.' || (option ->> 'value'),
            'text', '[]', NULL
        FROM question
        CROSS JOIN jsonb_array_elements(options) WITH ORDINALITY AS one (option, nth)
        WHERE type IN ('single_choice', 'multiple_choice') AND option ? 'text_length'
    ),
    sized AS (
        SELECT *, CASE type
            WHEN 'multiple_choice' THEN 1 + (jsonb_array_length(options) + 7) / 8 ELSE 1
        END AS size
        FROM asked
    ),
    placed AS MATERIALIZED (
        SELECT *, (sum(size) OVER earlier - size)::int AS slot,
            (count(*) FILTER (WHERE type IN ('number', 'date')) OVER earlier)::int AS nth_number,
            (count(*) FILTER (WHERE type = 'text') OVER earlier)::int AS nth_text
        FROM sized
        WINDOW earlier AS (PARTITION BY questionnaire_id, version ORDER BY number, part)
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
                WHEN 'date'
                THEN to_jsonb((date '0001-01-01' + numbers[nth_number]::int - 1)::text)
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


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(_READABLE_RESPONSES)
