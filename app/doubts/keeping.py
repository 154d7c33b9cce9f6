"""What goes on in the background: voids are carried out to the end, and responses judged."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager

from app.core import database_errors
from app.core.background import background
from app.core.database import Database
from app.doubts import voiding
from app.doubts.judging import judge_next
from app.doubts.signs import Thresholds

log = logging.getLogger("xinsheng.doubts")

INTERVAL = 60.0
"""Seconds from the end of one round to the next."""


async def keep(database: Database, thresholds: Thresholds) -> None:
    """One round: everything that is due by now, unless another process is at it."""
    await voiding.carry_out_all(database)
    while await judge_next(database, thresholds) is not None:
        pass


def keeping(database: Database, thresholds: Thresholds) -> AbstractAsyncContextManager[None]:
    """Keep doubts up to date in the background while the context lasts.

    What goes wrong is logged and tried again.
    """
    return background(_keep_on(database, thresholds))


async def _keep_on(database: Database, thresholds: Thresholds) -> None:
    while True:
        # First of all, those who wait since the start are served.
        await asyncio.sleep(INTERVAL)
        try:
            await keep(database, thresholds)
        except Exception as error:
            if database_errors.meaning(error) == "away":
                log.warning("not judged: %s", type(error).__name__)
            else:
                log.error("not judged", exc_info=error)
