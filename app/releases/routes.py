"""URLs of releases."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.access import audit
from app.access.principal import Principal, having
from app.access.turns import InTurn
from app.campaigns import service as campaigns
from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.schemas import Code, Cursor, Limit, Page, number_in_cursor, paged
from app.questionnaires.problems import NotOwner
from app.releases import queries, service
from app.releases.problems import NoMoreReleases, NothingToRelease
from app.releases.schemas import ReleaseOut

router = APIRouter(prefix="/v1/campaigns", tags=["results"])

Owner = Annotated[Principal, having("campaigns:write")]
Reader = Annotated[Principal, having("results:exact", "results:read")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]


@router.post(
    "/{code}/releases",
    responses={
        201: {"model": ReleaseOut},
        **replies(NotFound, NotOwner, NothingToRelease, NoMoreReleases),
    },
)
async def make_release(
    turn: InTurn, code: CampaignCode, caller: Owner, session: Session, response: Response
) -> ReleaseOut:
    """Make a release now: 200 with the latest one where nothing would be shown otherwise."""
    campaign = await campaigns.owned(session, caller, code)
    release, new = await service.make(session, campaign)
    if new:
        audit.record(session, caller, "releases.make", code, number=release.number)
    response.status_code = 201 if new else 200
    return ReleaseOut.model_validate(release)


@router.get("/{code}/releases", responses=replies(NotFound))
async def list_releases(
    code: CampaignCode,
    caller: Reader,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[ReleaseOut]:
    """List a campaign's releases, the newest first."""
    campaign = await campaigns.visible(session, caller, code)
    rows = await queries.releases(
        session, campaign.id, before=number_in_cursor(cursor), limit=limit
    )
    rows, following = paged(rows, limit, "number")
    items = [ReleaseOut.model_validate(row) for row in rows]
    return Page[ReleaseOut](items=items, next=following)
