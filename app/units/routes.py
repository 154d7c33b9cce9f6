"""URLs of units."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.access.principal import Caller, Principal, having
from app.access.turns import InTurn
from app.core import workbook
from app.core.database import Session
from app.core.problems import Malformed, NotFound, UnsupportedMediaType, replies
from app.core.schemas import Code, Cursor, Limit, Page, from_cursor, paged
from app.units import queries, service, spreadsheet
from app.units.importing import import_units
from app.units.problems import ImportRefused
from app.units.schemas import (
    EnrolmentIn,
    EnrolmentOut,
    ImportOut,
    Kind,
    UnitDetail,
    UnitIn,
    UnitOut,
)
from app.units.tables import Unit

router = APIRouter(prefix="/v1/units", tags=["units"])

Writer = Annotated[Principal, having("units:write")]
UnitCode = Annotated[Code, Path(description="The unit's code, such as 370702 or a school's own.")]
_CSV, _XLSX = "text/csv", workbook.MEDIA_TYPE
_FILES = {
    "requestBody": {
        "required": True,
        "content": {
            _CSV: {"schema": {"type": "string"}},
            _XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


async def _detail(session: Session, unit: Unit) -> UnitDetail:
    return UnitDetail(
        code=unit.code,
        name=unit.name,
        kind=unit.kind,
        parent=await queries.parent_code(session, unit),
        stage=unit.stage,
        residents=unit.residents,
        enrolment=[
            EnrolmentOut.model_validate(row)
            for row in await queries.enrolments_of(session, [unit.id])
        ],
    )


@router.post(
    "/import",
    openapi_extra=_FILES,
    responses=replies(ImportRefused, Malformed, UnsupportedMediaType),
)
async def import_file(
    turn: InTurn,
    caller: Writer,
    request: Request,
    session: Session,
    dry_run: Annotated[bool, Query(description="Check and count, but change nothing.")] = False,
) -> ImportOut:
    """Import a unit list from CSV or XLSX: all of it, or nothing and one error a bad row."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in (_CSV, _XLSX):
        raise UnsupportedMediaType(f"Send {_CSV} or {_XLSX}.")
    read = spreadsheet.read_csv if kind == _CSV else spreadsheet.read_xlsx
    counted = await import_units(session, caller, read(await request.body()))
    if dry_run:
        await session.rollback()
    return counted


@router.put("/{code}", responses={201: {"model": UnitDetail}, **replies(NotFound)})
async def put_unit(
    code: UnitCode, unit: UnitIn, caller: Writer, session: Session, response: Response
) -> UnitDetail:
    """Create or change a unit: 201 when it is new."""
    stored, created = await service.put(session, caller, code, unit)
    response.status_code = 201 if created else 200
    return await _detail(session, stored)


@router.put("/{code}/enrolment", responses={201: {"model": EnrolmentOut}, **replies(NotFound)})
async def put_enrolment(
    code: UnitCode, enrolment: EnrolmentIn, caller: Writer, session: Session, response: Response
) -> EnrolmentOut:
    """Create or change a unit's enrolment in one period: 201 when it is new."""
    created = await service.put_enrolment(session, caller, code, enrolment)
    response.status_code = 201 if created else 200
    return EnrolmentOut(**enrolment.model_dump())


@router.get("/{code}", responses=replies(NotFound))
async def get_unit(code: UnitCode, caller: Caller, session: Session) -> UnitDetail:
    """Read one unit and its enrolment."""
    return await _detail(session, await service.visible(session, caller, code))


@router.get("", responses=replies(NotFound))
async def list_units(
    caller: Caller,
    session: Session,
    within: Annotated[Code | None, Query(description="Only this unit and all below it.")] = None,
    kind: Annotated[Kind | None, Query(description="Only units of this kind.")] = None,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[UnitOut]:
    """List units in order of their codes."""
    root = await service.visible(session, caller, within) if within else None
    rows = await queries.list_units(
        session,
        seen_from=caller.unit_id,
        within=root.id if root else None,
        kind=kind,
        after=from_cursor(cursor),
        limit=limit,
    )
    items, following = paged(rows, limit, "code")
    return Page[UnitOut](items=[UnitOut.model_validate(row) for row in items], next=following)
