"""The URL that ends a campaign's key."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Path, Request

from app.access.principal import Principal, having
from app.campaigns.problems import CampaignState
from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.schemas import Code
from app.questionnaires.problems import NotOwner
from app.retention import destroying
from app.retention.lists import Lists
from app.retention.problems import ListNotWritten
from app.retention.schemas import DestructionIn, DestructionOut

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])


@router.post(
    "/{code}/destroy-key", responses=replies(NotFound, NotOwner, CampaignState, ListNotWritten)
)
async def destroy_key(
    code: Annotated[Code, Path(description="The campaign's code, such as 2026-autumn.")],
    confirmed: DestructionIn,
    caller: Annotated[Principal, having("campaigns:write")],
    request: Request,
    session: Session,
    tasks: BackgroundTasks,
) -> DestructionOut:
    """Destroy an archived campaign's identity key, for good.

    After that nobody can match a phone number, account, invitation or device to a response, nor
    tell who has answered: the claims go with the key. Counts, answers and receipts stay.
    Repeated, it tells what the first time did.
    """
    lists = Lists.of(request.app.state.settings, request.app.state.keyring)
    found = await destroying.destroy(session, caller, lists, code=code, confirm=confirmed.confirm)
    tasks.add_task(destroying.wipe, request.app.state.database)  # after the commit
    return found
