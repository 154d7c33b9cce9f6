"""SQL of reconciliation: what deliveries say they held, and what is on file of it."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.access.tables import Client
from app.core.database import Connection, driver_connection
from app.responses.tables import Channel
from app.telephone.reconciliation.tables import DeliveryPlan
from app.telephone.tallies.tables import Tally
from app.units.tables import Unit

_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Scope:
    """Which deliveries to look at: of a campaign, of one source or all, received before when."""

    campaign_id: int
    source_id: int | None
    before: datetime | None


# What a long delivery files after midnight belongs to the day on which it was received. Only a
# revision above 1 can have put another one out of date, so corrections alone are looked up.
_LATEST = """
    WITH
    scoped AS NOT MATERIALIZED (
        SELECT interviews.*
        FROM interviews LEFT JOIN deliveries ON deliveries.id = interviews.delivery_id
        WHERE interviews.campaign_id = :campaign_id
        AND (CAST(:source_id AS integer) IS NULL OR interviews.source_id = :source_id)
        AND (
            CAST(:before AS timestamptz) IS NULL
            OR coalesce(deliveries.received_at, interviews.received_at) < :before
        )
    ),
    corrected AS (
        SELECT source_id, interview_id, max(revision) AS revision
        FROM scoped WHERE revision > 1 GROUP BY 1, 2
    ),
    latest AS NOT MATERIALIZED (
        SELECT scoped.* FROM scoped LEFT JOIN corrected USING (source_id, interview_id)
        WHERE corrected.revision IS NULL OR corrected.revision = scoped.revision
    ),
    lines AS NOT MATERIALIZED (
        SELECT
            latest.source_id, latest.unit_id, ended_at, interview_id, revision,
            units.code AS unit, populations.code AS population, disposition,
            to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS ended
        FROM latest
        JOIN units ON units.id = latest.unit_id
        JOIN campaign_populations AS populations ON populations.campaign_id = latest.campaign_id
        AND populations.position = latest.population
    )
"""
_KEYS = {
    "": "0",
    "day": "CAST(ended_at AT TIME ZONE 'Asia/Shanghai' AS date)",
    "unit": "unit_id",
}
_COUNTS = {
    by: text(
        _LATEST
        + "SELECT source_id, "
        + key
        + """ AS key, disposition, count(*) AS interviews,
            count(*) FILTER (WHERE status = 'already_answered') AS already_answered
        FROM latest GROUP BY 1, 2, 3
        """
    )
    for by, key in _KEYS.items()
}
# Whose interview_ids sort bytewise, their lines do: a tab comes before whatever an id may hold.
_DIGESTS = {
    by: text(
        _LATEST
        + "SELECT source_id, "
        + key
        + """ AS key, encode(sha256(convert_to(string_agg(
            concat_ws(E'\\t', interview_id, revision, unit, population, disposition, ended)
            || E'\\n', '' ORDER BY interview_id COLLATE "C"
        ), 'UTF8')), 'hex') AS digest
        FROM lines GROUP BY 1, 2
        """
    )
    for by, key in _KEYS.items()
    if by
}
# None of the values has anything that COPY would write otherwise than as it stands.
_LINES = (
    (_LATEST + "SELECT interview_id, revision, unit, population, disposition, ended FROM lines")
    .replace(":campaign_id", "$1")
    .replace(":source_id", "$2")
    .replace(":before", "$3")
) + ' ORDER BY interview_id COLLATE "C"'
_FILED = text(
    _LATEST + "SELECT source_id, delivery_id, count(*) AS revisions FROM scoped GROUP BY 1, 2"
)
_LATE = text(
    _LATEST
    + """,
    late AS NOT MATERIALIZED (
        SELECT source_id, interview_id, revision, received_at - ended_at AS lag FROM scoped
        WHERE received_at > ended_at + interval '1 day'
    ),
    delivered AS (
        SELECT source_id, lag FROM late WHERE revision = 1
        UNION ALL
        -- Corrections come late by their nature, unless they are all that ever came.
        SELECT source_id, lag FROM late
        WHERE revision > 1 AND NOT EXISTS (
            SELECT FROM scoped AS former
            WHERE former.source_id = late.source_id AND former.interview_id = late.interview_id
            AND former.revision < late.revision
        )
    )
    SELECT source_id, count(*) AS interviews, max(lag) AS longest FROM delivered GROUP BY 1
    """
)
_DELIVERIES = text("""
    SELECT id, source_id, kind, form, name, received_at, finished_at, sent,
        accepted + updated + already_answered AS stored, already_answered, replayed,
        rejected AS refused, (
            SELECT count(*) FROM refusals WHERE refusals.delivery_id = deliveries.id
        ) AS refusals
    FROM deliveries
    WHERE campaign_id = :campaign_id
    AND (CAST(:source_id AS integer) IS NULL OR source_id = :source_id)
    AND (CAST(:before AS timestamptz) IS NULL OR received_at < :before)
    ORDER BY received_at, id
