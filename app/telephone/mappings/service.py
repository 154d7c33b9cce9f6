"""Rules of saved mappings: each contractor has its own, and sees no other's."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.core.problems import FieldError, InvalidInput, NotFound
from app.telephone.mappings import queries
from app.telephone.mappings.schemas import MappingIn, MappingOut
from app.telephone.tables import InterviewMapping

MAX_MAPPINGS = 100


def out(row: InterviewMapping) -> MappingOut:
    """A stored mapping as it goes out."""
    return MappingOut(code=row.code, changed_at=row.changed_at, **row.mapping)


async def own(session: AsyncSession, caller: Principal, code: str) -> InterviewMapping:
    """A mapping of the caller's. Errors: NotFound."""
    row = await queries.find(session, caller.id, code)
    if row is None:
        raise NotFound()
    return row


async def put(
    session: AsyncSession, caller: Principal, code: str, mapping: MappingIn
) -> tuple[InterviewMapping, bool]:
    """Save a mapping; with it, whether it is new. Errors: InvalidInput for one too many."""
    created = await queries.find(session, caller.id, code) is None
    if created:
        known = await queries.listed(session, caller.id, after=None, limit=MAX_MAPPINGS)
        if len(known) >= MAX_MAPPINGS:
            message = f"A client has at most {MAX_MAPPINGS} mappings: remove one first."
            raise InvalidInput(errors=[FieldError("", "too_many", message)])
    await queries.put(session, caller.id, code, mapping.model_dump(mode="json"))
    audit.record(session, caller, "interview-mapping.put", code)
    row = await own(session, caller, code)
    await session.refresh(row)
    return row, created


async def remove(session: AsyncSession, caller: Principal, code: str) -> None:
    """Remove a mapping. Errors: NotFound."""
    if not await queries.remove(session, caller.id, code):
        raise NotFound()
    audit.record(session, caller, "interview-mapping.remove", code)
