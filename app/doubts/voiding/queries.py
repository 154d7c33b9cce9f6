"""SQL of voiding: what came through a link or batch, taken out of the count and put back."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.access.tables import Client
from app.campaigns.tables import CampaignKey, CampaignPopulation
from app.core.database import Connection
from app.doubts.tables import Void
from app.links.tables import InvitationBatch, Link
from app.responses.tables import Cause, Channel
from app.units.tables import Unit, subtree

Row = tuple[UUID, int]
"""A response and its last sequence."""

# What came through an origin and still is as it was left: counted, or voided.
_THROUGH = """
    SELECT submission_id, sequence FROM responses
    WHERE campaign_id = $1 AND origin_id = $2 AND channel = ANY ($3::smallint[])
    AND sign = $4 AND ($4 > 0 OR cause = $5) AND NOT EXISTS (
        SELECT FROM responses AS later
        WHERE later.campaign_id = $1 AND later.sequence > 0
        AND later.submission_id = responses.submission_id AND later.sequence > responses.sequence
    )
    ORDER BY transaction_id
"""

# Claims are locked before the ledger is written, as by everybody, and in the same order.
_VOID = """
WITH former AS MATERIALIZED (
    SELECT responses.* FROM unnest($2::uuid[], $3::smallint[]) AS wanted (submission_id, sequence)
    JOIN responses USING (submission_id, sequence)
    -- Said twice, so that it is looked up by key whatever the planner thinks of their number.
    WHERE campaign_id = $1 AND submission_id = ANY ($2::uuid[])
),
held AS MATERIALIZED (
    SELECT fingerprint, submission_id, network FROM claims
    WHERE campaign_id = $1 AND submission_id = ANY ($2::uuid[]) AND transaction_id >> 4 = ANY (
        ARRAY(
            SELECT transaction_id >> 4 FROM responses
            WHERE campaign_id = $1 AND submission_id = ANY ($2::uuid[])
        )
    )
    ORDER BY fingerprint FOR UPDATE
),
voided AS (
    INSERT INTO responses (
        campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, quality, answers, numbers, cause, consent_id
    )
    SELECT
        campaign_id, submission_id, sequence + 1, -1, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, quality, answers, numbers, $4, consent_id
    FROM former, (SELECT count(*) FROM held) AS locked
    ORDER BY submission_id
    -- What was withdrawn or flagged this moment is looked at again.
    ON CONFLICT DO NOTHING RETURNING submission_id
),
freed AS (
    DELETE FROM claims USING held JOIN voided USING (submission_id)
    WHERE claims.campaign_id = $1 AND claims.fingerprint = held.fingerprint
    AND claims.submission_id = held.submission_id
    RETURNING claims.fingerprint, claims.submission_id, claims.network
),
kept AS (
    INSERT INTO voided_claims (campaign_id, submission_id, fingerprint, network)
    SELECT $1, submission_id, fingerprint, network FROM freed
)
SELECT count(*) FROM voided
"""

# Whose person has answered again stays voided. Where that happens this moment, the division
# fails the statement as a whole.
_RESTORE = """
WITH former AS MATERIALIZED (
    SELECT responses.* FROM unnest($2::uuid[], $3::smallint[]) AS wanted (submission_id, sequence)
    JOIN responses USING (submission_id, sequence)
    WHERE campaign_id = $1 AND submission_id = ANY ($2::uuid[])
    AND sign < 0 AND cause = $4 AND NOT EXISTS (
        SELECT FROM responses AS later
        WHERE later.campaign_id = $1 AND later.submission_id = responses.submission_id
        AND later.sequence > responses.sequence
    )
),
held AS MATERIALIZED (
    SELECT voided_claims.* FROM voided_claims JOIN former USING (campaign_id, submission_id)
    WHERE campaign_id = $1 AND submission_id = ANY ($2::uuid[])
),
taken AS MATERIALIZED (
    SELECT DISTINCT held.submission_id FROM held JOIN claims USING (campaign_id, fingerprint)
),
free AS MATERIALIZED (
    SELECT * FROM held WHERE submission_id NOT IN (SELECT submission_id FROM taken)
),
claimed AS (
    INSERT INTO claims (campaign_id, fingerprint, submission_id, network)
    SELECT campaign_id, fingerprint, submission_id, network FROM free ORDER BY 1, 2
    ON CONFLICT DO NOTHING RETURNING 1
),
restored AS (
    INSERT INTO responses (
        campaign_id, submission_id, sequence, sign, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, quality, answers, numbers, cause, consent_id
    )
    SELECT
        campaign_id, submission_id, sequence + 1, 1, unit_id, population, channel, origin_id,
        answered_at, seconds, locale, quality, answers, numbers, $5, consent_id
    FROM former
    WHERE submission_id NOT IN (SELECT submission_id FROM taken)
    AND 1 / ((SELECT count(*) FROM claimed) = (SELECT count(*) FROM free))::int = 1
    ORDER BY submission_id
    RETURNING submission_id, sequence
),
moved AS (
    UPDATE response_texts AS said
    SET transaction_id = pg_current_xact_id()::text::bigint, sequence = restored.sequence
    FROM restored JOIN responses AS worded ON worded.campaign_id = $1
        AND worded.submission_id = restored.submission_id
        AND worded.sequence = restored.sequence - 2
    WHERE said.campaign_id = $1 AND said.transaction_id = worded.transaction_id
    AND said.submission_id = worded.submission_id AND said.sequence = worded.sequence
),
gone AS (
    DELETE FROM voided_claims USING restored
    WHERE voided_claims.campaign_id = $1 AND voided_claims.submission_id = ANY ($2::uuid[])
    AND voided_claims.submission_id = restored.submission_id
)
SELECT count(*) FROM restored
"""

_LEFT = """
    SELECT
        count(*) FILTER (WHERE last.sign < 0 AND last.cause = $4) AS answered_again,
        -- Withdrawn while it was voided: its voiding lies two rows before.
        count(*) FILTER (WHERE last.sign < 0 AND last.cause = $5 AND EXISTS (
            SELECT FROM responses AS voided
            WHERE voided.campaign_id = $1 AND voided.submission_id = last.submission_id
            AND voided.sequence = last.sequence - 2 AND voided.cause = $4
        )) AS withdrawn
    FROM responses AS last
    WHERE campaign_id = $1 AND origin_id = $2 AND channel = ANY ($3::smallint[])
    AND sequence > 0 AND NOT EXISTS (
        SELECT FROM responses AS later
        WHERE later.campaign_id = $1 AND later.sequence > 0
        AND later.submission_id = last.submission_id AND later.sequence > last.sequence
    )
