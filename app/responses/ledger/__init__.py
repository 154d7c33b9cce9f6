"""Storing responses: claims and ledger rows, all of a response or nothing of it.

Every channel comes through here: the group commit of the page and the API in `intake`, and the
telephone in the transactions of its deliveries.
"""

from collections.abc import Sequence
from uuid import UUID

from asyncpg.exceptions import DeadlockDetectedError, DivisionByZeroError, UniqueViolationError

from app.core.database import Connection
from app.questionnaires.validator import Encoded
from app.responses import queries as standing
from app.responses.ledger import queries
from app.responses.submission import Outcome, Submission
from app.responses.tables import Cause

_COUNTED_ONCE_BEFORE = (Cause.replaced, Cause.voided)
"""What takes a response out of the count without its person having asked for it."""


async def store_new(
    connection: Connection, submissions: Sequence[Submission]
) -> list[Outcome | None]:
    """Store what is plainly new, in statements that commit; not in a transaction.

    Returns an outcome for each that is stored by now. The others bind nothing yet: what becomes
    of them is for `store` to say.
    """
    outcomes: list[Outcome | None] = [None] * len(submissions)
    of_one: list[int] = []
    of_several: list[int] = []
    for index in _plain(submissions):
        alike = of_one if len(submissions[index].fingerprints) == 1 else of_several
        alike.append(index)
    for indexes in filter(None, (of_one, of_several)):
        for index in await _stored_of(connection, submissions, indexes):
            outcomes[index] = Outcome.stored
    return outcomes


def _plain(submissions: Sequence[Submission]) -> list[int]:
    """The indexes of those with proofs that bring neither a key nor a proof of one before."""
    keys: set[tuple[int, UUID]] = set()
    proofs: set[tuple[int, bytes]] = set()
    plain = []
    for index, submission in enumerate(submissions):
        claims = {(submission.campaign_id, one) for one in submission.fingerprints}
        if submission.key not in keys and claims and proofs.isdisjoint(claims):
            plain.append(index)
        keys.add(submission.key)
        proofs |= claims
    return plain


async def _stored_of(
    connection: Connection, submissions: Sequence[Submission], indexes: Sequence[int]
) -> set[int]:
    try:
        left = await queries.insert_new(connection, [submissions[index] for index in indexes])
    except (UniqueViolationError, DivisionByZeroError, DeadlockDetectedError):
        return set()
    return set(indexes).difference(indexes[number] for number in left)


async def store(connection: Connection, submissions: Sequence[Submission]) -> list[Outcome]:
    """Store a batch of responses; the connection is in a transaction that the caller commits.

    Returns the outcome of each, in order. A refused response binds nothing. Equal submissions
    within the batch count as sent one after the other. Nothing is replaced here: `keep_last` is
    for `settling`.
    """
    first: dict[tuple[int, UUID], int] = {}
    for index, submission in enumerate(submissions):
        first.setdefault(submission.key, index)
    chosen = [submissions[index] for index in first.values()]
    outcomes: list[Outcome | None] = [None] * len(submissions)
    bound: list[tuple[int, bytes]] = []
    for row in await queries.insert(connection, chosen):
        submission = chosen[row["index"]]
        if row["outdated"]:
            outcomes[first[submission.key]] = Outcome.outdated
        elif row["stored"]:
            outcomes[first[submission.key]] = Outcome.stored
        else:
            # Only what it took now: under the same id it may hold proofs from before.
            bound += [(submission.campaign_id, one) for one in row["taken"] or ()]
    if bound:
        await queries.release(connection, bound)
    freed = set(bound) if len(submissions) > 1 else set()
    for index, submission in enumerate(submissions):
        if outcomes[first[submission.key]] is Outcome.outdated:
            outcomes[index] = Outcome.outdated
    unsettled = [index for index, outcome in enumerate(outcomes) if outcome is None]
    if unsettled:
        refused = [submissions[index] for index in unsettled]
        for index, former in zip(unsettled, await earlier(connection, refused), strict=True):
            outcomes[index] = former or await _refused(connection, submissions[index], freed)
    return [outcome for outcome in outcomes if outcome is not None]


