"""SQL of the audit. Entries are written while a session commits, so by its synchronous face."""

from collections.abc import AsyncIterator, Iterator

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.access.audit.chain import Entry, Head
from app.access.tables import AuditEntry, AuditHead, ServiceKey

_PURPOSE = "audit"
_ENTRY = tuple(getattr(AuditEntry, name) for name in Entry._fields)
_KEY = select(ServiceKey.wrapped).where(ServiceKey.purpose == _PURPOSE)
_HEAD = select(AuditHead.number, AuditHead.hash, AuditHead.mac)
_UNCHAINED = select(*_ENTRY).where(AuditEntry.number.is_(None)).order_by(AuditEntry.id)


def audit_key(session: Session) -> bytes | None:
    """The audit's wrapped key, once there is one."""
    return session.scalar(_KEY)


def keep_audit_key(session: Session, wrapped: bytes) -> bytes:
    """Keep the audit's wrapped key; returns the one that another kept first, if so."""
    row = upsert(ServiceKey).values(purpose=_PURPOSE, wrapped=wrapped)
    session.execute(row.on_conflict_do_nothing())
    return session.scalars(_KEY).one()


def lock_head(session: Session) -> Head | None:
    """The end of the chain, which nobody else can move before this transaction ends."""
    row = session.execute(_HEAD.with_for_update()).one_or_none()
    return Head(*row) if row else None


def begin_chain(session: Session, head: Head) -> None:
    """Put the end of an empty chain, unless another did just now."""
    session.execute(upsert(AuditHead).values(head._asdict()).on_conflict_do_nothing())


def move_head(session: Session, head: Head) -> None:
    """Move the end of the chain."""
    session.execute(update(AuditHead).values(head._asdict()))


def unchained(session: Session) -> Iterator[Entry]:
    """The entries from before there was a chain, in order."""
    return (Entry(*row) for row in session.execute(_UNCHAINED))


def insert_entry(session: Session, number: int, chained: bytes, entry: Entry) -> None:
    """Append an entry to the chain."""
    columns = {**entry._asdict(), "number": number, "hash": chained}
    session.execute(insert(AuditEntry).values(columns))


async def read_key(session: AsyncSession) -> bytes | None:
    """The audit's wrapped key, once there is one."""
    return await session.scalar(_KEY)


async def read_head(session: AsyncSession) -> Head | None:
    """The end of the chain."""
    row = (await session.execute(_HEAD)).one_or_none()
    return Head(*row) if row else None


async def read_unchained(session: AsyncSession) -> list[Entry]:
    """The entries from before there was a chain, in order."""
    return [Entry(*row) for row in await session.execute(_UNCHAINED)]


async def read_chain(session: AsyncSession) -> AsyncIterator[tuple[int, bytes | None, Entry]]:
    """Every chained entry in order, with its number and its hash."""
    statement = (
        select(AuditEntry.number, AuditEntry.hash, *_ENTRY)
        .where(AuditEntry.number.is_not(None))
        .order_by(AuditEntry.number)
    )
    async for row in await session.stream(statement):
        yield row[0], row[1], Entry(*row[2:])
