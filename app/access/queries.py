"""SQL of access."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import Client, ClientSecret, IdempotencyKey, RevokedToken, Ticket

_LAST_USED_TO = timedelta(minutes=1)
"""How exactly the last use of a secret is kept: not every token is worth a write."""


def _in_force(table: type[Client] | type[ClientSecret]) -> ColumnElement[bool]:
    return table.revoked_at.is_(None) & or_(
        table.expires_at.is_(None), table.expires_at > func.now()
    )


async def client_in_force(session: AsyncSession, client_id: str) -> Client | None:
    """The client with this public id, unless it was revoked or has expired."""
    return await session.scalar(
        select(Client).where(Client.client_id == client_id, _in_force(Client))
    )


async def is_in_force(session: AsyncSession, client_id: int) -> bool:
    """Whether a client, by its internal id, was neither revoked nor has expired."""
    statement = select(exists().where(Client.id == client_id, _in_force(Client)))
    return bool(await session.scalar(statement))


async def secrets_in_force(session: AsyncSession, client_id: int) -> list[ClientSecret]:
    """The secrets of a client by which tokens can be got, the oldest first."""
    statement = select(ClientSecret).where(
        ClientSecret.client_id == client_id, _in_force(ClientSecret)
    )
    return list(await session.scalars(statement.order_by(ClientSecret.id)))


async def note_use(session: AsyncSession, secret_id: int) -> None:
    """Note that a secret was used just now."""
    before = func.now() - _LAST_USED_TO
    await session.execute(
        update(ClientSecret)
        .where(
            ClientSecret.id == secret_id,
            or_(ClientSecret.last_used_at.is_(None), ClientSecret.last_used_at < before),
        )
        .values(last_used_at=func.now())
    )


async def client_of_token(
    session: AsyncSession, client_id: str, *, secret_id: int, token_id: str
) -> Client | None:
    """The client behind a token, if it, the secret and the token are all in force."""
    return await session.scalar(
        select(Client)
        .join(ClientSecret, ClientSecret.client_id == Client.id)
        .where(
            Client.client_id == client_id,
            ClientSecret.id == secret_id,
            _in_force(Client),
            _in_force(ClientSecret),
            ~exists().where(RevokedToken.jti == token_id),
        )
    )


async def revoke_token(session: AsyncSession, token_id: str, expires_at: datetime) -> None:
    """Revoke one token; forget those that have expired by themselves."""
    await session.execute(delete(RevokedToken).where(RevokedToken.expires_at < func.now()))
    row = insert(RevokedToken).values(jti=token_id, expires_at=expires_at)
    await session.execute(row.on_conflict_do_nothing())


async def lock_idempotency_key(session: AsyncSession, client_id: int, key: str) -> bool:
    """Take the key for this transaction; False where another request holds it."""
    statement = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, :client_id))")
    return bool(await session.scalar(statement, {"key": key, "client_id": client_id}))


async def idempotency_key(
    session: AsyncSession, client_id: int, key: str, *, kept: timedelta
) -> IdempotencyKey | None:
    """What was replied under this key within the time that replies are kept."""
    return await session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.client_id == client_id,
            IdempotencyKey.key == key,
            IdempotencyKey.created_at > func.now() - kept,
        )
    )


async def insert_idempotency_key(
    session: AsyncSession, client_id: int, key: str, request_mac: bytes, reply: dict[str, Any]
) -> None:
    """Keep the reply, in the place of one that is past its time."""
    row = {"request_mac": request_mac, "reply": reply, "created_at": func.now()}
    statement = insert(IdempotencyKey).values(client_id=client_id, key=key, **row)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["client_id", "key"], set_=row)
    )


async def delete_idempotency_keys(session: AsyncSession, *, kept: timedelta) -> None:
    """Drop the replies that are past their time."""
    await session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - kept)
    )


async def insert_ticket(session: AsyncSession, ticket: Ticket) -> None:
    """Store a ticket, and drop those whose time is over."""
    await session.execute(delete(Ticket).where(Ticket.expires_at <= func.now()))
    session.add(ticket)


async def take_ticket(
    session: AsyncSession, ticket_hash: bytes, path: str
) -> dict[str, Any] | None:
    """The claims behind a ticket that is in force, which it is no more; None where none is."""
    return await session.scalar(
        delete(Ticket)
        .where(
            Ticket.ticket_hash == ticket_hash,
            Ticket.path == path,
            Ticket.expires_at > func.now(),
        )
        .returning(Ticket.claims)
    )
