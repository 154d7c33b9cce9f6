"""URLs of questionnaires."""

import asyncio
import json
from typing import Annotated

from fastapi import APIRouter, Depends, File, Path, Query, Request, Response, UploadFile

from app.access.principal import Caller, Principal, having
from app.access.turns import InTurn
from app.core import workbook
from app.core.database import Session
from app.core.problems import Malformed, NotFound, UnsupportedMediaType, replies
from app.core.schemas import Code, Cursor, Limit, Page, from_cursor, paged
from app.questionnaires import json_schema, queries, service
from app.questionnaires.differences import DiffOut, diff
from app.questionnaires.problems import (
    NotOwner,
    QuestionnaireRefused,
    XlsformNotWritable,
    XlsformRefused,
)
from app.questionnaires.schemas import (
    PreviewIn,
    PreviewOut,
    Published,
    QuestionnaireIn,
    QuestionnaireItem,
    QuestionnaireOut,
    VersionNumber,
)
from app.questionnaires.tables import Questionnaire, QuestionnaireVersion
from app.questionnaires.xlsform.reading import draft_of
from app.questionnaires.xlsform.report import XlsformOut
from app.questionnaires.xlsform.writing import xlsform_of

router = APIRouter(prefix="/v1/questionnaires", tags=["questionnaires"])

schema_router = APIRouter(tags=["questionnaires"])

Writer = Annotated[Principal, having("questionnaires:write")]
QuestionnaireCode = Annotated[
    Code, Path(description="The questionnaire's code, such as satisfaction-six.")
]
_SCHEMA = "application/schema+json"
_XLSX = workbook.MEDIA_TYPE


def _of_parts(request: Request) -> None:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise UnsupportedMediaType("Send multipart/form-data with the XLSForm in the part `file`.")


async def _shown(
    session: Session, questionnaire: Questionnaire, version: QuestionnaireVersion | None = None
) -> QuestionnaireOut:
    return QuestionnaireOut(
        code=questionnaire.code,
        unit=await queries.owner_code(session, questionnaire),
        version=version.version if version else None,
        versions=await queries.version_numbers(session, questionnaire.id),
        **(version.definition if version else questionnaire.draft),
    )


@router.put("/{code}", responses={201: {"model": QuestionnaireOut}, **replies(NotFound, NotOwner)})
async def put_questionnaire(
    code: QuestionnaireCode,
    draft: QuestionnaireIn,
    caller: Writer,
    session: Session,
    response: Response,
) -> QuestionnaireOut:
    """Create a questionnaire or change its draft: 201 when it is new."""
    stored, created = await service.put(session, caller, code, draft)
    response.status_code = 201 if created else 200
    return await _shown(session, stored)


@router.post(
    "/{code}/publish",
    responses={201: {"model": Published}, **replies(NotFound, NotOwner, QuestionnaireRefused)},
)
async def publish_questionnaire(
    code: QuestionnaireCode, caller: Writer, session: Session, response: Response
) -> Published:
    """Freeze the draft as the next version: 200 when it is the latest version already."""
    version, created = await service.publish(session, caller, code)
    response.status_code = 201 if created else 200
    return version


@router.post(
    "/{code}/xlsform",
    responses={
        201: {"model": XlsformOut},
        **replies(NotFound, NotOwner, XlsformRefused, Malformed, UnsupportedMediaType),
    },
)
async def post_xlsform(
    code: QuestionnaireCode,
    turn: InTurn,
    caller: Writer,
    of_parts: Annotated[None, Depends(_of_parts)],
    file: Annotated[UploadFile, File(description="An .xlsx file of at most 1 MB.")],
    session: Session,
    response: Response,
) -> XlsformOut:
    """Make the draft from an XLSForm and report what could not be taken: 201 when it is new."""
    taken = await asyncio.to_thread(draft_of, await file.read(), code)
    stored, created = await service.put(session, caller, code, taken.draft)
    response.status_code = 201 if created else 200
    shown = await _shown(session, stored)
    return XlsformOut.model_validate({**shown.model_dump(by_alias=True), "report": taken.report})


