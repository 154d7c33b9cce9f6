"""Folding: adding the ledger's new rows to the running counts, in the background.

Any number of processes may try; one at a time does it. The counts and how far they go are changed
in one transaction, so a reader finds every row either in the counts or beyond them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from asyncpg.exceptions import SerializationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import service as campaigns
from app.core import database_errors
from app.core.background import background
from app.core.database import Connection, Database, driver_connection
from app.counts import queries
from app.counts.layouts import layouts_of
from app.counts.origins import queries as by_origin

log = logging.getLogger("xinsheng.counts")

INTERVAL = 2.0
"""Seconds from the end of one folding to the next."""
MOST_ROWS = 200_000
"""Rows that are folded in one transaction, about: as many may a reader have to count itself."""
_AFTER_FAILURE = 5.0
_RESTED = timedelta(seconds=5)


@dataclass(frozen=True)
class Folded:
    """How far a folding came."""

    caught_up: bool
    """Whether everything that could be folded is."""


@asynccontextmanager
async def at_one_instant(database: Database) -> AsyncIterator[AsyncSession]:
    """A session that sees one instant throughout, without a limit of time; commits at the end."""
    async with database.sessions.begin() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        await queries.without_time_limit(session)
        yield session


async def fold(database: Database, *, most: int = MOST_ROWS) -> Folded | None:
    """Fold what is not folded yet, up to about so many rows; None where another process does."""
    try:
        async with at_one_instant(database) as session:
            if not await queries.lock_folding(session):
                return None
            return await _fold(session, await driver_connection(session), most)
    except SerializationError:
        # Somebody else folded between our first look and our lock.
        return None


async def _fold(session: AsyncSession, connection: Connection, most: int) -> Folded:
    state = await queries.state(connection)
    since, below = state["folded_below"], state["finished_below"]
    enough = await queries.nth_unfolded(connection, since, most)
    if enough is not None:
        below = min(below, enough)
    present = await queries.present_in(connection, since=since, below=below)
    await _follow_moves(session, connection, {campaign_id for campaign_id, _ in present})
    for campaign_id in {campaign_id for campaign_id, _ in present}:
        await queries.announce(connection, campaign_id)
    for campaign_id, population in present:
        layout = (await _layouts(session, campaign_id))[population]
        await queries.fold(connection, campaign_id, population, layout, since=since, below=below)
        await by_origin.fold(connection, campaign_id, population, since=since, below=below)
    if present or state["now"] - state["folded_until"] > _RESTED:
        await queries.end_folding(connection, folded_below=below, **_progress(state, below))
    return Folded(caught_up=below == state["finished_below"])


def _progress(state: Any, below: int) -> dict[str, Any]:
    """What is known of when everything was folded, now that all below this transaction is."""
    if below >= state["begun_below"]:
        seen, until = (state["begun_below"], state["now"]), state["now"]
    elif below >= state["seen_below"]:
        seen, until = (state["begun_below"], state["now"]), state["seen_at"]
    else:
        seen, until = (state["seen_below"], state["seen_at"]), state["folded_until"]
    return {"seen_below": seen[0], "seen_at": seen[1], "folded_until": until}


async def _follow_moves(session: AsyncSession, connection: Connection, present: set[int]) -> None:
    """Make the sums below anew where units have moved: for these campaigns and one other."""
    moved = await queries.moved(connection)
    for campaign_id in {*(present & set(moved)), *moved[:1]}:
        layouts = await _layouts(session, campaign_id)
        await queries.sum_below(connection, campaign_id, layouts)
        await queries.note_tree(connection, campaign_id)
    for campaign_id in present.difference(moved):
        await queries.note_tree(connection, campaign_id)


async def adopt(database: Database) -> bool:
    """Begin to count anew where the database was moved here from another server, as by a restore.

    The numbers of transactions don't travel. Returns whether it was so; nothing needs to wait for
    the folding that follows, since what is not folded is counted when it is read.
    """
    async with database.sessions.begin() as session:
        if not await queries.moved_here(session):
            return False
        await begin_anew(session)
        return True


async def begin_anew(session: AsyncSession) -> None:
    """Throw the running counts away, so that everything is folded again."""
    await queries.without_time_limit(session)
    await queries.begin_anew(session)


async def lag_seconds(session: AsyncSession) -> float:
    """Seconds since every stored response was in the running counts."""
    return float((await queries.lag(session, most=1))["seconds"])


async def _layouts(session: AsyncSession, campaign_id: int) -> dict[int, Any]:
    return await layouts_of(session, await campaigns.populations(session, campaign_id))


async def _keep_folding(database: Database) -> None:
    while True:
        pause = INTERVAL
        try:
            folded = await fold(database)
            if folded is not None and not folded.caught_up:
                pause = 0
        except Exception as error:
            if database_errors.meaning(error) == "away":
                log.warning("not folded: %s", type(error).__name__)
            else:
                log.error("not folded", exc_info=error)
            pause = _AFTER_FAILURE
        await asyncio.sleep(pause)


def folding(database: Database) -> AbstractAsyncContextManager[None]:
    """Fold in the background while the context lasts, whenever nobody else does.

    What goes wrong is logged and tried again.
    """
    return background(_keep_folding(database))
