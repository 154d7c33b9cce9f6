"""SQL that finds the signs: one statement over all that stands of a campaign's population.

It reads and never writes, so it has no transaction id that would hold up folding.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.database import Connection
from app.doubts.signs import Thresholds
from app.questionnaires.layout import Layout
from app.responses.tables import Cause, Channel, Doubt

_ONLINE = (Channel.wechat, Channel.link, Channel.invitation)
_BASES = {"parent": "parents", "student": "students", "teacher": "teachers"}
"""What enrolment a population is compared with, by the population's code."""
_SCALES = ("single_choice", "rating")
_MEMORY = "SET LOCAL work_mem = '64MB'"

_GIVEN = """
WITH thresholds AS MATERIALIZED (
    SELECT * FROM jsonb_to_record($3::text::jsonb) AS given (
        fast float8, straight float8, burst float8, network float8, devices float8,
        succession float8, template float8, comment float8, least float8, hurried float8,
        pace float8, varied float8, beyond float8, length float8, unknown float8
    )
),
standing AS MATERIALIZED (
    SELECT submission_id, sequence, transaction_id, unit_id, channel, seconds, answered_at,
        quality, answers, numbers, channel = ANY ($4::smallint[]) AS online
    FROM responses
    WHERE campaign_id = $1 AND population = $2 AND sign > 0 AND NOT EXISTS (
        SELECT FROM responses AS later
        WHERE later.campaign_id = $1 AND later.sequence > 0
        AND later.submission_id = responses.submission_id AND later.sequence > responses.sequence
    )
),
"""

# Who reads the questions takes another time than who is asked them: each has a median of its own.
_SPEED = """
medians AS MATERIALIZED (
    SELECT CASE WHEN online THEN 0 ELSE channel END AS manner,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) AS median
    FROM standing WHERE seconds IS NOT NULL
    GROUP BY 1 HAVING count(*) >= (SELECT least FROM thresholds)
),
quick AS MATERIALIZED (
    SELECT submission_id, answers, seconds::float8 / median AS share
    FROM standing
    JOIN medians ON manner = CASE WHEN online THEN 0 ELSE channel END
    WHERE seconds < median * (SELECT greatest(fast, hurried) FROM thresholds)
),
straight AS (
    SELECT submission_id FROM quick
    WHERE share < (SELECT hurried FROM thresholds) AND EXISTS (
        SELECT FROM unnest($6::int[], $7::int[]) AS asked (slot, scale)
        WHERE get_byte(answers, slot) > 0 GROUP BY scale
        HAVING count(*) >= (SELECT straight FROM thresholds)
        AND count(DISTINCT get_byte(answers, slot)) = 1
    )
),
"""

# Two halves of an hour that follow each other: a window of an hour that begins at any half.
_ARRIVALS = """
heads AS MATERIALIZED (
    SELECT unit_id, nullif(CASE $8
        -- For each child two may answer.
        WHEN 'parents' THEN greatest(parents, 2 * students)
        WHEN 'students' THEN students
        WHEN 'teachers' THEN teachers
    END, 0) AS heads
    FROM enrolments WHERE period = $9
),
enrolled AS MATERIALIZED (
    SELECT units.unit_id, coalesce(
        heads.heads,
        (
            SELECT sum(below.heads) FROM unit_ancestors
            JOIN heads AS below ON below.unit_id = unit_ancestors.unit_id
            WHERE ancestor_id = units.unit_id AND depth > 0
        ),
        (SELECT unknown FROM thresholds)
    )::float8 AS heads
    FROM (SELECT DISTINCT unit_id FROM standing) AS units LEFT JOIN heads USING (unit_id)
),
marks AS MATERIALIZED (
    SELECT submission_id, min(network) AS network FROM claims
    WHERE campaign_id = $1 AND network IS NOT NULL GROUP BY 1
),
networked AS MATERIALIZED (
    SELECT submission_id, unit_id, marks.network, channel, answered_at, seconds
    FROM standing JOIN marks USING (submission_id) WHERE online
),
arrivals AS MATERIALIZED (
    SELECT 'burst' AS sign, submission_id, unit_id, 0 AS network,
        date_bin('30 minutes', answered_at, 'epoch') AS half
    FROM standing WHERE online
    UNION ALL
    SELECT 'network', submission_id, unit_id, network,
        date_bin('30 minutes', answered_at, 'epoch')
    FROM networked
),
halves AS MATERIALIZED (
    SELECT sign, unit_id, network, half, count(*) AS arrived FROM arrivals GROUP BY 1, 2, 3, 4
),
hours AS (
    SELECT sign, unit_id, network, half, arrived + greatest(
        CASE WHEN lag(half) OVER by_time = half - interval '30 minutes'
            THEN lag(arrived) OVER by_time ELSE 0 END,
        CASE WHEN lead(half) OVER by_time = half + interval '30 minutes'
            THEN lead(arrived) OVER by_time ELSE 0 END
    ) AS arrived
    FROM halves WINDOW by_time AS (PARTITION BY sign, unit_id, network ORDER BY half)
),
paces AS (
    -- Up to two hours are no pace of its own.
    SELECT sign, unit_id, network, CASE
        WHEN count(*) > 4 THEN 2 * percentile_disc(0.5) WITHIN GROUP (ORDER BY arrived) ELSE 0
    END AS usual
    FROM halves GROUP BY 1, 2, 3
),
crowded AS MATERIALIZED (
    SELECT sign, unit_id, network, half
    FROM hours JOIN paces USING (sign, unit_id, network) JOIN enrolled USING (unit_id)
    WHERE arrived > usual * (SELECT pace FROM thresholds) AND arrived > heads * CASE sign
        WHEN 'burst' THEN (SELECT burst FROM thresholds)
        ELSE (SELECT thresholds.network FROM thresholds)
    END
),
"""

