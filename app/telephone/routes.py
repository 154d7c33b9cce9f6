"""URLs of the telephone."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Request
from starlette.responses import Response

from app.access.principal import Principal, having
from app.access.service import IdempotentRequest
from app.campaigns import service as campaigns
from app.core.database import Session
from app.core.problems import (
    IdempotencyKeyInFlight,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    Malformed,
    NotFound,
    UnsupportedMediaType,
    replies,
)
from app.core.schemas import Code
from app.responses.problems import Closed, NotOpenYet
from app.responses.service import Reception
from app.telephone import service
from app.telephone.schemas import MAX_INTERVIEWS, InterviewIn, InterviewsOut, decode_interviews

router = APIRouter(prefix="/v1/campaigns", tags=["telephone"])

Contractor = Annotated[Principal, having("interviews:write")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
_JSON = "application/json"
_DELIVERY = {
    "requestBody": {
        "required": True,
        "content": {
            _JSON: {
                "schema": {
                    "type": "object",
                    "required": ["interviews"],
                    "additionalProperties": False,
                    "properties": {
                        "interviews": {
                            "description": "Each is taken or rejected by itself.",
                            "type": "array",
                            "minItems": 1,
                            "maxItems": MAX_INTERVIEWS,
                            "items": InterviewIn.model_json_schema(),
                        }
                    },
                },
                "example": {
                    "interviews": [
                        {
                            "interview_id": "V-1",
                            "unit": "S1",
                            "population": "parent",
                            "phone": "+8613800000000",
                            "disposition": "1.1",
                            "attempts": 2,
                            "started_at": "2026-11-02T18:21:00+08:00",
                            "ended_at": "2026-11-02T18:25:30+08:00",
                            "answers": {"overall": "satisfied", "ethics": "dont_know"},
                        }
                    ]
                },
            }
        },
    }
}
_EXAMPLE = {
    "accepted": 1,
    "replayed": 0,
    "updated": 0,
    "already_answered": 0,
    "rejected": 0,
    "results": [{"index": 0, "interview_id": "V-1", "status": "accepted"}],
}


async def _body(request: Request) -> bytes:
    return await request.body()


# Stands before the session in every signature: no connection waits for a slow sender.
WholeBody = Annotated[bytes, Depends(_body)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Required. New for each new request, the same when one is repeated: then the "
        "first reply comes again, for 24 hours.",
    ),
]


@router.post(
    "/{code}/interviews",
    openapi_extra=_DELIVERY,
    responses={
        200: {
            "model": InterviewsOut,
            "description": "What became of each item.",
            "content": {_JSON: {"example": _EXAMPLE}},
        },
        **replies(
            Malformed,
            IdempotencyKeyMissing,
            NotFound,
            IdempotencyKeyInFlight,
            Closed,
            UnsupportedMediaType,
            IdempotencyKeyReused,
            NotOpenYet,
        ),
    },
)
async def deliver_interviews(
    code: CampaignCode,
    body: WholeBody,
    caller: Contractor,
    request: Request,
    session: Session,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Deliver interviews, each taken or rejected by itself."""
    campaign = await campaigns.visible(session, caller, code)
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _JSON:
        raise UnsupportedMediaType(f"Send {_JSON}.")
    reception: Reception = request.app.state.reception
    delivery = IdempotentRequest(session, caller, reception.keyring, idempotency_key)
    reply = await delivery.former_reply(b"interviews", code.encode(), body)
    if reply is None:
        items = decode_interviews(body)
        filed = await service.deliver(session, caller, reception.directory, campaign, items)
        # As text: the database would put the members of JSON in an order of its own.
        reply = {"body": msgspec.json.encode(filed).decode()}
        await delivery.keep(reply)
    return Response(reply["body"], media_type=_JSON)
