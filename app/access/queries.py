"""SQL of access."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import AuditEntry, Client, IdempotencyKey


async def client_by_client_id(session: AsyncSession, client_id: str) -> Client | None:
    """The client with this public id."""
    return await session.scalar(select(Client).where(Client.client_id == client_id))


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


async def insert_audit_entry(session: AsyncSession, entry: AuditEntry) -> None:
    """Append to the audit."""
    session.add(entry)
    await session.flush()
