"""URLs of publications."""

import asyncio
import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app.access.principal import Principal, having
from app.access.service import IdempotentRequest
from app.access.turns import InTurn
from app.campaigns import service as campaigns
from app.campaigns.problems import SandboxRefused
from app.core.database import Database, ReadSession, Session
from app.core.preferences import prefers
from app.core.problems import (
    IdempotencyKeyInFlight,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    NotFound,
    replies,
)
from app.core.schemas import Code, Cursor, Limit, Page, number_in_cursor, paged
from app.jobs import service as jobs
from app.jobs.schemas import JobOut
from app.jobs.tables import Job
from app.publications import queries, service
from app.publications.packing import as_csv
from app.publications.problems import AlreadyCorrected
from app.publications.schemas import PublicationIn, PublicationLine, PublicationOut, Section
from app.publications.tables import Publication
from app.questionnaires.problems import NotOwner
from app.results.problems import NoRelease

router = APIRouter(prefix="/v1/campaigns/{code}/publications", tags=["publications"])

Owner = Annotated[Principal, having("campaigns:write")]
Reader = Annotated[Principal, having("results:exact", "results:read")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
PublicationNumber = Annotated[
    int, Path(ge=1, le=2**31 - 1, description="The publication's number, from 1.")
]
_LOOK_AGAIN_SECONDS = "2"
_CSV, _JSON, _NDJSON = "text/csv", "application/json", "application/x-ndjson"


@router.post(
    "",
    status_code=201,
    response_model=PublicationOut,
    responses={
        202: {"model": JobOut, "description": "A job publishes: `Location` says which."},
        **replies(
            IdempotencyKeyMissing,
            NotOwner,
            NotFound,
            NoRelease,
            AlreadyCorrected,
            SandboxRefused,
            IdempotencyKeyInFlight,
            IdempotencyKeyReused,
        ),
    },
)
async def make_publication(
    turn: InTurn,
    code: CampaignCode,
    wanted: PublicationIn,
    caller: Owner,
    request: Request,
    session: Session,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Required. New for each new request, the same when one is repeated: then "
            "the first reply comes again, for 24 hours.",
        ),
    ] = None,
) -> Response:
    """Publish what a release shows, under the next number; it can never be changed.

    Of more than 150 units a job does it: 202, and the job's `result` has the number.
    """
    database: Database = request.app.state.database
    keyring = request.app.state.keyring
    campaign = await service.publishable(session, caller, code)
    asked = IdempotentRequest(session, caller, keyring, idempotency_key)
    former = await asked.former_reply(*service.same_request(code, wanted))
    if former is None and await service.takes_long(session, campaign, wanted):
        job = await service.put_off(session, caller, campaign, wanted)
        former = {"job": str(job.id)}
        await asked.keep(former)
    if former is not None and "job" in former:
        job = await jobs.visible(session, caller, UUID(former["job"]))
        headers = {"Location": f"/v1/jobs/{job.id}", "Retry-After": _LOOK_AGAIN_SECONDS}
        return Response(_queued(job), 202, headers, media_type=_JSON)
    if former is not None:
        number = former["number"]
    else:
        await session.commit()
        number = await service.made(database, keyring, caller, code, wanted, key=idempotency_key)
    async with database.sessions() as reading:
        body = await _body(reading, campaign.id, number)
    headers = {"Location": service.url_of(code, number)}
    return Response(body, 201, headers, media_type=_JSON)


def _queued(job: Job) -> str:
    return JobOut.model_validate(job).model_dump_json()


@router.get("", responses=replies(NotFound))
async def list_publications(
    code: CampaignCode,
    caller: Reader,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[PublicationLine]:
    """List a campaign's publications, the newest first."""
    campaign = await campaigns.visible(session, caller, code)
    found = await queries.publications(
        session, campaign.id, before=number_in_cursor(cursor), limit=limit
    )
    corrections = await queries.corrections(session, campaign.id)
    rows, following = paged(found, limit, "number")
    items = [_line(one, corrections.get(one.number)) for one in rows]
    return Page[PublicationLine](items=items, next=following)


def _line(publication: Publication, corrected_by: int | None) -> PublicationLine:
    stated = json.loads(publication.statement)
    return PublicationLine(
        number=publication.number,
        title=stated["title"],
        made_at=stated["made_at"],
        release=publication.release,
        corrects=publication.corrects,
        corrected_by=corrected_by,
        digest=service.digest_of(publication),
    )


@router.get("/{number}", response_model=PublicationOut, responses=replies(NotFound))
async def get_publication(
    code: CampaignCode, number: PublicationNumber, caller: Reader, session: Session
) -> Response:
    """Read a publication: what it says, its method, its digests, and whether it was corrected."""
    campaign = await campaigns.visible(session, caller, code)
    return Response(await _body(session, campaign.id, number), media_type=_JSON)


async def _body(session: AsyncSession, campaign_id: int, number: int) -> bytes:
    publication = await service.found(session, campaign_id, number)
    corrections = await queries.corrections(session, campaign_id)
    head = {
        "corrected_by": corrections.get(number),
        "digest": service.digest_of(publication),
        "signature": {
            "algorithm": "Ed25519",
            "key_id": publication.key_id,
            "value": publication.signature,
            "public_key": publication.public_key,
        },
    }
    # The statement byte by byte as it was signed.
    start = json.dumps(head, separators=(",", ":")).removesuffix("}")
    return start.encode() + b',"statement":' + publication.statement + b"}"


_SECTIONS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes that were published: `statement` as JSON, else lines of JSON. "
        "With `Accept: text/csv` figures as a table, which the digest is not of.",
        "content": {
            _NDJSON: {"schema": {"type": "string"}},
            _JSON: {"schema": {"$ref": "#/components/schemas/Statement"}},
            _CSV: {"schema": {"type": "string"}},
        },
    },
    **replies(NotFound),
}


@router.get("/{number}/{section}", response_class=Response, responses=_SECTIONS)
async def get_section(
    turn: InTurn,
    code: CampaignCode,
    number: PublicationNumber,
    section: Annotated[
        Section,
        Path(
            description="`statement`: the bytes that are signed; `rows`: results; `ranking`; "
            "`coverage`; `changes`: what a correction changed; `questionnaires`: what was asked."
        ),
    ],
    caller: Reader,
    request: Request,
    session: ReadSession,
) -> Response:
    """Read a section of a publication, whose digest stands in its statement."""
    campaign = await campaigns.visible(session, caller, code)
    content = await service.content(session, campaign.id, number, section)
    headers = {"Vary": "Authorization, Accept"}
    if section == "statement":
        return Response(content, headers=headers, media_type=_JSON)
    if section != "questionnaires" and _wants_csv(request):
        table = await asyncio.to_thread(as_csv, content)
        return Response(table, headers=headers, media_type=_CSV)
    return Response(content, headers=headers, media_type=_NDJSON)


def _wants_csv(request: Request) -> bool:
    return prefers(request.headers.getlist("Accept"), _CSV, over=_NDJSON)
