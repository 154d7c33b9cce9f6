"""Lists of links as CSV that spreadsheet programs open as it is meant."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice

from app.core.spreadsheets import BYTE_ORDER_MARK, defused

LINKS = ("unit", "unit_name", "population", "code", "url", "revoked")
_ROWS_AT_ONCE = 1_000


def csv_parts(rows: Iterable[tuple[str, ...]], columns: tuple[str, ...] = LINKS) -> Iterator[str]:
    """A CSV in parts: the mark that makes Excel read UTF-8, the header, then the rows."""
    waiting = iter(rows)
    yield BYTE_ORDER_MARK + _lines([columns])
    while part := list(islice(waiting, _ROWS_AT_ONCE)):
        yield _lines(part)


def _lines(rows: Iterable[tuple[str, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([defused(cell) for cell in row] for row in rows)
    return out.getvalue()
