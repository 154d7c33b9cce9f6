"""URLs of rosters."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.access.principal import Principal, having
from app.access.turns import InTurn
from app.campaigns.problems import CampaignState
from app.core.database import Session
from app.core.problems import Malformed, NotFound, UnsupportedMediaType, replies
from app.core.schemas import MAX_ID, Code
from app.links.problems import CountyRequired, InvitationsGone, InvitationsNotAdmitted
from app.links.spreadsheet import csv_parts
from app.rosters import service
from app.rosters.importing import import_roster
from app.rosters.reading import CSV, KINDS, NDJSON, XLSX
from app.rosters.schemas import RosterOut, RosterRow
from app.units.problems import ImportRefused

router = APIRouter(prefix="/v1/campaigns/{code}/roster", tags=["links"])

Writer = Annotated[Principal, having("links:write")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
Roster = Annotated[int, Path(ge=1, le=MAX_ID, description="The roster, as its import replied.")]
_CSV_EXAMPLE = (
    "unit,population,phone,external_id,child\n"
    "S1,parent,+8613800000000,F-20391,\n"
    "S1,parent,13800000001,,2\n"
)
_LISTS = {
    "requestBody": {
        "required": True,
        "content": {
            CSV: {"schema": {"type": "string"}, "example": _CSV_EXAMPLE},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
            NDJSON: {"schema": RosterRow.model_json_schema()},
        },
    }
}
_LINKS_EXAMPLE = (
    "row,unit,population,batch,token,url,revoked\n"
    "2,S1,parent,31,AAAAHwAAAABx8Jm2kPzQw4v5n6M,"
    "https://survey.example.cn/i/AAAAHwAAAABx8Jm2kPzQw4v5n6M,false\n"
)
_COLUMNS = ("row", "unit", "population", "batch", "token", "url", "revoked")


@router.post(
    "",
    openapi_extra=_LISTS,
    responses={
        201: {"model": RosterOut},
        **replies(
            NotFound,
            CountyRequired,
            CampaignState,
            InvitationsNotAdmitted,
            ImportRefused,
            Malformed,
            UnsupportedMediaType,
        ),
    },
)
async def import_list(
    turn: InTurn,
    code: CampaignCode,
    caller: Writer,
    request: Request,
    session: Session,
    response: Response,
    dry_run: Annotated[bool, Query(description="Check and count, but change nothing.")] = False,
    callable_: Annotated[
        bool,
        Query(
            alias="callable",
            description="Keep the phones, encrypted, since a contractor will have to call them; "
            "else only keyed hashes are kept.",
        ),
    ] = False,
) -> RosterOut:
    """Import a list of people and invite each: all of it, or nothing and one error a bad row.

    The same row again makes nothing new. 201 when any is.
    """
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise UnsupportedMediaType(f"Send one of {', '.join(KINDS)}.")
    keyring = request.app.state.keyring
    body = await request.body()
    made = await import_roster(session, caller, keyring, code, kind, body, keep_phones=callable_)
    if dry_run:
        await session.rollback()
        return made.model_copy(update={"roster": None})
    response.status_code = 201 if made.created else 200
    return made


@router.get(
    "/{roster}/links.csv",
    response_class=StreamingResponse,
    responses={
        200: {"content": {CSV: {"schema": {"type": "string"}, "example": _LINKS_EXAMPLE}}},
        **replies(NotFound, CountyRequired, InvitationsGone),
    },
)
async def read_links(
    turn: InTurn,
    code: CampaignCode,
    roster: Roster,
    caller: Writer,
    request: Request,
    session: Session,
) -> StreamingResponse:
    """Read the invitations of a roster, by the number of each person's row in the list."""
    state = request.app.state
    made = await service.links_of(session, caller, state.keyring, code, roster)
    headers = {
        "Content-Disposition": f'attachment; filename="roster-{code}-{roster}.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(
        csv_parts(_cells(made, state.settings.public_url), _COLUMNS),
        headers=headers,
        media_type="text/csv; charset=utf-8",
    )


def _cells(made: Iterator[service.PersonalLink], public_url: str) -> Iterator[tuple[Any, ...]]:
    for one in made:
        revoked = str(one.revoked).lower()
        url = f"{public_url}/i/{one.token}"
        yield (str(one.row), one.unit, one.population, str(one.batch), one.token, url, revoked)