async def store_many(connection: Connection, submissions: Sequence[Submission]) -> list[Outcome]:
    """As `store`, faster for hundreds of one campaign that are mostly new.

    Errors: UniqueViolationError where another transaction is just storing one of them.
    """
    outcomes: list[Outcome | None] = [None] * len(submissions)
    plain = _plain(submissions)
    free = await queries.claim(connection, [submissions[index] for index in plain]) if plain else ()
    won, bound = [], []
    for index in plain:
        submission = submissions[index]
        taken = [one for one in submission.fingerprints if one in free]
        if len(taken) == len(submission.fingerprints):
            won.append(submission)
            outcomes[index] = Outcome.stored
        else:
            bound += [(submission.campaign_id, one) for one in taken]
    if bound:
        await queries.release(connection, bound)
    if won:
        await queries.append_new(connection, won)
    left = await _not_held(connection, submissions, outcomes)
    if left:
        others = await store(connection, [submissions[index] for index in left])
        for index, outcome in zip(left, others, strict=True):
            outcomes[index] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


async def _not_held(
    connection: Connection, submissions: Sequence[Submission], outcomes: list[Outcome | None]
) -> list[int]:
    """Refuse those of which somebody else's response holds a proof; the indexes of the others.

    All at once, so that how long a delivery takes doesn't tell who has answered.
    """
    left = [index for index, outcome in enumerate(outcomes) if outcome is None]
    if not left:
        return left
    held = await queries.held(connection, [submissions[index] for index in left])
    for index in left:
        submission = submissions[index]
        holders = {held[one] for one in submission.fingerprints if one in held}
        if holders - {submission.submission_id}:
            outcomes[index] = Outcome.already_answered
    return [index for index in left if outcomes[index] is None]


async def _refused(
    connection: Connection, submission: Submission, freed: set[tuple[int, bytes]]
) -> Outcome:
    if not freed.isdisjoint((submission.campaign_id, one) for one in submission.fingerprints):
        # It may have lost a proof to one that was then refused for another of its proofs.
        return (await store(connection, [submission]))[0]
    return Outcome.already_answered


async def earlier(
    connection: Connection, submissions: Sequence[Submission]
) -> list[Outcome | None]:
    """For each submission: what it is to the one stored under its id, None where there is none."""
    rows = await standing.latest(connection, [submission.key for submission in submissions])
    found: list[Outcome | None] = []
    for index, submission in enumerate(submissions):
        row = rows.get(index)
        if row is None:
            found.append(None)
        elif row["sign"] < 0 and row["cause"] not in _COUNTED_ONCE_BEFORE:
            found.append(Outcome.withdrawn)
        elif encoded_of(row) == submission.encoded:
            found.append(Outcome.replayed)
        else:
            found.append(Outcome.conflicting)
    return found


def encoded_of(row: dict[str, object]) -> Encoded:
    """The answers in a row of `standing.latest`."""
    numbers = row["numbers"]
    texts = zip(row["positions"], row["bodies"], strict=True)  # type: ignore[call-overload]
    return Encoded(
        answers=row["answers"],  # type: ignore[arg-type]
        numbers=None if numbers is None else tuple(numbers),  # type: ignore[arg-type]
        texts=tuple(texts),
    )


async def revise(connection: Connection, submission: Submission) -> Outcome:
    """Put new content in the place of a response's present content, or store it anew.

    What was counted is reversed and the new content counted, both by appended rows. Outcomes:
    stored; already_answered where a proof belongs to another response by now: then nothing of
    this response counts any more.
    """
    rows = await standing.latest(connection, [submission.key])
    row = rows.get(0)
    if row is None:
        return (await store(connection, [submission]))[0]
    if row["sign"] > 0:
        await standing.reverse(connection, *submission.key, row["sequence"], Cause.revised)
    if not await standing.take_claims(connection, submission):
        return Outcome.already_answered
    sequence = row["sequence"] + (2 if row["sign"] > 0 else 1)
    await standing.append(connection, submission, sequence)
    return Outcome.stored


async def withdraw(
    connection: Connection, campaign_id: int, submission_id: UUID, cause: Cause = Cause.withdrawn
) -> bool:
    """Take a response out of the count and free its persons; whether there was one counted.

    One that was voided cannot be restored after that. Errors: UniqueViolationError where it is
    changed at the same moment; nothing is taken twice.
    """
    row = (await standing.latest(connection, [(campaign_id, submission_id)])).get(0)
    if row is None:
        return False
    await standing.lock_claims(connection, campaign_id, submission_id)
    counted: bool = row["sign"] > 0
    if counted:
        await standing.reverse(connection, campaign_id, submission_id, row["sequence"], cause)
    elif row["cause"] == Cause.voided:
        await standing.withdraw_voided(connection, campaign_id, submission_id, row["sequence"])
    else:
        return False
    await standing.free_claims(connection, campaign_id, submission_id)
    return counted