_DEVICES = """
by_device AS MATERIALIZED (
    SELECT * FROM networked WHERE channel = $5
),
many AS MATERIALIZED (
    SELECT unit_id, network FROM by_device JOIN enrolled USING (unit_id)
    GROUP BY unit_id, network, heads HAVING count(*) > heads * (SELECT devices FROM thresholds)
),
begun AS (
    SELECT *, answered_at - make_interval(secs => seconds) AS began,
        lag(answered_at) OVER (
            PARTITION BY unit_id, network ORDER BY answered_at, submission_id
        ) AS before
    FROM by_device WHERE seconds IS NOT NULL
),
following AS (
    SELECT *, count(*) FILTER (
        WHERE before IS NULL OR began < before OR began > before + interval '1 minute'
    ) OVER (PARTITION BY unit_id, network ORDER BY answered_at, submission_id) AS run
    FROM begun
),
successions AS (
    SELECT submission_id, count(*) OVER (PARTITION BY unit_id, network, run) AS members
    FROM following
),
"""

# How often chance makes the same answers is told by the others of the unit, without the copies;
# one more of each, so that no share is nothing.
_COPIES = """
texts AS MATERIALIZED (
    SELECT submission_id, unit_id, position, btrim(body) AS body
    FROM standing JOIN response_texts AS said USING (transaction_id, submission_id, sequence)
    WHERE said.campaign_id = $1 AND said.transaction_id
        BETWEEN (SELECT min(transaction_id) FROM standing)
        AND (SELECT max(transaction_id) FROM standing)
),
comments AS MATERIALIZED (
    SELECT unit_id, body FROM texts WHERE length(body) >= (SELECT length FROM thresholds)
    GROUP BY 1, 2
    HAVING count(DISTINCT submission_id) >= (SELECT comment FROM thresholds)
),
worded AS (
    SELECT submission_id, jsonb_object_agg(position, body)::text AS wording FROM texts GROUP BY 1
),
whole AS MATERIALIZED (
    SELECT submission_id, unit_id, answers, coalesce(numbers, '{}') AS numbers,
        coalesce(wording, '') AS wording
    FROM standing LEFT JOIN worded USING (submission_id)
    WHERE (SELECT template FROM thresholds) IS NOT NULL
),
kinds AS MATERIALIZED (
    SELECT unit_id, answers, numbers, wording, count(*) AS copies FROM whole GROUP BY 1, 2, 3, 4
),
copied AS MATERIALIZED (
    SELECT * FROM kinds WHERE copies >= (SELECT template FROM thresholds) AND (
        SELECT sum(times) - max(times) FROM (
            SELECT count(*) AS times FROM unnest($6::int[]) AS slot
            WHERE get_byte(answers, slot) > 0 GROUP BY get_byte(answers, slot)
        ) AS each_value
    ) >= (SELECT varied FROM thresholds)
),
sizes AS (
    SELECT unit_id, sum(copies) AS size FROM kinds
    WHERE unit_id IN (SELECT unit_id FROM copied) GROUP BY 1
),
shares AS (
    SELECT unit_id, slot, get_byte(answers, slot) AS value, sum(copies) AS times
    FROM kinds CROSS JOIN unnest($6::int[]) AS slot
    WHERE unit_id IN (SELECT unit_id FROM copied) GROUP BY 1, 2, 3
),
templates AS MATERIALIZED (
    SELECT unit_id, answers, numbers, wording
    FROM copied JOIN sizes USING (unit_id) CROSS JOIN unnest($6::int[]) AS asked (slot)
    JOIN shares USING (unit_id, slot)
    WHERE shares.value = get_byte(answers, slot)
    GROUP BY unit_id, answers, numbers, wording, copies, size
    HAVING copies > (SELECT beyond FROM thresholds) * size
        * exp(sum(ln((times - copies + 1)::float8 / (size - copies + 2))))
),
"""

