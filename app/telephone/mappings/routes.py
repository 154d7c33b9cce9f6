"""URLs of saved mappings."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.access.principal import Principal, having
from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.schemas import Code, Cursor, Limit, Page, from_cursor, paged
from app.telephone.mappings import queries, service
from app.telephone.mappings.schemas import MappingIn, MappingOut

router = APIRouter(prefix="/v1/interview-mappings", tags=["telephone"])

Contractor = Annotated[Principal, having("interviews:write")]
MappingCode = Annotated[Code, Path(description="Your own name for it, such as nightly.")]


@router.put("/{code}", responses={201: {"model": MappingOut}})
async def put_mapping(
    code: MappingCode,
    mapping: MappingIn,
    caller: Contractor,
    session: Session,
    response: Response,
) -> MappingOut:
    """Save how your columns and codes are to be read: 201 when it is new.

    Deliveries name it as `?mapping=`; those that were sent before keep to what it said then.
    """
    row, created = await service.put(session, caller, code, mapping)
    response.status_code = 201 if created else 200
    return service.out(row)


@router.get("/{code}", responses=replies(NotFound))
async def get_mapping(code: MappingCode, caller: Contractor, session: Session) -> MappingOut:
    """Read one of your mappings."""
    return service.out(await service.own(session, caller, code))


@router.delete("/{code}", status_code=204, responses=replies(NotFound))
async def remove_mapping(code: MappingCode, caller: Contractor, session: Session) -> None:
    """Remove one of your mappings; deliveries that wait keep to it."""
    await service.remove(session, caller, code)


@router.get("")
async def list_mappings(
    caller: Contractor,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[MappingOut]:
    """List your mappings in order of their codes."""
    rows = await queries.listed(session, caller.id, after=from_cursor(cursor), limit=limit)
    items, following = paged(rows, limit, "code")
    return Page[MappingOut](items=[service.out(row) for row in items], next=following)
