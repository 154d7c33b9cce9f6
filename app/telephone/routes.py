"""URLs of the telephone."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app.access import tokens
from app.access.principal import Principal, having
from app.access.service import IdempotentRequest
from app.access.turns import InTurn
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core.database import Session
from app.core.problems import (
    IdempotencyKeyInFlight,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    Malformed,
    NotFound,
    Problem,
    UnsupportedMediaType,
    replies,
)
from app.core.schemas import MAX_ID, Code, Cursor, Limit, Page, number_in_cursor, paged
from app.responses.directory import Directory
from app.responses.problems import Closed, NotOpenYet
from app.telephone import queries, service
from app.telephone.mappings import service as mappings
from app.telephone.mappings.schemas import MappingIn
from app.telephone.openapi import DELIVERY, REPLIES
from app.telephone.reading import reading_of
from app.telephone.schemas import InterviewHistory, RefusalOut, decode_interviews
from app.telephone.uploads import JSON, NDJSON, Upload, form_of

router = APIRouter(prefix="/v1/campaigns", tags=["telephone"])

Contractor = Annotated[Principal, having("interviews:write")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
DeliveryId = Annotated[int, Path(ge=1, le=MAX_ID, description="The delivery, as its reply told.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Required. New for each new request, the same when one is repeated: then the "
        "first reply comes again, for 24 hours.",
    ),
]
_LONG, _LONG_BYTES = 10_000, 8 << 20
"""From so many lines or bytes on a job takes a delivery."""
_RETRY_AFTER = "2"


class _Received:
    """A body that was received before anything else was done, or why it was not."""

    def __init__(self) -> None:
        self.refused: Problem | None = None
        self.upload: Upload | None = None

    def checked(self) -> Upload:
        """The body. Errors: Malformed, TooLarge, UnsupportedMediaType."""
        if self.refused is not None:
            raise self.refused
        assert self.upload is not None
        return self.upload


async def _received(request: Request) -> AsyncIterator[_Received]:
    received = _Received()
    headers = request.headers
    stream = request.stream()
    try:
        try:
            _, _, token = headers.get("Authorization", "").partition(" ")
            tokens.verify(request.app.state.keyring, token.strip())
            form = form_of(headers.get("Content-Type", ""))
            received.upload = Upload(form, request.app.state.keyring)
            await received.upload.receive(stream, headers.get("Content-Encoding", ""))
        except Problem as problem:
            received.refused = problem
            # Many clients look for a reply only when they have sent everything.
            async for _ in stream:
                pass
        yield received
    finally:
        if received.upload is not None:
            received.upload.close()


# Both stand before the session in every signature: no connection waits for a slow sender.
Received = Annotated[_Received, Depends(_received, scope="function")]


async def _with_table(received: Received, turn: InTurn) -> _Received:
    if received.refused is None:
        try:
            await received.checked().read_table()
        except Problem as problem:
            received.refused = problem
    return received


Sent = Annotated[_Received, Depends(_with_table)]


@router.post(
    "/{code}/interviews",
    openapi_extra=DELIVERY,
    responses={
        **REPLIES,
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
    sent: Sent,
    caller: Contractor,
    request: Request,
    session: Session,
    mapping: Annotated[
        Code | None, Query(description="Your saved mapping by which it is to be read.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
    prefer: Annotated[
        str, Header(description="`respond-async`: have a job take it, however short it is.")
    ] = "",
) -> Response:
    """Deliver interviews, each taken or rejected by itself.

    As JSON up to 1,000; as NDJSON, CSV or XLSX up to 50 MB, which may be packed with gzip. From
    10,000 lines or 8 MB on a job takes it. Tables name the fields in their first row, or have a
    saved mapping. With `Accept: application/x-ndjson` each result is a line, and the last one
    the totals.
    """
    campaign = await campaigns.visible(session, caller, code)
    upload = sent.checked()
    delivery = IdempotentRequest(session, caller, request.app.state.keyring, idempotency_key)
    kept = await delivery.former_reply(*_same(code, upload, mapping))
    if kept is None:
        saved = None
        if mapping is not None:
            saved = mappings.out(await mappings.own(session, caller, mapping))
        target = (session, caller, request.app.state.reception.directory, campaign)
        kept = await _carried_out(target, upload, saved, idempotency_key or "", _wants_job(prefer))
        await delivery.keep(kept)
    return _reply(kept, lines=NDJSON in request.headers.get("Accept", ""))


async def _carried_out(
    target: tuple[AsyncSession, Principal, Directory, Campaign],
    upload: Upload,
    mapping: MappingIn | None,
    key: str,
    wants_job: bool,
) -> dict[str, Any]:
    """Take what did not come before, or have a job take it; what is kept as its reply."""
    if upload.form == "json":
        parts = service.one_part(decode_interviews(upload.whole))
        reading = reading_of("json", None, mapping)
        return _kept(await service.deliver(*target, parts, name=key, reading=reading))
    upload.check_number()
    reading = reading_of(upload.form, upload.header, mapping)
    lines = upload.lines
    if not wants_job and lines.lines < _LONG and lines.size <= _LONG_BYTES:
        parts = partial(service.parts_in, lines, reading)
        return _kept(await service.deliver(*target, parts, name=key, reading=reading))
    queued = await service.put_off(*target, lines, name=key, reading=reading)
    headers = {"Location": queued["job"], "Retry-After": _RETRY_AFTER}
    if wants_job:
        headers["Preference-Applied"] = "respond-async"
    return {**_kept(queued), "headers": headers}


def _wants_job(prefer: str) -> bool:
    return "respond-async" in prefer.lower().replace(" ", "").split(",")


def _same(code: str, upload: Upload, mapping: str | None) -> list[bytes]:
    """What makes it the same request when it is repeated."""
    parts = [b"interviews", code.encode()]
    if upload.form == "json":
        parts.append(upload.whole)
    else:
        parts += [upload.form.encode(), upload.digest]
    return parts if mapping is None else [*parts, b"mapping", mapping.encode()]


def _kept(reply: dict[str, Any]) -> dict[str, Any]:
    # As text: the database would put the members of JSON in an order of its own.
    return {"body": msgspec.json.encode(reply).decode()}


def _reply(kept: dict[str, Any], *, lines: bool) -> Response:
    if "headers" in kept:
        return Response(kept["body"], 202, kept["headers"], media_type=JSON)
    if not lines:
        return Response(kept["body"], media_type=JSON)
    totals = msgspec.json.decode(kept["body"])
    results = totals.pop("results")
    return Response(_as_lines([*results, totals]), media_type=NDJSON)


def _as_lines(documents: Sequence[Any]) -> bytes:
    return b"".join(msgspec.json.encode(one) + b"\n" for one in documents)


_REFUSALS_EXAMPLE = '{"index":6,"interview_id":"V-7","problem":{"type":"/problems/not-found"}}\n'


@router.get(
    "/{code}/deliveries/{delivery}/refusals",
    responses={
        200: {
            "model": Page[RefusalOut],
            "content": {NDJSON: {"schema": {"type": "string"}, "example": _REFUSALS_EXAMPLE}},
        },
        **replies(NotFound),
    },
)
async def list_refusals(
    code: CampaignCode,
    delivery: DeliveryId,
    caller: Contractor,
    request: Request,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:
    """List what was not taken of one of your deliveries, in its order.

    With `Accept: application/x-ndjson` one a line; the next page is in the header `Link`.
    """
    campaign = await campaigns.visible(session, caller, code)
    found = await service.own_delivery(session, caller, campaign, delivery)
    rows = await queries.refusals(session, found.id, after=number_in_cursor(cursor), limit=limit)
    page, following = paged(rows, limit, "index")
    items = [service.refusal(row, caller.request_id) for row in page]
    if NDJSON not in request.headers.get("Accept", ""):
        return Response(msgspec.json.encode({"items": items, "next": following}), media_type=JSON)
    headers = {}
    if following is not None:
        headers["Link"] = f'<?limit={limit}&cursor={following}>; rel="next"'
    return Response(_as_lines(items), headers=headers, media_type=NDJSON)


@router.get("/{code}/interviews/{interview}", responses=replies(NotFound))
async def read_history(
    code: CampaignCode,
    interview: Annotated[Code, Path(description="Your own name for it, its interview_id.")],
    caller: Contractor,
    session: Session,
) -> InterviewHistory:
    """Read every revision of one of your interviews, without answers and phone."""
    campaign = await campaigns.visible(session, caller, code)
    revisions = await service.own_history(session, caller, campaign, interview)
    return InterviewHistory(
        interview_id=interview, revisions=[service.told(one) for one in revisions]
    )