"""


def origin_of(void: Void) -> tuple[int, list[int]]:
    """What its responses came through, as they store it: the origin, and the channels."""
    if void.link_id is not None:
        return void.link_id, [Channel.link, Channel.wechat]
    assert void.batch_id is not None
    return void.batch_id, [Channel.invitation]


async def wait_for_answers(session: AsyncSession) -> None:
    """Wait until all that are being stored are; who is stored later sees what was committed.

    An answer's statement takes its locks before it looks at the campaign. Errors:
    LockNotAvailableError, since nobody may have to wait behind this.
    """
    await session.execute(text("LOCK TABLE claims IN SHARE MODE"))


async def through(connection: Connection, void: Void, *, at_once: int) -> AsyncIterator[list[Row]]:
    """What came through and counts; of a void that was taken back, what is still voided.

    So many at once; in a transaction.
    """
    origin_id, channels = origin_of(void)
    cursor = await connection.cursor(
        _THROUGH,
        void.campaign_id,
        origin_id,
        channels,
        1 if void.restored_at is None else -1,
        Cause.voided,
    )
    while rows := await cursor.fetch(at_once):
        yield [tuple(row) for row in rows]


async def hold(connection: Connection, void: Void) -> bool:
    """Keep a void and its campaign's claims from being erased until this transaction ends.

    False where it is another void by now, or nothing can be restored since claims were erased.
    """
    found = await connection.fetchval(
        "SELECT restored_at IS NULL FROM voids WHERE id = $1 FOR UPDATE", void.id
    )
    has_key = await connection.fetchval(
        "SELECT true FROM campaign_keys WHERE campaign_id = $1 AND purpose = 'identity' FOR SHARE",
        void.campaign_id,
    )
    same: bool = found is (void.restored_at is None)
    return same and (void.restored_at is None or has_key is not None)


async def take_out(connection: Connection, void: Void, rows: Sequence[Row]) -> int:
    """Take these out of the count and free their persons; how many were."""
    ids, sequences = zip(*rows, strict=True)
    done: int = await connection.fetchval(
        _VOID, void.campaign_id, list(ids), list(sequences), Cause.voided
    )
    await connection.execute(
        "UPDATE voids SET responses = responses + $2 WHERE id = $1", void.id, done
    )
    return done


async def put_back(connection: Connection, void: Void, rows: Sequence[Row]) -> int:
    """Count these again whose persons have not answered otherwise; how many are.

    Errors: DivisionByZeroError, UniqueViolationError where one of them is changed this moment.
    """
    ids, sequences = zip(*rows, strict=True)
    done: int = await connection.fetchval(
        _RESTORE, void.campaign_id, list(ids), list(sequences), Cause.voided, Cause.restored
    )
    await connection.execute(
        "UPDATE voids SET restored = restored + $2 WHERE id = $1", void.id, done
    )
    return done


async def settle(connection: Connection, void: Void) -> bool:
    """Note that nothing is left to do, and what could not be restored; False where it is another
    void by now, or settled before."""
    if not await hold(connection, void) and void.restored_at is None:
        return False
    left = {"answered_again": 0, "withdrawn": 0}
    if void.restored_at is not None:
        origin_id, channels = origin_of(void)
        left = await connection.fetchrow(
            _LEFT, void.campaign_id, origin_id, channels, Cause.voided, Cause.withdrawn
        )
    changed = await connection.fetchval(
        """
        UPDATE voids SET settled = true, answered_again = $2, withdrawn = $3
        WHERE id = $1 AND NOT settled AND (restored_at IS NULL) = $4 RETURNING true
        """,
        void.id,
        left["answered_again"],
        left["withdrawn"],
        void.restored_at is None,
    )
    return bool(changed)


async def in_force(
    session: AsyncSession, *, link_id: int | None = None, batch_id: int | None = None
) -> Void | None:
    """The void of a link or batch that was not taken back."""
    column = Void.link_id if link_id is not None else Void.batch_id
    origin_id = link_id if link_id is not None else batch_id
    return await session.scalar(select(Void).where(column == origin_id, Void.restored_at.is_(None)))


async def latest(
    session: AsyncSession, *, link_id: int | None = None, batch_id: int | None = None
) -> Void | None:
    """The last void of a link or batch, taken back or not."""
    column = Void.link_id if link_id is not None else Void.batch_id
    origin_id = link_id if link_id is not None else batch_id
    statement = select(Void).where(column == origin_id).order_by(Void.id.desc()).limit(1)
    return await session.scalar(statement)


async def insert_void(session: AsyncSession, **columns: Any) -> Void:
    """Store a new void."""
    void = Void(**columns)
    session.add(void)
    await session.flush()
    return void


async def take_back(session: AsyncSession, void_id: int, *, reason: str, by: int | None) -> None:
    """Note that a void was taken back, which is still to be carried out."""
    await session.execute(
        update(Void)
        .where(Void.id == void_id)
        .values(restore_reason=reason, restored_by=by, restored_at=func.now(), settled=False)
    )


async def begin_again(session: AsyncSession, void_id: int) -> None:
    """Note that a void is to be looked at again."""
    await session.execute(update(Void).where(Void.id == void_id).values(settled=False))


async def has_key(session: AsyncSession, campaign_id: int) -> bool:
    """Whether a campaign's identity key, and with it its claims, are there."""
    return await session.get(CampaignKey, (campaign_id, "identity")) is not None


