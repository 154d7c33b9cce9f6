"""URLs of exports."""

import re
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from app.access.principal import Principal, having
from app.access.problems import ScopeMissing
from app.access.turns import InTurn
from app.core import workbook
from app.core.database import Session
from app.core.preferences import has_already
from app.core.problems import NotFound, replies
from app.core.schemas import Code, Cursor, Limit, Page
from app.exports import service
from app.exports.problems import TooManyExports
from app.exports.schemas import ExportIn, ExportOut
from app.jobs.schemas import JobOut
from app.results.problems import NoRelease

router = APIRouter(prefix="/v1", tags=["exports"])

Reader = Annotated[Principal, having("responses:read", "results:exact", "results:read")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
ExportId = Annotated[UUID, Path(description="That of the job which made it.")]
_LOOK_AGAIN_SECONDS = "2"
_TYPES = {
    "xlsx": workbook.MEDIA_TYPE,
    "csv": "application/zip",
    "parquet": "application/zip",
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_UNTITLED = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|]+')
_LONGEST_TITLE = 60


@router.post(
    "/campaigns/{code}/exports",
    status_code=202,
    response_model=JobOut,
    responses={
        202: {
            "headers": {
                "Location": {"schema": {"type": "string"}, "description": "The job."},
                "Retry-After": {"schema": {"type": "string"}, "description": "In seconds."},
            }
        },
        **replies(NotFound, NoRelease, TooManyExports),
    },
)
async def make_export(
    turn: InTurn,
    code: CampaignCode,
    request: ExportIn,
    caller: Reader,
    session: Session,
    response: Response,
) -> JobOut:
    """Have a file made of responses without identities, or of results, by a job.

    The job's `result` says where the file is. The same request gets the same job while that has
    not ended.
    """
    job = await service.start(session, caller, code, request)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    response.headers["Retry-After"] = _LOOK_AGAIN_SECONDS
    return JobOut.model_validate(job)


@router.get("/exports")
async def list_exports(
    caller: Reader,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[ExportOut]:
    """List the files that this client had made, the newest first; each is kept for 7 days."""
    found, following = await service.own(session, caller, cursor=cursor, limit=limit)
    return Page[ExportOut](items=found, next=following)


@router.get("/exports/{export_id}", responses=replies(NotFound))
async def get_export(export_id: ExportId, caller: Reader, session: Session) -> ExportOut:
    """Read what a file holds, how large it is, and until when it is kept."""
    export, _ = await service.visible(session, caller, export_id)
    return export


@router.get(
    "/exports/{export_id}/file",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file. `ETag` is its digest; `Range` takes up a download again.",
            "content": dict.fromkeys(sorted(set(_TYPES.values())), _BINARY),
        },
        206: {
            "description": "The part of it that `Range` asks for.",
            "content": dict.fromkeys(sorted(set(_TYPES.values())), _BINARY),
        },
        304: {"description": "It is the one with this ETag."},
        **replies(NotFound, ScopeMissing),
    },
)
async def get_export_file(
    export_id: ExportId, caller: Reader, request: Request, session: Session
) -> Response:
    """Download a file. Each download is in the audit."""
    export, title = await service.visible(session, caller, export_id)
    etag = f'"{export.sha256[:32]}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": _attachment(export, title),
    }
    if has_already(request.headers.getlist("If-None-Match"), etag):
        return Response(status_code=304, headers=headers)
    service.note_download(session, caller, export)
    first, last, status = 0, export.size - 1, 200
    part = _part(request, etag, export.size)
    if part is not None:
        (first, last), status = part, 206
        headers["Content-Range"] = f"bytes {first}-{last}/{export.size}"
    headers["Content-Length"] = str(last - first + 1)
    pieces = service.pieces(request.app.state.database, export, first, last)
    return StreamingResponse(pieces, status, headers, media_type=_TYPES[export.format])


def _part(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """The first and last byte that are asked for; None: all, as for what cannot be met."""
    found = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if found is None or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = found[1], found[2]
    if first:
        part = int(first), min(int(last or size), size - 1)
    else:
        part = max(0, size - int(last or 0)), size - 1
    return part if part[0] <= part[1] else None


def _attachment(export: ExportOut, title: str) -> str:
    """Content-Disposition (RFC 6266): a plain name, and one with the campaign's title."""
    stem, dot, ending = export.file_name.partition(f"-{export.content}-")
    told = " ".join(_UNTITLED.sub(" ", title).split())[:_LONGEST_TITLE].strip(" .")
    titled = " ".join(filter(None, (told, f"{stem}{dot}{ending}")))
    return f"attachment; filename=\"{export.file_name}\"; filename*=UTF-8''{quote(titled, safe='')}"