""")
_REFUSED = {
    "day": text("""
        SELECT source_id, refusals.day AS key, count(*) AS refused
        FROM refusals JOIN deliveries ON deliveries.id = refusals.delivery_id
        WHERE campaign_id = :campaign_id AND deliveries.kind = 'interviews'
        AND (CAST(:source_id AS integer) IS NULL OR source_id = :source_id)
        AND (CAST(:before AS timestamptz) IS NULL OR received_at < :before)
        GROUP BY 1, 2
    """),
    "unit": text("""
        SELECT source_id, units.id AS key, count(*) AS refused
        FROM refusals JOIN deliveries ON deliveries.id = refusals.delivery_id
        JOIN campaigns ON campaigns.id = deliveries.campaign_id
        -- Whatever else stood in its place is shown to nobody.
        LEFT JOIN units ON units.code = refusals.unit AND EXISTS (
            SELECT FROM unit_ancestors
            WHERE unit_id = units.id AND ancestor_id = campaigns.region_id
        )
        WHERE campaign_id = :campaign_id AND deliveries.kind = 'interviews'
        AND (CAST(:source_id AS integer) IS NULL OR source_id = :source_id)
        AND (CAST(:before AS timestamptz) IS NULL OR received_at < :before)
        GROUP BY 1, 2
    """),
}
_ANSWERED_BEFORE = text("""
    SELECT day, count(*) AS responses, sha256(string_agg(mark, '' ORDER BY mark)) AS drawn
    FROM answered_before WHERE campaign_id = :campaign_id AND source_id = :source_id
    GROUP BY day
""")
_HOLDERS = """
    SELECT DISTINCT claims.submission_id
    FROM claims JOIN responses USING (campaign_id, submission_id)
    WHERE claims.campaign_id = $1 AND fingerprint = ANY($2) AND sequence = 0
    AND (channel <> $3 OR origin_id IS DISTINCT FROM $4)
"""
_NOTE = """
    INSERT INTO answered_before (campaign_id, source_id, mark, day)
    SELECT $1, $2, mark, $4 FROM unnest(CAST($3 AS bytea[])) AS mark
    ON CONFLICT DO NOTHING
"""


async def limit_time(session: AsyncSession) -> None:
    """Let this transaction's statements take as long as ten million interviews do."""
    await session.execute(text(f"SET LOCAL statement_timeout = '{_SECONDS}s'"))


async def _rows(session: AsyncSession, statement: Any, scope: Scope) -> list[Any]:
    parameters = {
        "campaign_id": scope.campaign_id,
        "source_id": scope.source_id,
        "before": scope.before,
    }
    return list(await session.execute(statement, parameters))


async def deliveries(session: AsyncSession, scope: Scope) -> list[Any]:
    """Deliveries in order of receipt, with their own numbers and how many `refusals` there are."""
    return await _rows(session, _DELIVERIES, scope)


async def filed(session: AsyncSession, scope: Scope) -> list[Any]:
    """How many `revisions` are on file of each delivery (None: of none)."""
    return await _rows(session, _FILED, scope)


async def counts(session: AsyncSession, scope: Scope, by: str) -> list[Any]:
    """Interviews by source, `key` and disposition, as their latest revisions have them.

    `by` is day (of `ended_at` in Asia/Shanghai), unit (its id) or nothing.
    """
    return await _rows(session, _COUNTS[by], scope)


async def digests(session: AsyncSession, scope: Scope, by: str) -> list[Any]:
    """SHA-256 over the lines of each source and `key`, in hex; `by` is day or unit."""
    return await _rows(session, _DIGESTS[by], scope)


async def refused(session: AsyncSession, scope: Scope, by: str) -> list[Any]:
    """How many interviews were refused by source and `key`; None where it was not readable."""
    return await _rows(session, _REFUSED[by], scope)


