"""How many responses came through each link and each batch: read as fast at ten million of them."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import driver_connection
from app.counts.origins import queries
from app.responses.tables import Channel

LINK = (Channel.link, Channel.wechat)
"""The channels whose origin is a link."""
BATCH = (Channel.invitation,)


async def answered(
    session: AsyncSession,
    campaign_id: int,
    channels: tuple[Channel, ...],
    origin_ids: Collection[int],
) -> dict[int, int]:
    """Counted responses by origin, exact at the instant of the statement; none is 0."""
    connection = await driver_connection(session)
    found = await queries.answered(connection, campaign_id, channels, origin_ids)
    return {one: found.get(one, 0) for one in origin_ids}
