"""SQL of clients."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import Client
from app.units.tables import Unit


async def unit_id(session: AsyncSession, code: str) -> int | None:
    """The id of the unit with this code."""
    return await session.scalar(select(Unit.id).where(Unit.code == code))


async def insert_client(session: AsyncSession, **columns: Any) -> None:
    """Store a new client."""
    session.add(Client(**columns))
    await session.flush()
