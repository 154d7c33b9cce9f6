"""The order in which one person is shown options: random, and known for ever from the response."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from app.questionnaires.schemas import Option


def shuffled(options: Sequence[Option], submission_id: UUID, code: str) -> list[Option]:
    """Options of a question with `random_order`, as the person of this response is shown them.

    By the SHA-256 of `submission_id/code/value`, so that whoever has the response has the order,
    and every client can work it out. What is exclusive or takes a text stays where it is.
    """
    moving = sorted(
        (one for one in options if _moves(one)),
        key=lambda one: hashlib.sha256(f"{submission_id}/{code}/{one.value}".encode()).digest(),
    )
    turn = iter(moving)
    return [next(turn) if _moves(one) else one for one in options]


def _moves(option: Option) -> bool:
    return not option.exclusive and option.text_length is None