_DIFFERING = """
signs AS (
    SELECT submission_id, 'fast' AS sign FROM quick WHERE share < (SELECT fast FROM thresholds)
    UNION ALL SELECT submission_id, 'straight' FROM straight
    UNION ALL SELECT submission_id, sign
        FROM arrivals JOIN crowded USING (sign, unit_id, network, half)
    UNION ALL SELECT submission_id, 'devices' FROM by_device JOIN many USING (unit_id, network)
    UNION ALL SELECT submission_id, 'succession' FROM successions
        WHERE members >= (SELECT succession FROM thresholds)
    UNION ALL SELECT submission_id, 'template'
        FROM whole JOIN templates USING (unit_id, answers, numbers, wording)
    UNION ALL SELECT submission_id, 'comment' FROM texts JOIN comments USING (unit_id, body)
),
judged AS (
    SELECT submission_id, bit_or(bit) AS quality
    FROM signs JOIN unnest($10::text[], $11::int[]) AS known (sign, bit) USING (sign) GROUP BY 1
)
SELECT submission_id, sequence, coalesce(judged.quality, 0) AS quality
FROM standing LEFT JOIN judged USING (submission_id)
WHERE coalesce(judged.quality, 0) <> coalesce(standing.quality, 0) AND (
    $12::int IS NULL OR sequence < 2 * $12 OR $12 > (
        SELECT count(*) FROM responses AS earlier
        WHERE earlier.campaign_id = $1 AND earlier.submission_id = standing.submission_id
        AND earlier.sign > 0 AND earlier.cause = $13
    )
)
ORDER BY transaction_id
"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose responses are judged, and by what."""

    campaign_id: int
    period: str | None
    """Whose enrolment counts."""
    population: int
    population_code: str
    layout: Layout
    thresholds: Thresholds


Change = tuple[UUID, int, int]
"""A response whose signs are others than it has: its id, its last sequence, the right signs."""


async def take_time(connection: Connection) -> None:
    """Let this transaction take as long as it takes, on one core of the server."""
    for setting in (
        _MEMORY,
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL idle_in_transaction_session_timeout = 0",
        "SET LOCAL max_parallel_workers_per_gather = 0",
    ):
        await connection.execute(setting)


async def differing(
    connection: Connection, asked: Asked, *, most_rewrites: int | None, at_once: int
) -> AsyncIterator[list[Change]]:
    """All responses whose signs are others than they have, so many at once; in a transaction.

    One whose flags were written `most_rewrites` times is passed over; None: none is.
    """
    scales: dict[tuple[str, ...], int] = {}
    places = [place for place in asked.layout.places if place.type in _SCALES]
    cursor = await connection.cursor(
        _GIVEN + _SPEED + _ARRIVALS + _DEVICES + _COPIES + _DIFFERING,
        asked.campaign_id,
        asked.population,
        json.dumps(dict(asked.thresholds)),
        list(_ONLINE),
        Channel.link,
        [place.slot for place in places],
        [scales.setdefault(place.values, len(scales)) for place in places],
        _BASES.get(asked.population_code),
        asked.period,
        [one.name for one in Doubt],
        [one.value for one in Doubt],
        most_rewrites,
        Cause.flagged,
    )
    while rows := await cursor.fetch(at_once):
        yield [tuple(row) for row in rows]


_FLAG = """
WITH former AS MATERIALIZED (
    SELECT responses.*, judged.quality AS judged
    FROM unnest($2::uuid[], $3::smallint[], $4::smallint[])
        AS judged (submission_id, sequence, quality)
    JOIN responses USING (submission_id, sequence) WHERE campaign_id = $1
),
taken_back AS (
    INSERT INTO responses (
        campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, quality, answers, numbers, cause, consent_id
    )
    SELECT
        campaign_id, submission_id, sequence + 1, -1, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, quality, answers, numbers, $5, consent_id
    FROM former ORDER BY submission_id
    -- Whose response was changed this moment waits for the next time.
    ON CONFLICT DO NOTHING RETURNING submission_id
),
flagged AS (
    INSERT INTO responses (
        campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, quality, answers, numbers, cause, consent_id
    )
    SELECT
        campaign_id, submission_id, sequence + 2, 1, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, nullif(judged, 0), answers, numbers, $5,
            consent_id
    FROM former JOIN taken_back USING (submission_id)
),
moved AS (
    UPDATE response_texts AS said
    SET transaction_id = pg_current_xact_id()::text::bigint, sequence = former.sequence + 2
    FROM former JOIN taken_back USING (submission_id)
    WHERE said.campaign_id = $1 AND said.transaction_id = former.transaction_id
    AND said.submission_id = former.submission_id AND said.sequence = former.sequence
)
SELECT count(*) FROM taken_back
"""


async def flag(connection: Connection, *, campaign_id: int, changes: Sequence[Change]) -> int:
    """Append to each of these responses that it stands with other signs; how many were."""
    ids, sequences, qualities = zip(*changes, strict=True)
    flagged: Any = await connection.fetchval(
        _FLAG, campaign_id, list(ids), list(sequences), list(qualities), Cause.flagged
    )
    return int(flagged)
