"""SQL of exports: reading responses, keeping files, and what waits."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import Client
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.database import Connection
from app.exports.tables import Export, ExportChunk
from app.jobs.tables import Job
from app.units.tables import subtree

# As the sums of signs have it: the last row of a response that stands.
_COUNTED = """
    responses.campaign_id = $1 AND population = $2 AND sign > 0
    AND responses.unit_id IN (SELECT unit_id FROM unit_ancestors WHERE ancestor_id = $3)
    AND ($4::smallint IS NULL OR channel = $4)
    AND (NOT $5::boolean OR quality IS NULL)
    AND NOT EXISTS (
        SELECT FROM responses AS later
        WHERE later.campaign_id = $1 AND later.sequence > 0
        AND later.submission_id = responses.submission_id AND later.sequence > responses.sequence
    )
"""
_COUNT = f"SELECT count(*) FROM responses WHERE {_COUNTED}"
_DAY = f"(answered_at AT TIME ZONE '{clock.SHANGHAI.key}')::date"
# Found together, whatever transactions a restore has put them into.
_TEXTS = """
    LEFT JOIN (
        SELECT transaction_id, submission_id, sequence,
            array_agg(position) AS positions, array_agg(body) AS bodies
        FROM response_texts WHERE campaign_id = $1 GROUP BY 1, 2, 3
    ) AS said USING (transaction_id, submission_id, sequence)
"""
_NO_TEXTS = """
    CROSS JOIN (SELECT NULL::smallint[] AS positions, NULL::text[] AS bodies) AS said
"""
# Neither the order of arrival nor the ids show: the key is thrown away.
_ROWS = f"""
    SELECT responses.unit_id, channel, {_DAY} AS day, locale, quality, seconds, answers, numbers,
        positions, bodies
    FROM responses JOIN units ON units.id = responses.unit_id {{texts}}
    WHERE {_COUNTED}
    ORDER BY 3, units.code COLLATE "C", sha256($6::bytea || uuid_send(submission_id))
"""
_UNITS = text("""
    WITH within AS MATERIALIZED (SELECT unit_id FROM unit_ancestors WHERE ancestor_id = :root)
    SELECT units.id, units.code, units.name, county.code AS county, county.name AS county_name
    FROM within JOIN units ON units.id = within.unit_id
    LEFT JOIN LATERAL (
        SELECT above.code, above.name FROM unit_ancestors AS line
        JOIN units AS above ON above.id = line.ancestor_id AND above.kind = 'county'
        WHERE line.unit_id = units.id AND above.id IN (SELECT unit_id FROM within)
        ORDER BY line.depth LIMIT 1
    ) AS county ON true
    ORDER BY units.code COLLATE "C"
""")

Chosen = tuple[int, int, int, int | None, bool]
"""Which responses: campaign, population, the root of the units, the channel, only clean ones."""


async def units(session: AsyncSession, root_id: int) -> list[Any]:
    """A unit and all below it, in order of their codes: `id`, `code`, `name`, and `county` and
    `county_name` where that lies within, too."""
    return list(await session.execute(_UNITS, {"root": root_id}))


async def count(connection: Connection, chosen: Chosen) -> int:
    """How many responses there are."""
    return int(await connection.fetchval(_COUNT, *chosen))


async def responses(
    connection: Connection, chosen: Chosen, *, key: bytes, with_texts: bool, at_once: int
) -> AsyncGenerator[Sequence[Any], None]:
    """Counted responses by day and unit, and in the order of a keyed hash; some at a time."""
    statement = _ROWS.format(texts=_TEXTS if with_texts else _NO_TEXTS)
    cursor = await connection.cursor(statement, *chosen, key)
    while rows := await cursor.fetch(at_once):
        yield rows


async def lock_client(session: AsyncSession, client_id: int) -> None:
    """Let one request at a time ask for exports of a client."""
    key = select(func.pg_advisory_xact_lock(func.hashtextextended("exports", client_id)))
    await session.execute(key)


async def unfinished(session: AsyncSession, client_id: int, kind: str) -> list[Job]:
    """A client's jobs of a kind that have not ended."""
    statement = select(Job).where(
        Job.client_id == client_id, Job.kind == kind, Job.finished_at.is_(None)
    )
    return list(await session.scalars(statement))


async def held(session: AsyncSession, campaign_id: int) -> Campaign:
    """The campaign as it is, which nobody changes before this transaction ends."""
    statement = select(Campaign).where(Campaign.id == campaign_id)
    locked = statement.with_for_update(read=True, key_share=True)
    return (await session.scalars(locked.execution_options(populate_existing=True))).one()


async def keep(session: AsyncSession, export: dict[str, Any]) -> None:
    """Keep a file, whose chunks follow; in place of one that the same job made before."""
    await session.execute(delete(Export).where(Export.id == export["id"]))
    await session.execute(insert(Export), export)


async def keep_chunk(session: AsyncSession, export_id: UUID, number: int, body: bytes) -> None:
    """Keep a piece of a file."""
    await session.execute(
        insert(ExportChunk), {"export_id": export_id, "number": number, "body": body}
    )


async def forget_all_but(session: AsyncSession, client_id: int, *, most: int) -> None:
    """Forget a client's files but the newest ones."""
    newest = select(Export.id).where(Export.client_id == client_id)
    beyond = newest.order_by(Export.made_at.desc(), Export.id.desc()).offset(most)
    await session.execute(delete(Export).where(Export.id.in_(beyond)))


async def forget_expired(session: AsyncSession) -> None:
    """Forget the files whose time is over."""
    await session.execute(delete(Export).where(Export.expires_at <= func.now()))


async def export_seen(
    session: AsyncSession, export_id: UUID, *, client_id: int, admin: bool, seen_from: int | None
) -> Any | None:
    """An export and its campaign's code and title, if this client had it made, or is an admin
    above the client that did."""
    visible = Export.client_id == client_id
    if admin:
        below = select(Client.id)
        if seen_from is not None:
            below = below.where(Client.unit_id.in_(subtree(seen_from)))
        visible = or_(visible, Export.client_id.in_(below))
    statement = _kept().where(Export.id == export_id, visible)
    return (await session.execute(statement)).one_or_none()


async def exports_of(
    session: AsyncSession, client_id: int, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Any]:
    """What a client had made, the newest first; one more than `limit` where there is more."""
    statement = _kept().where(Export.client_id == client_id)
    if before is not None:
        statement = statement.where(tuple_(Export.made_at, Export.id) < tuple_(*before))
    newest = statement.order_by(Export.made_at.desc(), Export.id.desc())
    return list(await session.execute(newest.limit(limit + 1)))


def _kept() -> Any:
    return (
        select(Export, Campaign.code, Campaign.title)
        .join(Campaign, Campaign.id == Export.campaign_id)
        .where(Export.expires_at > func.now())
    )


async def chunk(session: AsyncSession, export_id: UUID, number: int) -> bytes | None:
    """A piece of a file; None once it is forgotten."""
    statement = select(ExportChunk.body).where(
        ExportChunk.export_id == export_id, ExportChunk.number == number
    )
    return await session.scalar(statement)
