"""URLs of counts that were aggregated elsewhere."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from app.access.principal import Principal, having
from app.campaigns import service as campaigns
from app.core.bodies import is_json
from app.core.database import Session, driver_connection
from app.core.problems import Malformed, NotFound, UnsupportedMediaType, replies
from app.core.schemas import Code, Cursor, Limit, Page, number_in_cursor, paged
from app.responses.problems import Closed, NotOpenYet
from app.responses.service import Reception
from app.telephone.tallies import reading, service
from app.telephone.tallies.problems import DoubleCount, OverlappingTally, TallyConflict
from app.telephone.tallies.schemas import (
    MAX_ROWS,
    RowChange,
    TallyBatch,
    TallyHistory,
    TallyIn,
    TallyReply,
    TallyRowIn,
    decode_tally,
)

router = APIRouter(prefix="/v1/campaigns", tags=["tallies"])

Source = Annotated[Principal, having("tallies:write")]
Reader = Annotated[Principal, having("tallies:write", "results:exact")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
Batch = Annotated[Code, Path(description="The source's own name for the batch.")]
SourceId = Annotated[
    Code | None,
    Query(
        description="The client id of another source; only who owns the campaign, with "
        "results:exact, sees what others delivered."
    ),
]
Revision = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="By default the latest revision.")
]
_EXAMPLE = {
    "revision": 1,
    "channel": "phone",
    "as_of": "2026-11-20T10:00:00+08:00",
    "source_note": "City hotline dashboard",
    "rows": [
        {
            "unit": "S1",
            "population": "parent",
            "respondents": 120,
            "counts": {
                "overall": {
                    "satisfied": 80,
                    "basically_satisfied": 25,
                    "dissatisfied": 10,
                    "dont_know": 5,
                }
            },
        }
    ],
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["channel", "as_of", "rows"],
                    "additionalProperties": False,
                    "properties": {
                        **TallyIn.model_json_schema()["properties"],
                        "rows": {
                            "description": "Each unit and population once. A higher revision "
                            "without rows withdraws the batch.",
                            "type": "array",
                            "maxItems": MAX_ROWS,
                            "items": {"$ref": "#/components/schemas/TallyRowIn"},
                        },
                    },
                },
                "example": _EXAMPLE,
            }
        },
    }
}


async def _body(request: Request) -> bytes:
    return await request.body()


# Stands before the session in the signature: no connection waits for a slow sender.
WholeBody = Annotated[bytes, Depends(_body)]


@router.put(
    "/{code}/tallies/{batch}",
    openapi_extra=_BODY,
    response_model=TallyReply,
    responses={
        201: {"model": TallyReply, "description": "The batch is new and counts."},
        **replies(
            Malformed,
            NotFound,
            TallyConflict,
            OverlappingTally,
            DoubleCount,
            Closed,
            UnsupportedMediaType,
            NotOpenYet,
        ),
    },
)
async def put_tally(
    code: CampaignCode,
    batch: Batch,
    body: WholeBody,
    caller: Source,
    request: Request,
    session: Session,
) -> Response:
    """Deliver a batch of counts, all of it or nothing; a higher revision replaces it whole."""
    await campaigns.visible(session, caller, code)
    if not is_json(request.headers.get("Content-Type", "").encode("latin-1")):
        raise UnsupportedMediaType("Send application/json.")
    sent, rows = decode_tally(body)
    reception: Reception = request.app.state.reception
    reply = await service.deliver(session, caller, reception.directory, code, batch, sent, rows)
    status = 201 if reply["status"] == "accepted" else 200
    return Response(msgspec.json.encode(reply), status, media_type="application/json")


@router.get("/{code}/tallies", responses=replies(NotFound))
async def list_tallies(
    code: CampaignCode,
    caller: Reader,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[TallyBatch]:
    """List the caller's batches of counts; for the campaign's owner, those of all sources."""
    campaign = await campaigns.visible(session, caller, code)
    after = number_in_cursor(cursor) or 0
    found = await reading.batches(session, caller, campaign, after=after, limit=limit)
    rows, following = paged(found, limit, "id")
    items = [TallyBatch.model_validate(reading.batch_out(one, source)) for _, one, source in rows]
    return Page[TallyBatch](items=items, next=following)


@router.get("/{code}/tallies/{batch}", responses=replies(NotFound))
async def get_tally(
    code: CampaignCode,
    batch: Batch,
    caller: Reader,
    session: Session,
    source: SourceId = None,
) -> TallyHistory:
    """Read a batch of counts and its revisions: when each came, and what it was."""
    campaign = await campaigns.visible(session, caller, code)
    found, client = await reading.history(session, caller, campaign, batch, source)
    revisions = [reading.described(one) for one in found]
    return TallyHistory.model_validate(
        {**reading.batch_out(found[0], client), "revisions": revisions}
    )


@router.get("/{code}/tallies/{batch}/rows", responses=replies(NotFound))
async def list_tally_rows(
    code: CampaignCode,
    batch: Batch,
    caller: Reader,
    request: Request,
    session: Session,
    source: SourceId = None,
    revision: Revision = None,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[TallyRowIn]:
    """List the rows of a batch of counts, as one of its revisions has them."""
    campaign = await campaigns.visible(session, caller, code)
    found, _ = await reading.history(session, caller, campaign, batch, source)
    tally, _ = reading.revision_of(found, revision)
    reception: Reception = request.app.state.reception
    connection = await driver_connection(session)
    rules = await reception.directory.campaign_by_id(connection, campaign.id)
    assert rules is not None
    rows, following = await reading.rows(session, rules, tally, cursor=cursor, limit=limit)
    return Page[TallyRowIn](items=[TallyRowIn(**row) for row in rows], next=following)


@router.get("/{code}/tallies/{batch}/changes", responses=replies(NotFound))
async def list_tally_changes(
    code: CampaignCode,
    batch: Batch,
    caller: Reader,
    session: Session,
    source: SourceId = None,
    revision: Revision = None,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[RowChange]:
    """List what a revision of a batch of counts changed against the one before."""
    campaign = await campaigns.visible(session, caller, code)
    found, _ = await reading.history(session, caller, campaign, batch, source)
    tally, former = reading.revision_of(found, revision)
    rows, following = await reading.changes(session, tally, former, cursor=cursor, limit=limit)
    return Page[RowChange](items=[RowChange(**row) for row in rows], next=following)
