"""What releases do by themselves: one a night for every campaign that has something new."""

from datetime import datetime, time, timedelta

from app.campaigns.tables import Campaign
from app.core import clock
from app.core.database import Database
from app.releases import queries, service
from app.releases.problems import NothingToRelease

NIGHT = time(3)
"""In Asia/Shanghai: what was answered before is in the release of the morning."""


async def release_nightly(database: Database) -> None:
    """Make the releases that are due, each in a transaction of its own.

    It may run at any hour and as often as it likes: after a night without a worker the releases
    are made up for.
    """
    since = last_night(clock.now())
    async with database.sessions() as session:
        due = await queries.due(session, since=since)
    for campaign_id in due:
        async with database.sessions.begin() as session:
            campaign = await session.get_one(Campaign, campaign_id)
            try:
                await service.make(session, campaign)
            except NothingToRelease:
                continue


def last_night(now: datetime) -> datetime:
    """When it was last three in the morning."""
    here = now.astimezone(clock.SHANGHAI)
    night = datetime.combine(here.date(), NIGHT, clock.SHANGHAI)
    return night if night <= here else night - timedelta(days=1)
