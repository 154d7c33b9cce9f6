"""URLs of what was handed out."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.access.principal import Principal, having
from app.campaigns import service as campaigns
from app.campaigns.problems import CampaignState
from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.schemas import Code, Cursor, Limit, Page
from app.links.problems import CountyRequired
from app.results.coverage.issued import service
from app.results.coverage.issued.schemas import IssuedIn, IssuedOut

router = APIRouter(prefix="/v1/campaigns", tags=["results"])

Writer = Annotated[Principal, having("links:write")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]


@router.put(
    "/{code}/issued",
    responses={201: {"model": IssuedOut}, **replies(NotFound, CountyRequired, CampaignState)},
)
async def put_issued(
    code: CampaignCode, wanted: IssuedIn, caller: Writer, session: Session, response: Response
) -> IssuedOut:
    """State how many questionnaires were handed out, for feedback rates: 201 when it is new."""
    stated, created = await service.state(session, caller, code, wanted)
    response.status_code = 201 if created else 200
    return stated


@router.get("/{code}/issued", responses=replies(NotFound))
async def list_issued(
    code: CampaignCode,
    caller: Writer,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[IssuedOut]:
    """List what is stated for units that the caller sees, by unit, population and channel."""
    campaign = await campaigns.visible(session, caller, code)
    return await service.stated(session, caller, campaign, cursor=cursor, limit=limit)
