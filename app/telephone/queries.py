"""SQL of the telephone: bare asyncpg where a delivery's thousand rows go in at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import Client
from app.core.database import Connection
from app.jobs.tables import Job
from app.telephone.tables import Delivery, DeliveryChunk, Interview, Refusal

COLUMNS = (
    "campaign_id",
    "source_id",
    "interview_id",
    "revision",
    "content_mac",
    "submission_id",
    "unit_id",
    "population",
    "disposition",
    "attempts",
    "child",
    "sample_id",
    "interviewer",
    "started_at",
    "ended_at",
    "status",
    "language",
    "recording",
    "recording_sha256",
    "calls",
    "delivery_id",
)
"""What is stored of a revision; `received_at` comes by itself."""
_NUMBERS = (
    "accepted",
    "replayed",
    "updated",
    "already_answered",
    "rejected",
    "told_updated",
)
_REFUSED = ("delivery_id", "index", "interview_id", "unit", "day", "problem", "errors")


async def client(session: AsyncSession, client_id: str) -> Client | None:
    """The client with this public id, in force or not."""
    return await session.scalar(select(Client).where(Client.client_id == client_id))


async def lock_deliveries(connection: Connection, campaign_id: int, source_id: int) -> None:
    """Let one delivery of a source to a campaign at a time go on, and none while all are held."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock_shared(hashtext('deliveries'), $1), "
        "pg_advisory_xact_lock(hashtext('interviews'), hashtext($2))",
        campaign_id,
        f"{campaign_id}/{source_id}",
    )


async def hold_deliveries(connection: Connection, campaign_id: int) -> None:
    """Let no interviews be delivered to a campaign until this transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext('deliveries'), $1)", campaign_id
    )


async def revisions(
    connection: Connection, campaign_id: int, source_id: int, interview_ids: Collection[str]
) -> list[Any]:
    """Every stored revision of these interviews of one source, in order of revision."""
    # Each looked up by itself: while the table grows faster than its statistics, the planner would
    # read all that the source ever delivered, for every thousand anew.
    rows: list[Any] = await connection.fetch(
        """
        SELECT sent.interview_id, found.revision, found.content_mac, found.status
        FROM unnest($3::text[]) AS sent (interview_id) CROSS JOIN LATERAL (
            SELECT revision, content_mac, status FROM interviews
            WHERE campaign_id = $1 AND source_id = $2 AND interview_id = sent.interview_id
            OFFSET 0
        ) AS found
        ORDER BY found.revision
        """,
        campaign_id,
        source_id,
        list(set(interview_ids)),
    )
    return rows


async def insert_interviews(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Store new revisions of interviews; each row is as `COLUMNS` has it."""
    await connection.copy_records_to_table("interviews", records=rows, columns=COLUMNS)


async def new_delivery_id(connection: Connection) -> int:
    """The id of a delivery that is about to be put on file."""
    delivery_id: int = await connection.fetchval(
        "SELECT nextval(pg_get_serial_sequence('deliveries', 'id'))"
    )
    return delivery_id


async def insert_delivery(
    connection: Connection,
    delivery_id: int,
    *,
    campaign_id: int,
    source_id: int,
    form: str,
    name: str,
) -> None:
    """Put a delivery of interviews on file, of which nothing was counted yet.

    Last of all where its items are taken in the same transaction: from here on whoever changes
    the campaign waits for its end.
    """
    await connection.execute(
        "INSERT INTO deliveries (id, campaign_id, source_id, kind, form, name) "
        "OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, 'interviews', $4, $5)",
        delivery_id,
        campaign_id,
        source_id,
        form,
        name,
    )


async def count_up(
    connection: Connection,
    delivery_id: int,
    numbers: Mapping[str, int],
    refused: Sequence[dict[str, Any]],
) -> None:
    """Add to the numbers of a delivery, and store what was refused of it.

    `numbers`: from `accepted` to `rejected`, true ones, and `told_updated`. Each row of `refused`
    has every column, `errors` as JSON.
    """
    await connection.execute(
        "UPDATE deliveries SET accepted = accepted + $2, replayed = replayed + $3, "
        "updated = updated + $4, already_answered = already_answered + $5, "
        "rejected = rejected + $6, told_updated = told_updated + $7, "
        "sent = sent + $2 + $3 + $4 + $5 + $6 WHERE id = $1",
        delivery_id,
        *(numbers.get(name, 0) for name in _NUMBERS),
    )
    if refused:
        records = [tuple(row[name] for name in _REFUSED) for row in refused]
        await connection.copy_records_to_table("refusals", records=records, columns=_REFUSED)


async def finish(connection: Connection, delivery_id: int) -> None:
    """Note that a delivery is taken to its end, and drop what waited of it."""
    await connection.execute(
        "UPDATE deliveries SET finished_at = now() WHERE id = $1 AND finished_at IS NULL",
        delivery_id,
    )
    await connection.execute("DELETE FROM delivery_chunks WHERE delivery_id = $1", delivery_id)


async def insert_chunks(
    connection: Connection, delivery_id: int, job_id: UUID, chunks: Iterable[bytes]
) -> None:
    """Keep the sealed chunks of a delivery for its job."""
    await connection.execute("UPDATE deliveries SET job_id = $2 WHERE id = $1", delivery_id, job_id)
    for number, sealed in enumerate(chunks):
        await connection.execute(
            "INSERT INTO delivery_chunks (delivery_id, number, sealed) VALUES ($1, $2, $3)",
            delivery_id,
            number,
            sealed,
        )


async def chunk(session: AsyncSession, delivery_id: int, number: int) -> bytes | None:
    """A chunk of a delivery that waits."""
    return await session.scalar(
        select(DeliveryChunk.sealed).where(
            DeliveryChunk.delivery_id == delivery_id, DeliveryChunk.number == number
        )
    )


async def forget_left_chunks(session: AsyncSession) -> None:
    """Drop what waited for jobs that failed or are gone."""
    left = (
        select(Delivery.id)
        .outerjoin(Job, Job.id == Delivery.job_id)
        .where(
            Delivery.id.in_(select(DeliveryChunk.delivery_id)),
            or_(Job.id.is_(None), Job.state.in_(("done", "failed"))),
        )
    )
    await session.execute(delete(DeliveryChunk).where(DeliveryChunk.delivery_id.in_(left)))


async def delivery(session: AsyncSession, delivery_id: int, source_id: int) -> Delivery | None:
    """A delivery of interviews of this source, to whatever campaign."""
    return await session.scalar(
        select(Delivery).where(
            Delivery.id == delivery_id,
            Delivery.source_id == source_id,
            Delivery.kind == "interviews",
        )
    )


async def refusals(
    session: AsyncSession, delivery_id: int, *, after: int | None, limit: int
) -> list[Refusal]:
    """What was refused of a delivery, in its order; one more than the limit."""
    statement = select(Refusal).where(Refusal.delivery_id == delivery_id)
    if after is not None:
        statement = statement.where(Refusal.index > after)
    return list(await session.scalars(statement.order_by(Refusal.index).limit(limit + 1)))


async def history(
    session: AsyncSession, campaign_id: int, source_id: int, interview_id: str
) -> list[Interview]:
    """The revisions of an interview of this source, the first one first."""
    statement = select(Interview).where(
        Interview.campaign_id == campaign_id,
        Interview.source_id == source_id,
        Interview.interview_id == interview_id,
    )
    return list(await session.scalars(statement.order_by(Interview.revision)))
