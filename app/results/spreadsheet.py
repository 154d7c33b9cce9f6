"""Results and coverage as CSV, the way spreadsheets and programs both read it."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from app.core.spreadsheets import defused
from app.results.schemas import CoverageRow, ResultRow

_RESULT_COLUMNS = (
    "unit",
    "unit_name",
    "population",
    "channel",
    "day",
    "question",
    "respondents",
    "answered",
    "missing",
    "rate",
    "dont_know_share",
    "interval_low",
    "interval_high",
    "interval_kind",
    "no_interval",
    "heads",
    "suppressed",
)
_COVERAGE_COLUMNS = (
    "unit",
    "unit_name",
    "population",
    "target",
    "basis",
    "required",
    "responded",
    "share",
    "met",
)
# Excel takes a file without this mark for the computer's own encoding.
_BYTE_ORDER_MARK = "\ufeff"


def results_csv(rows: Iterable[ResultRow], values: Sequence[str]) -> bytes:
    """A line for each row; the votes for each of `values` in a column of its own."""
    columns = [*_RESULT_COLUMNS, *(f"counts.{value}" for value in values)]
    return _table(columns, (_result_cells(row, values) for row in rows))


def _result_cells(row: ResultRow, values: Sequence[str]) -> list[object]:
    low, high = row.interval or (None, None)
    return [
        row.unit and row.unit.code,
        row.unit and row.unit.name,
        row.population,
        row.channel,
        row.day and row.day.isoformat(),
        row.question,
        row.respondents,
        row.answered,
        row.missing,
        row.rate,
        row.dont_know_share,
        low,
        high,
        row.interval_kind,
        row.no_interval,
        row.heads,
        row.suppressed,
        *(row.counts.get(value) for value in values),
    ]


def coverage_csv(rows: Iterable[CoverageRow]) -> bytes:
    """A line for each row."""
    return _table(
        _COVERAGE_COLUMNS,
        (
            [
                row.unit.code,
                row.unit.name,
                row.population,
                row.target,
                row.basis,
                row.required,
                row.responded,
                row.share,
                row.met,
            ]
            for row in rows
        ),
    )


def _table(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return (_BYTE_ORDER_MARK + file.getvalue()).encode()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return format(Decimal(repr(value)), "f")
        case str():
            return defused(value)
        case _:
            return str(value)
