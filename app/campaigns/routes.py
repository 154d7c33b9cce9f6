"""URLs of campaigns."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.access.principal import Caller, Principal, having
from app.campaigns import queries, service
from app.campaigns.problems import CampaignFrozen, CampaignState, SandboxRefused
from app.campaigns.schemas import CampaignIn, CampaignOut, State
from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.schemas import Code, Cursor, Limit, Page, from_cursor, paged
from app.questionnaires.problems import NotOwner
from app.units import service as units

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

Writer = Annotated[Principal, having("campaigns:write")]
CampaignCode = Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")]


@router.put(
    "/{code}",
    responses={
        201: {"model": CampaignOut},
        **replies(NotFound, NotOwner, CampaignFrozen, SandboxRefused),
    },
)
async def put_campaign(
    code: CampaignCode,
    campaign: CampaignIn,
    caller: Writer,
    request: Request,
    session: Session,
    response: Response,
) -> CampaignOut:
    """Create or change a campaign: 201 when it is new."""
    keyring = request.app.state.keyring
    stored, created = await service.put(session, caller, keyring, code, campaign)
    response.status_code = 201 if created else 200
    return stored


@router.get("/{code}", responses=replies(NotFound))
async def get_campaign(code: CampaignCode, caller: Caller, session: Session) -> CampaignOut:
    """Read one campaign."""
    campaign = await service.visible(session, caller, code)
    return (await service.described(session, [campaign]))[0]


@router.get("", responses=replies(NotFound))
async def list_campaigns(
    caller: Caller,
    session: Session,
    within: Annotated[
        Code | None, Query(description="Only campaigns of this unit and of those below it.")
    ] = None,
    state: Annotated[State | None, Query(description="Only campaigns in this state.")] = None,
    sandbox: Annotated[
        bool, Query(description="Only sandboxes, which are left out otherwise.")
    ] = False,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[CampaignOut]:
    """List the campaigns that the caller sees, in order of their codes."""
    root = await units.visible(session, caller, within) if within else None
    rows = await queries.list_campaigns(
        session,
        seen_from=caller.unit_id,
        within=root.id if root else None,
        state=state,
        sandbox=sandbox,
        after=from_cursor(cursor),
        limit=limit,
    )
    campaigns, following = paged(rows, limit, "code")
    items = await service.described(session, campaigns)
    return Page[CampaignOut](items=items, next=following)


@router.post("/{code}/open", responses=replies(NotFound, NotOwner, CampaignState))
async def open_campaign(code: CampaignCode, caller: Writer, session: Session) -> CampaignOut:
    """Open a campaign: its rules are fixed, and links answer inside its window."""
    return await service.move(session, caller, code, "open")


@router.post("/{code}/close", responses=replies(NotFound, NotOwner, CampaignState))
async def close_campaign(code: CampaignCode, caller: Writer, session: Session) -> CampaignOut:
    """Close an open campaign before its time."""
    return await service.move(session, caller, code, "closed")


@router.post("/{code}/archive", responses=replies(NotFound, NotOwner, CampaignState))
async def archive_campaign(code: CampaignCode, caller: Writer, session: Session) -> CampaignOut:
    """Archive a closed campaign: it never changes again."""
    return await service.move(session, caller, code, "archived")
