"""SQL of clients."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import Client
from app.units.tables import Unit, subtree


async def unit_id(session: AsyncSession, code: str) -> int | None:
    """The id of the unit with this code."""
    return await session.scalar(select(Unit.id).where(Unit.code == code))


async def unit_code(session: AsyncSession, unit_id: int) -> str | None:
    """The code of the unit with this id."""
    return await session.scalar(select(Unit.code).where(Unit.id == unit_id))


async def insert_client(session: AsyncSession, **columns: Any) -> None:
    """Store a new client."""
    session.add(Client(**columns))
    await session.flush()


def _listed(
    seen_from: int | None,
) -> Select[str, str, list[str], str, datetime, datetime | None]:
    statement = select(
        Client.client_id,
        Client.name,
        Client.scopes,
        Unit.code.label("unit"),
        Client.created_at,
        Client.revoked_at,
    ).outerjoin(Unit, Unit.id == Client.unit_id)
    if seen_from is not None:
        statement = statement.where(Client.unit_id.in_(subtree(seen_from)))
    return statement


async def list_clients(
    session: AsyncSession, *, seen_from: int | None, after: str | None, limit: int
) -> list[Any]:
    """Clients in order of their ids: `limit + 1` of them, so that the end shows."""
    statement = _listed(seen_from).order_by(Client.client_id).limit(limit + 1)
    if after is not None:
        statement = statement.where(Client.client_id > after)
    return list(await session.execute(statement))


async def client(session: AsyncSession, client_id: str, *, seen_from: int | None) -> Any | None:
    """One client, if it lies within the subtree of `seen_from` (None: anywhere)."""
    statement = _listed(seen_from).where(Client.client_id == client_id)
    return (await session.execute(statement)).one_or_none()


async def revoke(session: AsyncSession, client_id: str) -> bool:
    """Revoke a client; False where it was revoked before."""
    statement = (
        update(Client)
        .where(Client.client_id == client_id, Client.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(Client.id)
    )
    return await session.scalar(statement) is not None
