"""SQL of clients, and of reading the audit."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import AuditEntry, Client, ClientSecret
from app.units.tables import Unit, subtree


async def unit_id(session: AsyncSession, code: str) -> int | None:
    """The id of the unit with this code."""
    return await session.scalar(select(Unit.id).where(Unit.code == code))


async def unit_code(session: AsyncSession, unit_id: int) -> str | None:
    """The code of the unit with this id."""
    return await session.scalar(select(Unit.code).where(Unit.id == unit_id))


async def insert_client(session: AsyncSession, **columns: Any) -> int:
    """Store a new client; returns its id."""
    client = Client(**columns)
    session.add(client)
    await session.flush()
    return client.id


async def insert_secret(
    session: AsyncSession, client_id: int, secret_hash: bytes, expires_at: datetime | None
) -> ClientSecret:
    """Store a new secret of a client."""
    secret = ClientSecret(client_id=client_id, secret_hash=secret_hash, expires_at=expires_at)
    session.add(secret)
    await session.flush()
    await session.refresh(secret)
    return secret


def _listed(seen_from: int | None) -> Any:
    statement: Any = select(
        Client.id,
        Client.client_id,
        Client.name,
        Client.scopes,
        Client.networks,
        Unit.code.label("unit"),
        Client.created_at,
        Client.expires_at,
        Client.revoked_at,
    ).outerjoin(Unit, Unit.id == Client.unit_id)
    if seen_from is not None:
        statement = statement.where(Client.unit_id.in_(subtree(seen_from)))
    return statement


async def list_clients(
    session: AsyncSession, *, seen_from: int | None = None, after: str | None = None, limit: int
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


async def lock_client(session: AsyncSession, client_id: int) -> None:
    """Hold a client as it is until this transaction ends."""
    await session.execute(select(Client.id).where(Client.id == client_id).with_for_update())


async def secrets_of(session: AsyncSession, clients: Collection[int]) -> list[ClientSecret]:
    """The secrets of clients, by their ids, that were not revoked; the oldest first."""
    statement = select(ClientSecret).where(
        ClientSecret.client_id.in_(clients), ClientSecret.revoked_at.is_(None)
    )
    return list(await session.scalars(statement.order_by(ClientSecret.id)))


async def revoke(session: AsyncSession, client_id: str) -> bool:
    """Revoke a client; False where it was revoked before."""
    statement = (
        update(Client)
        .where(Client.client_id == client_id, Client.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(Client.id)
    )
    return await session.scalar(statement) is not None


async def revoke_secret(session: AsyncSession, client_id: int, secret_id: int) -> bool:
    """Revoke a secret of a client; False where there is none in force."""
    statement = (
        update(ClientSecret)
        .where(
            ClientSecret.id == secret_id,
            ClientSecret.client_id == client_id,
            ClientSecret.revoked_at.is_(None),
        )
        .values(revoked_at=func.now())
        .returning(ClientSecret.id)
    )
    return await session.scalar(statement) is not None


async def set_networks(session: AsyncSession, client_id: int, networks: list[str] | None) -> None:
    """Change where a client may call from."""
    await session.execute(update(Client).where(Client.id == client_id).values(networks=networks))


async def list_audit(
    session: AsyncSession,
    *,
    seen_from: int | None,
    client_id: str | None,
    action: str | None,
    since: datetime | None,
    until: datetime | None,
    before: int | None,
    limit: int,
) -> list[Any]:
    """Audit entries, the newest first: `limit + 1` of them, so that the end shows."""
    statement = (
        select(
            AuditEntry.id,
            AuditEntry.number,
            AuditEntry.at,
            Client.client_id.label("client"),
            AuditEntry.action,
            AuditEntry.object,
            AuditEntry.detail,
            AuditEntry.address,
            AuditEntry.request_id,
        )
        .outerjoin(Client, Client.id == AuditEntry.client_id)
        .order_by(AuditEntry.id.desc())
        .limit(limit + 1)
    )
    if seen_from is not None:
        statement = statement.where(Client.unit_id.in_(subtree(seen_from)))
    if client_id is not None:
        statement = statement.where(Client.client_id == client_id)
    if action is not None:
        statement = statement.where(AuditEntry.action == action)
    if since is not None:
        statement = statement.where(AuditEntry.at >= since)
    if until is not None:
        statement = statement.where(AuditEntry.at < until)
    if before is not None:
        statement = statement.where(AuditEntry.id < before)
    return list(await session.execute(statement))
