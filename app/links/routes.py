"""URLs of links and invitations."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.responses import StreamingResponse

from app.access import audit
from app.access.principal import Caller, Principal, having
from app.campaigns import service as campaigns
from app.campaigns.problems import CampaignState
from app.core.database import Session
from app.core.problems import (
    IdempotencyKeyInFlight,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    NotFound,
    replies,
)
from app.core.schemas import MAX_ID, Code
from app.links import invitations, qr, queries, service
from app.links.problems import CountyRequired, InvitationsGone, InvitationsNotAdmitted
from app.links.schemas import (
    BatchOut,
    InvitationsIn,
    InvitationsOut,
    LinkOut,
    LinksIn,
    LinksOut,
    batch_out,
    link_out,
    link_url,
)
from app.links.spreadsheet import csv_parts

router = APIRouter(prefix="/v1", tags=["links"])

Writer = Annotated[Principal, having("links:write")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
LinkCode = Annotated[Code, Path(description="The link's code, as its address holds it.")]
BatchId = Annotated[int, Path(ge=1, le=MAX_ID, description="The batch, as its making replied.")]
_INVITATIONS_AT_ONCE = 1_000


def _public_url(request: Request) -> str:
    url: str = request.app.state.settings.public_url
    return url


@router.post(
    "/campaigns/{code}/links",
    responses={201: {"model": LinksOut}, **replies(NotFound, CampaignState)},
)
async def make_links(
    code: CampaignCode,
    wanted: LinksIn,
    caller: Writer,
    request: Request,
    session: Session,
    response: Response,
) -> LinksOut:
    """Make links, or get those there are: 201 when any is new. All of them, or none."""
    links, created = await service.make_links(session, caller, code, wanted)
    response.status_code = 201 if created else 200
    return LinksOut(items=[link_out(link, _public_url(request)) for link in links])


@router.get(
    "/campaigns/{code}/links.csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}, **replies(NotFound)},
)
async def list_links_as_csv(
    code: CampaignCode, caller: Caller, request: Request, session: Session
) -> StreamingResponse:
    """Read all of a campaign's links to the units that the caller sees, for a spreadsheet."""
    campaign = await campaigns.visible(session, caller, code)
    links = await queries.all_links(session, campaign.id, seen_from=caller.unit_id)
    audit.record(session, caller, "links.export", code)
    rows = (
        (
            link.unit,
            link.unit_name,
            link.population,
            link.code,
            link_url(link.code, _public_url(request)),
            str(link.revoked).lower(),
        )
        for link in links
    )
    headers = {"Content-Disposition": f'attachment; filename="links-{code}.csv"'}
    return StreamingResponse(csv_parts(rows), headers=headers, media_type="text/csv; charset=utf-8")


@router.get(
    "/links/{link}/qr.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}}, **replies(NotFound)},
)
async def get_qr_svg(
    link: LinkCode, caller: Caller, request: Request, session: Session
) -> Response:
    """Draw a link's address as a QR code, in SVG."""
    found = await service.visible(session, caller, link)
    return Response(qr.svg(link_url(found.code, _public_url(request))), media_type="image/svg+xml")


@router.get(
    "/links/{link}/qr.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, **replies(NotFound)},
)
async def get_qr_png(
    link: LinkCode, caller: Caller, request: Request, session: Session
) -> Response:
    """Draw a link's address as a QR code, in PNG."""
    found = await service.visible(session, caller, link)
    return Response(qr.png(link_url(found.code, _public_url(request))), media_type="image/png")


@router.post("/links/{link}/revoke", responses=replies(NotFound))
async def revoke_link(
    link: LinkCode, caller: Writer, request: Request, session: Session
) -> LinkOut:
    """Revoke a link for good; the next request for its unit makes another."""
    return link_out(await service.revoke_link(session, caller, link), _public_url(request))


@router.post(
    "/campaigns/{code}/invitations",
    status_code=201,
    response_class=StreamingResponse,
    responses={
        201: {"model": InvitationsOut},
        **replies(
            NotFound,
            CountyRequired,
            CampaignState,
            InvitationsGone,
            InvitationsNotAdmitted,
            IdempotencyKeyMissing,
            IdempotencyKeyReused,
            IdempotencyKeyInFlight,
        ),
    },
)
async def make_invitations(
    code: CampaignCode,
    wanted: InvitationsIn,
    caller: Writer,
    request: Request,
    session: Session,
    idempotency_key: Annotated[
        str | None, Header(description="New for each new batch; the same key, the same reply.")
    ] = None,
) -> StreamingResponse:
    """Make a batch of invitations, each of which admits one response."""
    state = request.app.state
    batch, signer = await service.make_invitations(
        session, caller, state.keyring, code, wanted, key=idempotency_key
    )
    tokens = invitations.tokens(signer, batch.id, batch.count)
    return StreamingResponse(
        _invitations_out(batch.id, tokens, state.settings.public_url),
        status_code=201,
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )


def _invitations_out(batch_id: int, tokens: Iterator[str], public_url: str) -> Iterator[str]:
    """InvitationsOut as JSON, in parts: a million of them never stand in memory."""
    before = json.dumps(f"{public_url}/i/")[:-1]
    separator = f'{{"batch":{batch_id},"items":['
    while part := list(islice(tokens, _INVITATIONS_AT_ONCE)):
        items = (f'{{"token":"{token}","url":{before}{token}"}}' for token in part)
        yield separator + ",".join(items)
        separator = ","
    yield "]}"


@router.post(
    "/campaigns/{code}/invitations/{batch}/revoke", responses=replies(NotFound, CountyRequired)
)
async def revoke_invitations(
    code: CampaignCode, batch: BatchId, caller: Writer, session: Session
) -> BatchOut:
    """Revoke a batch of invitations for good."""
    return batch_out(await service.revoke_batch(session, caller, code, batch))
