"""SQL of the demonstration: what of it is there already."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import Client
from app.campaigns.tables import Campaign
from app.core.database import Connection
from app.links.tables import InvitationBatch, Link
from app.responses.tables import Response
from app.telephone.tables import Interview
from app.units.tables import Unit

_LOCK = 0x78696E73_64656D6F  # not the one that migrations take


async def try_lock(connection: Connection) -> bool:
    """Be the only one that loads, until the connection is given back; False: another is."""
    taken: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK)
    return taken


async def client(session: AsyncSession, client_id: str) -> Any:
    """The row id of a client and the id of its unit."""
    statement = select(Client.id, Client.unit_id).where(Client.client_id == client_id)
    return (await session.execute(statement)).one()


async def first_unit(session: AsyncSession, codes: Collection[str]) -> str | None:
    """The first code of these that a unit has."""
    return await session.scalar(select(func.min(Unit.code)).where(Unit.code.in_(codes)))


async def campaign(session: AsyncSession, code: str) -> Campaign | None:
    """The campaign with this code."""
    return await session.scalar(select(Campaign).where(Campaign.code == code))


async def links(session: AsyncSession, campaign_id: int) -> dict[str, str]:
    """The code of each unit's link, by unit: the newest one, where there are several."""
    statement = select(Unit.code, Link.code).join(Link, Link.unit_id == Unit.id)
    rows = await session.execute(statement.where(Link.campaign_id == campaign_id).order_by(Link.id))
    return dict(rows.all())


async def batches(session: AsyncSession, campaign_id: int) -> dict[str, InvitationBatch]:
    """The first batch of invitations of each unit, by unit."""
    statement = select(Unit.code, InvitationBatch).join(Unit, Unit.id == InvitationBatch.unit_id)
    statement = statement.where(InvitationBatch.campaign_id == campaign_id)
    rows = await session.execute(statement.order_by(InvitationBatch.id.desc()))
    return dict(rows.all())


async def stored(
    session: AsyncSession, campaign_id: int, submission_ids: Collection[UUID]
) -> set[UUID]:
    """Which of these submissions have been stored."""
    statement = select(Response.submission_id).where(
        Response.campaign_id == campaign_id,
        Response.submission_id.in_(submission_ids),
        Response.sequence == 0,
    )
    return set(await session.scalars(statement))


async def interviewed(session: AsyncSession, campaign_id: int, interview_id: str) -> bool:
    """Whether an interview with this id has been delivered by anybody."""
    statement = select(Interview.interview_id).where(
        Interview.campaign_id == campaign_id, Interview.interview_id == interview_id
    )
    return (await session.scalars(statement.limit(1))).first() is not None
