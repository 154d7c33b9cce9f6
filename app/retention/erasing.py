"""Erasing, when its time is over, whatever could lead to a person.

Of a campaign: its identity key, the claims made under it, texts, and what interviews say beyond
their answers. What stays are closed answers, which lead to nobody, and receipts' proof of arrival.
"""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager

from app.access import audit
from app.access.service import forget_replies
from app.core import database_errors
from app.core.background import background
from app.core.database import Database
from app.retention import queries

log = logging.getLogger("xinsheng.retention")

_PAUSE_SECONDS = 3600
_AFTER_FAILURE = 60


async def erase_due(database: Database) -> list[str]:
    """Erase every campaign whose time is over; returns their codes.

    Each in a transaction of its own. Nothing happens where another process is at it.
    """
    async with database.sessions.begin() as session:
        if not await queries.take_turn(session):
            return []
        campaigns = await queries.due(session)
    erased = []
    for campaign in campaigns:
        async with database.sessions.begin() as session:
            if not await queries.take_turn(session):
                break
            await queries.without_time_limit(session)
            rows = await queries.erase(session, campaign.id)
            audit.record_service(session, "campaign.erase", campaign.code, **rows)
        erased.append(campaign.code)
    return erased


async def forget_expired(database: Database) -> None:
    """Drop what is kept for some hours only: replies under an Idempotency-Key, revocations."""
    async with database.sessions.begin() as session:
        await forget_replies(session)
        await queries.forget_revoked_tokens(session)


def erasing(database: Database) -> AbstractAsyncContextManager[None]:
    """Erase in the background while the context lasts, every hour."""
    return background(_keep_erasing(database))


async def _keep_erasing(database: Database) -> None:
    while True:
        pause = _PAUSE_SECONDS
        try:
            await erase_due(database)
            await forget_expired(database)
        except Exception as error:
            pause = _AFTER_FAILURE
            if database_errors.meaning(error) == "away":
                log.warning("nothing erased: %s", type(error).__name__)
            else:
                log.error("nothing erased", exc_info=error)
        await asyncio.sleep(pause)
