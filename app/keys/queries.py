"""SQL of rotating keys."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tables import ServiceKey
from app.campaigns.tables import Campaign, CampaignKey
from app.core.keyring import KEY_ID_BYTES
from app.links.tables import InvitationBatch
from app.telephone.tables import DeliveryChunk


async def lock_campaign_keys(session: AsyncSession) -> list[CampaignKey]:
    """Every campaign's wrapped keys, which nobody else can change before this transaction ends."""
    statement = select(CampaignKey).order_by(CampaignKey.campaign_id, CampaignKey.purpose)
    return list(await session.scalars(statement.with_for_update()))


async def lock_service_keys(session: AsyncSession) -> list[ServiceKey]:
    """The deployment's own wrapped keys, which nobody else can change meanwhile."""
    statement = select(ServiceKey).order_by(ServiceKey.purpose).with_for_update()
    return list(await session.scalars(statement))


async def store_campaign_key(
    session: AsyncSession, campaign_id: int, purpose: str, wrapped: bytes
) -> None:
    """Store a campaign's key, wrapped anew."""
    await session.execute(
        update(CampaignKey)
        .where(CampaignKey.campaign_id == campaign_id, CampaignKey.purpose == purpose)
        .values(wrapped=wrapped)
    )


async def store_service_key(session: AsyncSession, purpose: str, wrapped: bytes) -> None:
    """Store a key of the deployment, wrapped anew."""
    await session.execute(
        update(ServiceKey).where(ServiceKey.purpose == purpose).values(wrapped=wrapped)
    )


async def wrapped_keys(session: AsyncSession) -> list[bytes]:
    """Every wrapped key there is."""
    campaigns = await session.scalars(select(CampaignKey.wrapped))
    return [*campaigns, *await session.scalars(select(ServiceKey.wrapped))]


async def batches_signed(session: AsyncSession) -> dict[bytes, int]:
    """By id of key: batches of invitations in force, of campaigns that are not over."""
    statement = (
        select(InvitationBatch.key_id, func.count().label("batches"))
        .join(Campaign, Campaign.id == InvitationBatch.campaign_id)
        .where(InvitationBatch.revoked_at.is_(None), Campaign.state.in_(("draft", "open")))
        .group_by(InvitationBatch.key_id)
    )
    return {row.key_id: row.batches for row in await session.execute(statement)}


async def deliveries_sealed(session: AsyncSession) -> dict[bytes, int]:
    """By id of key: deliveries of interviews that wait for their jobs."""
    key_id = func.substring(DeliveryChunk.sealed, 1, KEY_ID_BYTES)
    deliveries = func.count(DeliveryChunk.delivery_id.distinct())
    statement = select(key_id.label("key_id"), deliveries.label("deliveries")).group_by(key_id)
    return {row.key_id: row.deliveries for row in await session.execute(statement)}


async def open_campaigns(session: AsyncSession) -> int:
    """How many campaigns are open."""
    statement = select(func.count(Campaign.id)).where(Campaign.state == "open")
    return await session.scalar(statement) or 0
