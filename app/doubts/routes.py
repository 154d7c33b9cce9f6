"""URLs of doubts: what is flagged and why, and voiding what was found to be fraudulent."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal, having
from app.campaigns import service as campaigns
from app.campaigns.problems import CampaignState
from app.core.database import Database, Session
from app.core.problems import NotFound, replies
from app.core.schemas import MAX_ID, Code, Cursor, Limit, Page, number_in_cursor, paged
from app.doubts import service, voiding
from app.doubts.problems import CannotRestore, NotVoided
from app.doubts.schemas import DoubtsOut, VoidIn, VoidOut
from app.doubts.tables import Void
from app.doubts.voiding import queries
from app.links.problems import CountyRequired

router = APIRouter(prefix="/v1", tags=["doubts"])

Reader = Annotated[Principal, having("results:exact")]
Writer = Annotated[Principal, having("links:write")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
LinkCode = Annotated[Code, Path(description="The link's code, as its address holds it.")]
BatchId = Annotated[int, Path(ge=1, le=MAX_ID, description="The batch, as its making replied.")]
_VOIDING = replies(NotFound, CountyRequired, CampaignState)
_RESTORING = replies(NotFound, CountyRequired, CampaignState, NotVoided, CannotRestore)


@router.get("/campaigns/{code}/doubts", responses=replies(NotFound))
async def get_doubts(
    code: CampaignCode, caller: Reader, request: Request, session: Session
) -> DoubtsOut:
    """Read which responses are flagged as doubtful, by unit, population and sign, and why."""
    campaign = await campaigns.visible(session, caller, code)
    thresholds = request.app.state.settings.quality
    return await service.doubts(session, caller, campaign, thresholds)


@router.get("/campaigns/{code}/voids", responses=replies(NotFound))
async def list_voids(
    code: CampaignCode,
    caller: Writer,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[VoidOut]:
    """List a campaign's voided links and batches of units that the caller sees, oldest first."""
    campaign = await campaigns.visible(session, caller, code)
    after = number_in_cursor(cursor) or 0
    rows = await queries.list_voids(
        session, campaign.id, seen_from=caller.unit_id, after=after, limit=limit
    )
    found, following = paged(rows, limit, "id")
    return Page[VoidOut](items=[service.void_out(one) for one in found], next=following)


@router.post("/links/{link}/void", responses=_VOIDING)
async def void_link(
    link: LinkCode, wanted: VoidIn, caller: Writer, request: Request, session: Session
) -> VoidOut:
    """Revoke a link for good, and take everything that came through it out of the count."""

    async def decide(deciding: AsyncSession) -> Void:
        return await voiding.void_link(deciding, caller, link, wanted.reason)

    return await _carried_out(request, session, caller, decide)


@router.post("/links/{link}/restore", responses=_RESTORING)
async def restore_link(
    link: LinkCode, wanted: VoidIn, caller: Writer, request: Request, session: Session
) -> VoidOut:
    """Count again what came through a voided link; the link itself stays revoked."""

    async def decide(deciding: AsyncSession) -> Void:
        return await voiding.restore_link(deciding, caller, link, wanted.reason)

    return await _carried_out(request, session, caller, decide)


@router.post("/campaigns/{code}/invitations/{batch}/void", responses=_VOIDING)
async def void_invitations(
    code: CampaignCode,
    batch: BatchId,
    wanted: VoidIn,
    caller: Writer,
    request: Request,
    session: Session,
) -> VoidOut:
    """Revoke a batch for good, and take everything that came through it out of the count."""

    async def decide(deciding: AsyncSession) -> Void:
        return await voiding.void_batch(deciding, caller, code, batch, wanted.reason)

    return await _carried_out(request, session, caller, decide)


@router.post("/campaigns/{code}/invitations/{batch}/restore", responses=_RESTORING)
async def restore_invitations(
    code: CampaignCode,
    batch: BatchId,
    wanted: VoidIn,
    caller: Writer,
    request: Request,
    session: Session,
) -> VoidOut:
    """Count again what came through a voided batch; the batch itself stays revoked."""

    async def decide(deciding: AsyncSession) -> Void:
        return await voiding.restore_batch(deciding, caller, code, batch, wanted.reason)

    return await _carried_out(request, session, caller, decide)


async def _carried_out(
    request: Request,
    session: AsyncSession,
    caller: Principal,
    decide: Callable[[AsyncSession], Awaitable[Void]],
) -> VoidOut:
    database: Database = request.app.state.database
    # Committed by itself before it is carried out: whoever answers then finds the link revoked.
    async with database.sessions.begin() as deciding:
        void = await decide(deciding)
    await voiding.carry_out(database, void.id, patience=voiding.CARRYING_OUT_SECONDS)
    row: Any = await voiding.shown(session, caller, void)
    return service.void_out(row)
