"""Writing to the ledger beside those who answer: briefly, and giving way to everybody else."""

import asyncio
from collections.abc import Awaitable, Callable

from asyncpg.exceptions import (
    DeadlockDetectedError,
    DivisionByZeroError,
    LockNotAvailableError,
    UniqueViolationError,
)

from app.core.database import Connection, Database, driver_connection
from app.doubts import queries

AT_ONCE = 1000
"""Responses in one transaction: a fraction of a second, so that folding is not held up."""
_PAUSES = (0.05, 0.2, 0.5)


async def gently(
    database: Database, campaign_id: int, work: Callable[[Connection], Awaitable[int]]
) -> int | None:
    """Do this in a transaction of its own, again where somebody else has the same in hand.

    Returns what it returns; None where others are in the way for long, and then nothing was done.
    """
    for pause in _PAUSES:
        try:
            async with database.sessions.begin() as session:
                await queries.be_brief(session)
                connection = await driver_connection(session)
                await queries.hold_texts(connection, campaign_id)
                return await work(connection)
        except (
            LockNotAvailableError,
            DeadlockDetectedError,
            UniqueViolationError,
            DivisionByZeroError,
        ):
            await asyncio.sleep(pause)
    return None
