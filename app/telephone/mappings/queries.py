"""SQL of saved mappings."""

from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.telephone.tables import InterviewMapping


async def find(session: AsyncSession, source_id: int, code: str) -> InterviewMapping | None:
    """A mapping of this source."""
    return await session.scalar(
        select(InterviewMapping).where(
            InterviewMapping.source_id == source_id, InterviewMapping.code == code
        )
    )


async def put(session: AsyncSession, source_id: int, code: str, mapping: dict[str, Any]) -> None:
    """Save a mapping, in the place of the one of this name."""
    row = insert(InterviewMapping).values(source_id=source_id, code=code, mapping=mapping)
    statement = row.on_conflict_do_update(
        index_elements=["source_id", "code"],
        set_={"mapping": row.excluded.mapping, "changed_at": func.now()},
        where=InterviewMapping.mapping != row.excluded.mapping,
    )
    await session.execute(statement)


async def remove(session: AsyncSession, source_id: int, code: str) -> bool:
    """Remove a mapping; whether there was one."""
    statement = delete(InterviewMapping).where(
        InterviewMapping.source_id == source_id, InterviewMapping.code == code
    )
    result: Any = await session.execute(statement)
    return bool(result.rowcount)


async def listed(
    session: AsyncSession, source_id: int, *, after: str | None, limit: int
) -> list[InterviewMapping]:
    """The mappings of this source in order of their codes; one more than the limit."""
    statement = select(InterviewMapping).where(InterviewMapping.source_id == source_id)
    if after is not None:
        statement = statement.where(InterviewMapping.code > after)
    return list(await session.scalars(statement.order_by(InterviewMapping.code).limit(limit + 1)))
