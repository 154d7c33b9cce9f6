"""The order of rows, and the cursors that point into it."""

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

import msgspec

from app.core.schemas import bad_cursor, from_cursor, to_cursor

_HANDFUL = 200
"""Rows that are made in some milliseconds."""
Row = TypeVar("Row")
Place = TypeVar("Place", bound=tuple[Any, ...])
"""A named tuple by which rows are ordered."""


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


def after(cursor: str | None, kind: type[Place]) -> Place | None:
    """The row after which a page begins. Errors: InvalidInput for a cursor that is not ours."""
    position = from_cursor(cursor)
    if position is None:
        return None
    try:
        place: Place = msgspec.json.decode(position, type=kind)
    except msgspec.DecodeError as error:
        raise bad_cursor() from error
    return place


async def page(
    rows: Iterable[tuple[Place, Row]], *, beyond: Place | None, limit: int | None
) -> tuple[list[Row], str | None]:
    """The rows beyond a place, at most `limit` of them, and the cursor of the next page.

    Between handfuls of rows the event loop turns, so that nobody's answer waits for all of them.
    """
    taken: list[Row] = []
    last: Place | None = None
    for number, (order, row) in enumerate(rows, 1):
        if number % _HANDFUL == 0:
            await asyncio.sleep(0)
        if beyond is not None and order <= beyond:
            continue
        if limit is not None and len(taken) == limit and last is not None:
            return taken, to_cursor(msgspec.json.encode(last).decode())
        taken.append(row)
        last = order
    return taken, None
