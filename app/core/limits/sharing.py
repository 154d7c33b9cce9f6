"""Adding up the counts of all processes once a second, in a table that is not logged.

So a limit holds for the deployment and not for a process, and nobody waits for it.
"""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager

from app.core import database_errors
from app.core.background import background
from app.core.database import Pool, lent
from app.core.limits import queries
from app.core.limits.counting import Limits

log = logging.getLogger("xinsheng.limits")

_PAUSE_SECONDS = 1.0


async def share(limits: Limits, pool: Pool) -> None:
    """Tell the other processes what nears its limit, and learn what they have counted."""
    minute, near = limits.near()
    if near:
        async with lent(pool) as connection:
            limits.learn(minute, near, await queries.add(connection, minute, near))


def sharing(limits: Limits, pool: Pool) -> AbstractAsyncContextManager[None]:
    """Share the counts with other processes while the context lasts."""
    return background(_keep_sharing(limits, pool))


async def _keep_sharing(limits: Limits, pool: Pool) -> None:
    while True:
        await asyncio.sleep(_PAUSE_SECONDS)
        try:
            await share(limits, pool)
        except Exception as error:
            # Each process goes on by itself: a limit must not depend on the database.
            if database_errors.meaning(error) != "away":
                log.error("limits are not shared", exc_info=error)