@router.get(
    "/{code}/xlsform",
    response_class=Response,
    responses={200: {"content": {_XLSX: {}}}, **replies(NotFound, XlsformNotWritable)},
)
async def get_xlsform(
    code: QuestionnaireCode,
    turn: InTurn,
    caller: Caller,
    session: Session,
    version: Annotated[
        VersionNumber | None, Query(description="A published version; without it, the draft.")
    ] = None,
) -> Response:
    """Write a questionnaire's draft, or one published version, as an XLSForm."""
    definition = await service.definition(session, caller, code, version)
    file = await asyncio.to_thread(xlsform_of, definition, code, version)
    headers = {"Content-Disposition": f'attachment; filename="{code}.xlsx"'}
    return Response(file, media_type=_XLSX, headers=headers)


@router.post("/{code}/preview", status_code=201, responses=replies(NotFound))
async def preview_questionnaire(
    code: QuestionnaireCode,
    caller: Writer,
    session: Session,
    request: Request,
    asked: PreviewIn | None = None,
) -> PreviewOut:
    """Make a link that shows the questionnaire's page and stores nothing.

    Whoever has the link sees it, for seven days; what is filled in there is checked.
    """
    token, made = await service.preview(
        session, caller, request.app.state.keyring, code, asked.version if asked else None
    )
    address = f"{request.app.state.settings.public_url}/p/{token}"
    return PreviewOut(url=address, expires_at=made.until)


@router.get("/{code}/diff", responses=replies(NotFound))
async def compare_versions(
    code: QuestionnaireCode,
    turn: InTurn,
    caller: Caller,
    session: Session,
    before: Annotated[VersionNumber, Query(alias="from", description="The version before.")],
    after: Annotated[
        VersionNumber | None,
        Query(alias="to", description="The version after; without it, the draft."),
    ] = None,
) -> DiffOut:
    """Compare two versions of a questionnaire, or one with the draft, question by question."""
    earlier = await service.definition(session, caller, code, before)
    later = await service.definition(session, caller, code, after)
    changes, questions = await asyncio.to_thread(diff, earlier, later)
    return DiffOut.model_validate(
        {"from": before, "to": after, "changes": changes, "questions": questions}
    )


@router.get("/{code}", responses=replies(NotFound))
async def get_questionnaire(
    code: QuestionnaireCode,
    caller: Caller,
    session: Session,
    version: Annotated[
        VersionNumber | None, Query(description="A published version; without it, the draft.")
    ] = None,
) -> QuestionnaireOut:
    """Read a questionnaire's draft, or one published version."""
    questionnaire = await service.visible(session, caller, code)
    if version is None:
        return await _shown(session, questionnaire)
    return await _shown(
        session, questionnaire, await service.published(session, caller, code, version)
    )


@router.get("")
async def list_questionnaires(
    caller: Caller,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[QuestionnaireItem]:
    """List questionnaires in order of their codes."""
    rows = await queries.list_questionnaires(
        session, seen_from=caller.unit_id, after=from_cursor(cursor), limit=limit
    )
    items, following = paged(rows, limit, "code")
    return Page[QuestionnaireItem](
        items=[QuestionnaireItem.model_validate(row) for row in items], next=following
    )


@schema_router.get(
    json_schema.ADDRESS,
    response_class=Response,
    responses={
        200: {
            "content": {
                _SCHEMA: {"schema": {"type": "object"}, "example": {"$id": json_schema.ID}}
            },
            "description": "A JSON Schema (2020-12).",
        }
    },
)
async def get_json_schema() -> Response:
    """Read the JSON Schema of questionnaires, as editors check drafts by it; needs no token."""
    headers = {"Cache-Control": "public, max-age=3600"}
    body = json.dumps(json_schema.schema(), ensure_ascii=False)
    return Response(body, media_type=_SCHEMA, headers=headers)
