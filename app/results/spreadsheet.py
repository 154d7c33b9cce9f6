"""Results, coverage, rankings and trends as CSV, the way spreadsheets and programs both read it."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from app.core.spreadsheets import defused
from app.results.numbers.schemas import Numbers, NumbersRow, Quantiles
from app.results.ranking.schemas import RankedUnit
from app.results.schemas import CoverageRow, ResultRow
from app.results.trends.schemas import TrendPoint

_RESULT_COLUMNS = (
    "unit",
    "unit_name",
    "population",
    "channel",
    "day",
    "question",
    "respondents",
    "included",
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
    "comparable",
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
_RANKING_COLUMNS = (
    "rank",
    "unit",
    "unit_name",
    "rate",
    "interval_low",
    "interval_high",
    "interval_kind",
    "rank_best",
    "rank_worst",
    "respondents",
    "n",
    "insufficient",
    "because",
    "mode",
    "parent",
    "parent_rate",
    "difference",
    "rank_among_siblings",
    "siblings",
)
_TREND_COLUMNS = (
    "campaign",
    "title",
    "period",
    "mode",
    "respondents",
    "n",
    "rate",
    "interval_low",
    "interval_high",
    "interval_kind",
    "difference",
    "z",
    "p",
    "significant",
    "not_compared",
)
_NUMBERS_COLUMNS = ("unit", "unit_name", *Numbers.model_fields, *Quantiles.model_fields)
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
        row.included,
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
        row.comparable,
        *((row.counts or {}).get(value) for value in values),
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


def ranking_csv(rows: Iterable[RankedUnit]) -> bytes:
    """A line for each row."""
    return _table(_RANKING_COLUMNS, map(_ranking_cells, rows))


def _ranking_cells(row: RankedUnit) -> list[object]:
    low, high = row.interval or (None, None)
    best, worst = row.rank_range or (None, None)
    beside = row.among_siblings
    return [
        row.rank,
        row.unit.code,
        row.unit.name,
        row.rate,
        low,
        high,
        row.interval_kind,
        best,
        worst,
        row.respondents,
        row.n,
        row.insufficient,
        " ".join(row.because),
        row.mode,
        beside and beside.parent.code,
        beside and beside.parent_rate,
        beside and beside.difference,
        beside and beside.rank,
        beside and beside.of,
    ]


def trend_csv(rows: Iterable[TrendPoint]) -> bytes:
    """A line for each row."""
    return _table(_TREND_COLUMNS, map(_trend_cells, rows))


def _trend_cells(row: TrendPoint) -> list[object]:
    low, high = row.interval or (None, None)
    change = row.change
    return [
        row.campaign,
        row.title,
        row.period,
        row.mode,
        row.respondents,
        row.n,
        row.rate,
        low,
        high,
        row.interval_kind,
        change and change.difference,
        change and change.z,
        change and change.p,
        change and change.significant,
        row.not_compared,
    ]


def numbers_csv(rows: Iterable[NumbersRow]) -> bytes:
    """A line for each row; the quantiles at the end."""
    columns = [name for name in _NUMBERS_COLUMNS if name != "quantiles"]
    return _table(columns, ([_number_cell(row, name) for name in columns] for row in rows))


def _number_cell(row: NumbersRow, name: str) -> object:
    if name == "unit":
        return row.unit and row.unit.code
    if name == "unit_name":
        return row.unit and row.unit.name
    return getattr(row.quantiles if name in Quantiles.model_fields else row, name, None)


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