async def unsettled(session: AsyncSession) -> list[int]:
    """The ids of voids that are not carried out to the end."""
    return list(await session.scalars(select(Void.id).where(~Void.settled).order_by(Void.id)))


async def void_by_id(session: AsyncSession, void_id: int) -> Void:
    """The void with this id, which there is, as it stands now."""
    return await session.get_one(Void, void_id, populate_existing=True)


async def list_voids(
    session: AsyncSession,
    campaign_id: int,
    *,
    seen_from: int | None,
    after: int = 0,
    only: int | None = None,
    limit: int = 1,
) -> list[Any]:
    """A campaign's voids within a subtree as `VoidOut` shows them, oldest first: `limit + 1`, so
    that the end shows."""
    unit_id = func.coalesce(Link.unit_id, InvitationBatch.unit_id)
    position = func.coalesce(Link.population, InvitationBatch.population)
    restorer = aliased(Client)
    statement = (
        select(
            *Void.__table__.columns,
            Link.code.label("link"),
            Unit.code.label("unit"),
            CampaignPopulation.code.label("population"),
            Client.client_id.label("voided_by_client"),
            restorer.client_id.label("restored_by_client"),
        )
        .outerjoin(Link, Link.id == Void.link_id)
        .outerjoin(InvitationBatch, InvitationBatch.id == Void.batch_id)
        .join(Unit, Unit.id == unit_id)
        .join(
            CampaignPopulation,
            (CampaignPopulation.campaign_id == Void.campaign_id)
            & (CampaignPopulation.position == position),
        )
        .outerjoin(Client, Client.id == Void.client_id)
        .outerjoin(restorer, restorer.id == Void.restored_by)
        .where(Void.campaign_id == campaign_id, Void.id > after)
        .order_by(Void.id)
        .limit(limit + 1)
    )
    if only is not None:
        statement = statement.where(Void.id == only)
    if seen_from is not None:
        statement = statement.where(Unit.id.in_(subtree(seen_from)))
    return list(await session.execute(statement))
