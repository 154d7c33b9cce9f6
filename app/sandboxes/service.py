"""Rules of sandboxes: who makes one, and who may empty it."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns import sandboxes
from app.campaigns import service as campaigns
from app.campaigns.problems import CampaignState, SandboxRefused
from app.campaigns.schemas import CampaignOut
from app.core.keyring import Keyring
from app.sandboxes import queries
from app.telephone import service as telephone


async def make(
    session: AsyncSession, caller: Principal, keyring: Keyring, code: str
) -> tuple[CampaignOut, bool]:
    """The sandbox of a campaign that the caller sees, and whether it is new.

    Errors: NotFound, SandboxRefused.
    """
    real = await campaigns.visible(session, caller, code)
    sandbox, created = await sandboxes.make(session, keyring, real)
    if created:
        audit.record(session, caller, "campaign.sandbox", code, sandbox=sandbox.code)
    return (await campaigns.described(session, [sandbox]))[0], created


async def reset(session: AsyncSession, caller: Principal, code: str) -> CampaignOut:
    """Empty the sandbox of a campaign and bring it in line with the campaign, as if it were new.

    Its owner may always do so, a contractor while nobody else has delivered to it. Errors:
    NotFound, SandboxRefused, CampaignState where it is archived.
    """
    real = await campaigns.visible(session, caller, code)
    named = await sandboxes.find(session, real)
    # Before the campaign, as who delivers does it, or two would wait for each other.
    await telephone.hold(session, named.id)
    sandbox = await campaigns.locked(session, caller, named.code)
    if sandbox.state == "archived" or sandbox.erased_at is not None:
        raise CampaignState("The sandbox is archived: nothing of it changes any more.")
    others = await queries.sources(session, sandbox.id) - {caller.id}
    owns = caller.may("campaigns:write") and await campaigns.owns(session, caller, real)
    if others and not owns:
        raise SandboxRefused(
            "Another client has delivered to it too: ask the bureau to empty it, or go on with "
            "interview_ids of your own."
        )
    if await queries.has_unfinished_jobs(session, sandbox.id):
        raise SandboxRefused("A delivery to it is still being taken: wait for its job to end.")
    await queries.stand_alone(session, sandbox.id)
    await queries.empty(session, sandbox.id)
    sandbox = await sandboxes.renew(session, sandbox)
    audit.record(session, caller, "campaign.sandbox-reset", real.code, sandbox=sandbox.code)
    return (await campaigns.described(session, [sandbox]))[0]
