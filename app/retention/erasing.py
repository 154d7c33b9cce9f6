"""Erasing, when its time is over, whatever could lead to a person.

Of a campaign: its identity key, the claims made under it, texts, and what interviews say beyond
their answers. What stays are closed answers, which lead to nobody, and receipts' proof of arrival.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.access import audit
from app.access.service import forget_replies
from app.core import clock, database_errors
from app.core.background import background
from app.core.database import Database
from app.responses.directory import Directory
from app.retention import queries
from app.retention.destroying import carry_out, entries, entry_of, put_on, replay, wipe
from app.retention.lists import Entry, ListRefused, Lists

log = logging.getLogger("xinsheng.retention")

_PAUSE_SECONDS = 3600
_AFTER_FAILURE = 60
_FORGOTTEN_WITHIN = 60


async def erase_due(database: Database, lists: Lists) -> list[str]:
    """Erase every campaign whose time is over; returns their codes.

    Each in a transaction of its own. Nothing happens where another process is at it.
    """
    async with database.sessions.begin() as session:
        if not await queries.take_turn(session):
            return []
        due = await queries.due(session)
    erased = []
    for code in due:
        async with database.sessions.begin() as session:
            if not await queries.take_turn(session):
                break
            campaign = await queries.lock_campaign(session, code)
            if campaign is None or campaign.erased_at is not None:
                continue
            await queries.without_time_limit(session)
            found = await carry_out(session, campaign, "retention", clock.now())
            audit.record_service(session, "campaign.erase", code, **found.erased)
            await put_on(session, lists, [entry_of(campaign, found)])
        erased.append(code)
    return erased


async def finish(database: Database, lists: Lists) -> list[Entry]:
    """Finish what destroying left behind; returns what was destroyed again.

    What is on the list but not done here, since it was cut short or an older database was put in
    place; what is done but missing on a list; claims that came in at the same moment; deleted
    keys in the database's files.
    """
    try:
        listed = await asyncio.to_thread(lists.entries)
    except (ListRefused, OSError) as error:
        log.error("the list of destructions: %s", error)
        listed = set()
    async with database.sessions.begin() as session:
        if not await queries.take_turn(session):
            return []
        await queries.without_time_limit(session)
        again = await replay(session, listed)
        await queries.delete_stragglers(session)
        lately = await queries.destroyed_lately(session)
        done = await entries(session)
        if done:
            await put_on(session, lists, done)
    if lately:
        await wipe(database)
    return again


async def forget_expired(database: Database) -> None:
    """Drop what is kept for hours: replies under an Idempotency-Key, revocations."""
    async with database.sessions.begin() as session:
        await forget_replies(session)
        await queries.forget_revoked_tokens(session)


async def forget_keys(database: Database, directory: Directory) -> None:
    """Drop keys from this process's memory that were destroyed, by whichever process; and what
    WeChat said of people, which is good for minutes."""
    async with database.sessions.begin() as session:
        directory.forget_keys(await queries.destroyed(session))
        await queries.forget_wechat(session)


@asynccontextmanager
async def erasing(database: Database, lists: Lists, directory: Directory) -> AsyncIterator[None]:
    """Erase in the background while the context lasts, every hour; forget keys every minute."""
    async with (
        background(_keep_erasing(database, lists)),
        background(_keep_forgetting(database, directory)),
    ):
        yield


async def _keep_erasing(database: Database, lists: Lists) -> None:
    while True:
        pause = _PAUSE_SECONDS
        try:
            await finish(database, lists)
            await erase_due(database, lists)
            await forget_expired(database)
        except Exception as error:
            pause = _AFTER_FAILURE
            _log("nothing erased", error)
        await asyncio.sleep(pause)


async def _keep_forgetting(database: Database, directory: Directory) -> None:
    while True:
        await asyncio.sleep(_FORGOTTEN_WITHIN)
        try:
            await forget_keys(database, directory)
        except Exception as error:
            _log("no keys forgotten", error)


def _log(what: str, error: Exception) -> None:
    if database_errors.meaning(error) == "away":
        log.warning("%s: %s", what, type(error).__name__)
    else:
        log.error(what, exc_info=error)
