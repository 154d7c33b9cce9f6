"""The order of rows, and the cursors that point into it."""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import msgspec

from app.core.problems import FieldError, InvalidInput
from app.core.schemas import from_cursor, to_cursor

Row = TypeVar("Row")


class Order(NamedTuple):
    """Where a row stands: units by code, then as the campaign and its questionnaires say."""

    unitless: bool
    """Rows without a unit come last."""
    unit: str
    population: int
    channel: int
    day: int
    """As a proleptic ordinal."""
    line: int
    """The question among the questions, or the target among the targets."""


def after(cursor: str | None) -> Order | None:
    """The row after which a page begins. Errors: InvalidInput for a cursor that is not ours."""
    position = from_cursor(cursor)
    if position is None:
        return None
    try:
        return msgspec.json.decode(position, type=Order)
    except msgspec.DecodeError as error:
        message = "Pass `next` of an earlier page of this address unchanged, or leave it out."
        raise InvalidInput(errors=[FieldError("?cursor", "bad_cursor", message)]) from error


def page(
    rows: Iterable[tuple[Order, Row]], *, beyond: Order | None, limit: int | None
) -> tuple[list[Row], str | None]:
    """The rows beyond a place, at most `limit` of them, and the cursor of the next page."""
    taken: list[Row] = []
    last: Order | None = None
    for order, row in rows:
        if beyond is not None and order <= beyond:
            continue
        if limit is not None and len(taken) == limit and last is not None:
            return taken, to_cursor(msgspec.json.encode(last).decode())
        taken.append(row)
        last = order
    return taken, None