async def late(session: AsyncSession, scope: Scope) -> list[Any]:
    """How many interviews came more than a day after they ended, and after how long at most."""
    return await _rows(session, _LATE, scope)


async def digest(session: AsyncSession, scope: Scope) -> str:
    """SHA-256 over the lines of the scope's one source, in hex.

    Hashed as they come: those of ten million are more than PostgreSQL makes one value of.
    """
    connection = await driver_connection(session)
    hashed = hashlib.sha256()

    async def feed(part: bytes) -> None:
        hashed.update(part)

    await connection.copy_from_query(
        _LINES,
        scope.campaign_id,
        scope.source_id,
        scope.before,
        output=feed,
        timeout=_SECONDS,
    )
    return hashed.hexdigest()


async def units_by_id(session: AsyncSession, ids: Collection[int]) -> dict[int, Any]:
    """`code` and `name` of units, by id."""
    statement = select(Unit.id, Unit.code, Unit.name).where(Unit.id == func.any(list(ids)))
    return {row.id: row for row in await session.execute(statement)}


async def clients_by_id(session: AsyncSession, ids: Collection[int]) -> dict[int, str]:
    """The client_ids of clients, by their internal ids."""
    statement = select(Client.id, Client.client_id).where(Client.id == func.any(list(ids)))
    return {row.id: row.client_id for row in await session.execute(statement)}


async def answered_before(session: AsyncSession, campaign_id: int, source_id: int) -> list[Any]:
    """By day, how many `responses` had come before; `drawn` is 32 bytes that nobody foresees."""
    parameters = {"campaign_id": campaign_id, "source_id": source_id}
    return list(await session.execute(_ANSWERED_BEFORE, parameters))


async def holders(
    connection: Connection, campaign_id: int, source_id: int, fingerprints: Collection[bytes]
) -> list[UUID]:
    """The responses that hold these proofs, but those of the source itself."""
    rows = await connection.fetch(
        _HOLDERS, campaign_id, list(fingerprints), int(Channel.phone), source_id
    )
    return [row["submission_id"] for row in rows]


async def note_answered_before(
    connection: Connection, campaign_id: int, source_id: int, marks: Collection[bytes], day: date
) -> None:
    """Note that these had come before; once each."""
    await connection.execute(_NOTE, campaign_id, source_id, list(marks), day)


async def plans(session: AsyncSession, campaign_id: int, source_id: int | None) -> list[Any]:
    """The plans of a campaign, with the `client_id` of each contractor, in that order."""
    statement = (
        select(DeliveryPlan, Client.client_id)
        .join(Client, Client.id == DeliveryPlan.source_id)
        .where(DeliveryPlan.campaign_id == campaign_id)
        .order_by(Client.client_id)
    )
    if source_id is not None:
        statement = statement.where(DeliveryPlan.source_id == source_id)
    return list(await session.execute(statement))


async def upsert_plan(session: AsyncSession, columns: dict[str, Any]) -> bool:
    """Create or change a plan; whether it is new."""
    keys = ("campaign_id", "source_id")
    former = await session.get(DeliveryPlan, tuple(columns[name] for name in keys))
    changed = {name: value for name, value in columns.items() if name not in keys}
    statement = insert(DeliveryPlan).values(columns)
    await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))
    return former is None


async def tallies(session: AsyncSession, scope: Scope) -> list[Any]:
    """By source: batches that count, revisions that others replaced, what the live ones hold."""
    newer = aliased(Tally)
    superseded = exists().where(
        newer.campaign_id == Tally.campaign_id,
        newer.source_id == Tally.source_id,
        newer.batch == Tally.batch,
        newer.revision > Tally.revision,
    )
    if scope.before is not None:
        superseded = superseded.where(newer.received_at < scope.before)
    live = ~superseded & (Tally.rows > 0)
    statement = (
        select(
            Tally.source_id,
            func.count().filter(live).label("live"),
            func.count().filter(superseded).label("superseded"),
            func.coalesce(func.sum(Tally.rows).filter(live), 0).label("rows"),
            func.coalesce(func.sum(Tally.respondents).filter(live), 0).label("respondents"),
        )
        .where(Tally.campaign_id == scope.campaign_id)
        .group_by(Tally.source_id)
    )
    if scope.source_id is not None:
        statement = statement.where(Tally.source_id == scope.source_id)
    if scope.before is not None:
        statement = statement.where(Tally.received_at < scope.before)
    return list(await session.execute(statement))
