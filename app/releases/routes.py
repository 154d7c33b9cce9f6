"""URLs of releases."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.access import audit
from app.access.principal import Principal, having
from app.access.turns import InTurn
from app.campaigns import service as campaigns
from app.core.database import Session
from app.core.problems import FieldError, InvalidInput, NotFound, replies
from app.core.schemas import Code, Cursor, Limit, Page, from_cursor, to_cursor
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
    rows = await queries.releases(session, campaign.id, before=_number(cursor), limit=limit)
    items = [ReleaseOut.model_validate(row) for row in rows[:limit]]
    following = to_cursor(str(items[-1].number)) if len(rows) > limit else None
    return Page[ReleaseOut](items=items, next=following)


def _number(cursor: str | None) -> int | None:
    position = from_cursor(cursor)
    if position is None:
        return None
    if not (position.isdecimal() and position.isascii() and len(position) <= 9):
        message = "Pass `next` of an earlier page of this address unchanged, or leave it out."
        raise InvalidInput(errors=[FieldError("?cursor", "bad_cursor", message)])
    return int(position)
