"""URLs of lists that tell what came through links and invitations."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from app.access.principal import Caller, Principal, having
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.schemas import MAX_ID, Code, Cursor, Limit, Page, number_in_cursor, paged
from app.counts import origins
from app.counts.origins.schemas import BatchStanding, LinkStanding
from app.links import service as links
from app.links.schemas import batch_out, link_out

router = APIRouter(prefix="/v1/campaigns", tags=["links"])

Writer = Annotated[Principal, having("links:write")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]
BatchId = Annotated[int, Path(ge=1, le=MAX_ID, description="The batch, as its making replied.")]


@router.get("/{code}/links", responses=replies(NotFound))
async def list_links(
    code: CampaignCode,
    caller: Caller,
    request: Request,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[LinkStanding]:
    """List a campaign's links to the units that the caller sees, oldest first."""
    campaign = await campaigns.visible(session, caller, code)
    after = number_in_cursor(cursor) or 0
    rows = await links.links_of(session, caller, campaign, after=after, limit=limit)
    found, following = paged(rows, limit, "id")
    ids = [link.id for link in found]
    answered = await origins.answered(session, campaign.id, origins.LINK, ids)
    public_url = request.app.state.settings.public_url
    items = [
        LinkStanding(**link_out(link, public_url).model_dump(), answered=answered[link.id])
        for link in found
    ]
    return Page[LinkStanding](items=items, next=following)


@router.get("/{code}/invitations", responses=replies(NotFound))
async def list_batches(
    code: CampaignCode,
    caller: Writer,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[BatchStanding]:
    """List a campaign's batches of invitations for units that the caller sees, oldest first."""
    campaign = await campaigns.visible(session, caller, code)
    after = number_in_cursor(cursor) or 0
    rows = await links.batches_of(session, caller, campaign, after=after, limit=limit)
    found, following = paged(rows, limit, "id")
    items = await _standing(session, campaign, found)
    return Page[BatchStanding](items=items, next=following)


@router.get("/{code}/invitations/{batch}", responses=replies(NotFound))
async def get_batch(
    code: CampaignCode, batch: BatchId, caller: Writer, session: Session
) -> BatchStanding:
    """Read how many of a batch's invitations were used, and how many were not."""
    campaign = await campaigns.visible(session, caller, code)
    found = await links.visible_batch(session, caller, campaign, batch)
    [standing] = await _standing(session, campaign, [found])
    return standing


async def _standing(
    session: Session, campaign: Campaign, batches: Sequence[Any]
) -> list[BatchStanding]:
    ids = [batch.id for batch in batches]
    answered = await origins.answered(session, campaign.id, origins.BATCH, ids)
    return [_shown(batch, answered[batch.id], campaign.min_cell) for batch in batches]


def _shown(batch: Any, answered: int, min_cell: int) -> BatchStanding:
    standing = BatchStanding(**batch_out(batch).model_dump(), answered=None, unused=None)
    # Whoever has a roster's list knows whose its few invitations are.
    if batch.roster is None or batch.invitations >= min_cell:
        standing.answered, standing.unused = answered, batch.invitations - answered
    return standing
