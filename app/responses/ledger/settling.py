"""Settling responses in transactions of their own, again where they were in each other's way."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from asyncpg.exceptions import DeadlockDetectedError, UniqueViolationError

from app.core.database import Connection
from app.core.problems import Busy
from app.responses import ledger
from app.responses import queries as standing
from app.responses.ledger import queries
from app.responses.submission import Outcome, Submission
from app.responses.tables import Cause

_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds, at most, before each further try."""
_IN_TURN = 100
"""Answers of one person that may be waiting for each other."""
_T = TypeVar("_T")


class _TakenMeanwhile(Exception):
    """Another answer of the same person came in between."""


async def settle(connection: Connection, submissions: Sequence[Submission]) -> list[Outcome]:
    """Store a batch of responses, or let them replace their persons' earlier ones.

    Returns the outcome of each once all is committed; not in a transaction. Errors: Busy.
    """
    outcomes = await in_a_transaction(connection, partial(ledger.store, connection, submissions))
    for index, submission in enumerate(submissions):
        if submission.keep_last and outcomes[index] is Outcome.already_answered:
            replacing = partial(_replace, connection, submission)
            outcomes[index] = await in_a_transaction(connection, replacing)
    return outcomes


async def in_a_transaction(connection: Connection, work: Callable[[], Awaitable[_T]]) -> _T:
    """Do this in a transaction, and again where others, who changed the same, were first.

    Errors: Busy where that happens again and again; then nothing was done.
    """
    for pause in _PAUSES:
        try:
            async with connection.transaction():
                return await work()
        except (DeadlockDetectedError, UniqueViolationError, _TakenMeanwhile):
            # Not all at once again.
            await asyncio.sleep(random.uniform(0, pause))  # nosec B311 # no secret
    raise Busy()


async def _replace(connection: Connection, submission: Submission) -> Outcome:
    """Put a response in the place of its person's earlier one through the same channel."""
    [itself] = await ledger.earlier(connection, [submission])
    if itself is not None:
        return itself
    for _ in range(_IN_TURN):
        holders = await standing.lock_holders(connection, submission)
        if holders:
            return await _replace_held(connection, submission, holders)
        # While it waited, the earlier one was withdrawn, or gave way to another already.
        [outcome] = await ledger.store(connection, [submission])
        if outcome is not Outcome.already_answered:
            return outcome
    raise _TakenMeanwhile


async def _replace_held(
    connection: Connection, submission: Submission, holders: set[UUID]
) -> Outcome:
    former = await standing.latest(connection, [(submission.campaign_id, one) for one in holders])
    # Across channels the first always stands; nor can one response replace two.
    if len(holders) != 1 or former[0]["channel"] != submission.channel:
        return Outcome.already_answered
    undoing = connection.transaction()
    await undoing.start()
    await ledger.withdraw(connection, submission.campaign_id, holders.pop(), Cause.replaced)
    [row] = await queries.insert(connection, [submission])
    if row["stored"]:
        await undoing.commit()
        return Outcome.replaced
    if not row["outdated"]:
        raise _TakenMeanwhile
    await undoing.rollback()
    return Outcome.outdated
