"""URLs of sandboxes."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.access.principal import Principal, having
from app.campaigns.problems import CampaignState, SandboxRefused
from app.campaigns.schemas import CampaignOut
from app.core.database import Session
from app.core.problems import Busy, NotFound, replies
from app.core.schemas import Code
from app.sandboxes import service

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

Trier = Annotated[Principal, having("campaigns:write", "interviews:write", "tallies:write")]
CampaignCode = Annotated[
    Code, Path(description="The real campaign's code; its sandbox adds -sandbox.")
]


@router.post(
    "/{code}/sandbox",
    responses={201: {"model": CampaignOut}, **replies(NotFound, SandboxRefused)},
)
async def make_sandbox(
    code: CampaignCode, caller: Trier, request: Request, session: Session, response: Response
) -> CampaignOut:
    """Make a campaign's sandbox, for trying: 201 when it is new.

    A campaign of its own, `{code}-sandbox`, open at once and for as long as the real one takes
    deliveries, that behaves the same in everything and counts nowhere. Any client that may
    deliver makes it, so that nobody has to wait; its owner closes and opens it like the real one.
    """
    made, created = await service.make(session, caller, request.app.state.keyring, code)
    response.status_code = 201 if created else 200
    return made


@router.post(
    "/{code}/sandbox/reset", responses=replies(NotFound, SandboxRefused, CampaignState, Busy)
)
async def reset_sandbox(code: CampaignCode, caller: Trier, session: Session) -> CampaignOut:
    """Empty a campaign's sandbox, so that trying begins anew.

    Everything that was sent to it or answered in it is deleted for good, at once or not at all,
    and Idempotency-Keys used for it are forgotten; its links and invitations stay. A contractor
    may do so while nobody else has delivered to it, its owner always.
    """
    return await service.reset(session, caller, code)
