"""What a contractor may learn of who had answered before it called: a day's number, blurred.

Whoever chooses whom to deliver could ask after one person: by delivering the same person ten
times, or with nine others of whom it knows. So each response counts once for each contractor, on
the day when its person was first delivered; responses of the contractor's own don't count; a day
is told when it is over, once and for all; and the number is rounded down from where nobody can
foresee it. Then one response changes what is told with a probability of 1 in `min_cell`, and only
where at least `min_cell` others had come before as well.
"""

import hmac
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from app.core import clock
from app.core.database import Connection
from app.responses.directory import Rules
from app.responses.submission import Submission
from app.telephone.reconciliation import queries

_SLACK = timedelta(hours=1)
"""For so long after midnight something of the day before may still be committed."""


async def note(
    connection: Connection, rules: Rules, source_id: int, refused: Sequence[Submission]
) -> None:
    """Note the responses that had come before these, which were refused for them."""
    proofs = {one for submission in refused for one in submission.fingerprints}
    if not proofs or rules.identity_key is None:
        return
    held = await queries.holders(connection, rules.id, source_id, proofs)
    marks = [
        hmac.digest(rules.identity_key, b"interviews/before" + one.bytes, "sha256")[:16]
        for one in held
    ]
    day = clock.day_of(clock.now())
    await queries.note_answered_before(connection, rules.id, source_id, marks, day)


def told(rows: Iterable[Any], min_cell: int, now: datetime) -> dict[date, int]:
    """By day, the number that the contractor is told; days without one are not in it."""
    until = clock.day_of(now - _SLACK)
    numbers = {row.day: _blurred(row.responses, row.drawn, min_cell) for row in rows}
    return {day: number for day, number in numbers.items() if number and day < until}


def _blurred(responses: int, drawn: bytes, min_cell: int) -> int:
    offset = int.from_bytes(drawn, "big") % min_cell
    return (responses - offset) // min_cell * min_cell if responses >= min_cell else 0
