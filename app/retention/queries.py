"""SQL of retention."""

from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import RevokedToken
from app.campaigns.tables import Campaign, CampaignKey
from app.responses.tables import Claim, ResponseText, VoidedClaim
from app.telephone.tables import Interview

_DUE = (
    Campaign.closes_at
    + func.make_interval(0, 0, 0, Campaign.delivery_days + Campaign.retention_days)
    <= func.now()
)


async def take_turn(session: AsyncSession) -> bool:
    """Be the one process that erases, until this transaction ends; False where another is."""
    taken = await session.scalar(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended('retention', 0))")
    )
    return bool(taken)


async def without_time_limit(session: AsyncSession) -> None:
    """Let this transaction's statements take as long as a million rows do."""
    await session.execute(text("SET LOCAL statement_timeout = 0"))


async def due(session: AsyncSession) -> list[Any]:
    """Campaigns whose time is over and that were not erased yet: `id` and `code`."""
    statement = select(Campaign.id, Campaign.code).where(_DUE, Campaign.erased_at.is_(None))
    return list(await session.execute(statement.order_by(Campaign.id)))


async def erase(session: AsyncSession, campaign_id: int) -> dict[str, int]:
    """Erase what could lead to a person in a campaign; returns how many rows of what."""
    await session.execute(
        delete(CampaignKey).where(
            CampaignKey.campaign_id == campaign_id, CampaignKey.purpose == "identity"
        )
    )
    erased = {}
    for name, statement in (
        ("claims", delete(Claim).where(Claim.campaign_id == campaign_id)),
        ("voided", delete(VoidedClaim).where(VoidedClaim.campaign_id == campaign_id)),
        ("texts", delete(ResponseText).where(ResponseText.campaign_id == campaign_id)),
        (
            "interviews",
            update(Interview)
            .where(Interview.campaign_id == campaign_id)
            .values(child=None, sample_id=None, interviewer=None, content_mac=b""),
        ),
    ):
        result: Any = await session.execute(statement)
        erased[name] = result.rowcount
    await session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(erased_at=func.now(), revision=Campaign.revision + 1)
    )
    return erased


async def forget_revoked_tokens(session: AsyncSession) -> None:
    """Drop the revocations of tokens that have expired by now."""
    await session.execute(delete(RevokedToken).where(RevokedToken.expires_at < func.now()))
