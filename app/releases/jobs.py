"""What releases do by themselves: one a night for every campaign that has something new."""

import logging
from contextlib import suppress
from datetime import datetime, time, timedelta

from app.campaigns.tables import Campaign
from app.core import clock, database_errors
from app.core.database import Database
from app.releases import queries, service
from app.releases.problems import NoMoreReleases, NothingToRelease

log = logging.getLogger("xinsheng.releases")

NIGHT = time(3)
"""In Asia/Shanghai: what was answered before is in the release of the morning."""


async def release_nightly(database: Database) -> None:
    """Make the releases that are due, each in a transaction of its own.

    It may run at any hour and as often as it likes: after a night without a worker the releases
    are made up for. A campaign that fails is logged, keeps no other from its release, and is tried
    again the next time. Errors: those of a database that is away.
    """
    since = last_night(clock.now())
    async with database.sessions() as session:
        due = await queries.due(session, since=since)
    for campaign_id in due:
        try:
            await _release(database, campaign_id)
        except Exception as error:
            if database_errors.meaning(error) == "away":
                raise
            log.error("campaign %s was not released", campaign_id, exc_info=error)


async def _release(database: Database, campaign_id: int) -> None:
    """Make a release where there is one to make: somebody may just have made the final one."""
    async with database.sessions.begin() as session:
        campaign = await session.get_one(Campaign, campaign_id)
        with suppress(NothingToRelease, NoMoreReleases):
            await service.make(session, campaign)


def last_night(now: datetime) -> datetime:
    """When it was last three in the morning."""
    here = now.astimezone(clock.SHANGHAI)
    night = datetime.combine(here.date(), NIGHT, clock.SHANGHAI)
    return night if night <= here else night - timedelta(days=1)
