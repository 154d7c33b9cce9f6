"""Results, coverage, rankings and trends as CSV, the way spreadsheets and programs both read it."""

import csv
import io
from collections.abc import Iterable, Sequence

from app.core.spreadsheets import BYTE_ORDER_MARK, cell
from app.results.coverage.schemas import CoverageRow
from app.results.coverage.school_year.schemas import SchoolYearOut, SchoolYearRow
from app.results.crosstabs.schemas import CrosstabOut
from app.results.numbers.schemas import Numbers, NumbersOut, NumbersRow, Quantiles
from app.results.ranking.schemas import RankedUnit
from app.results.schemas import Composite, ResultRow
from app.results.texts.schemas import TextAnswer
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
    "gap",
    "pace",
    "expected_on",
    "on_time",
    "basis_missing",
)
_SCHOOL_YEAR_COLUMNS = (
    "unit",
    "unit_name",
    "campaigns",
    "least",
    "most",
    "exact",
    "met",
)
_IN_A_CAMPAIGN = ("basis", "basis_missing", "responded", "share")
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
    "suppressed",
    "same_mode",
    "no_interval",
)
_OF_NUMBERS = (
    *(name for name in Numbers.model_fields if name != "quantiles"),
    *Quantiles.model_fields,
)
_CROSSTAB_COLUMNS = (
    "value",
    "answered",
    "missing",
    "rate",
    "interval_low",
    "interval_high",
    "interval_kind",
    "no_interval",
)
_ANSWERS_COLUMNS = ("unit", "unit_name", "population", "channel", "day", "text")


def results_csv(
    rows: Iterable[ResultRow],
    values: Sequence[str],
    shared: Sequence[str] = (),
    composite: Composite | None = None,
) -> bytes:
    """A line for each row; the votes for each of `values` in a column of its own, and of those
    that are `shared` the share and its bounds. The composite stands in columns at the end, the
    same in each line: a line of its own might be added up with the others."""
    columns = [*_RESULT_COLUMNS, *_each("counts", values), *_each("shares", shared)]
    columns += [*_each("share_low", shared), *_each("share_high", shared)]
    beside = {} if composite is None else _composite_cells(composite)
    columns += _each("composite", beside)
    return _table(
        columns, ([*_result_cells(row, values, shared), *beside.values()] for row in rows)
    )


def _result_cells(row: ResultRow, values: Sequence[str], shared: Sequence[str]) -> list[object]:
    low, high = row.interval or (None, None)
    bounds = [(row.share_intervals or {}).get(value, (None, None)) for value in shared]
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
        *((row.shares or {}).get(value) for value in shared),
        *(least for least, _ in bounds),
        *(most for _, most in bounds),
    ]


def _composite_cells(composite: Composite) -> dict[str, object]:
    """The composite's figures by name, and then those of each population."""
    low, high = composite.interval or (None, None)
    cells: dict[str, object] = {
        "rate": composite.rate,
        "interval_low": low,
        "interval_high": high,
        "interval_kind": composite.interval_kind,
    }
    for part in composite.populations:
        least, most = part.interval or (None, None)
        of_part = {
            "weight": part.weight,
            "share": part.share,
            "respondents": part.respondents,
            "rate": part.rate,
            "interval_low": least,
            "interval_high": most,
        }
        cells |= {f"{name}.{part.population}": value for name, value in of_part.items()}
    return cells


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
                row.gap,
                row.pace,
                row.expected_on and row.expected_on.isoformat(),
                row.on_time,
                row.basis_missing,
            ]
            for row in rows
        ),
    )


def school_year_csv(found: SchoolYearOut) -> bytes:
    """A line for each row; `campaigns` is how many asked there, whose figures follow in columns
    for each campaign."""
    columns = list(_SCHOOL_YEAR_COLUMNS)
    for campaign in found.campaigns:
        columns += [f"{name}.{campaign}" for name in _IN_A_CAMPAIGN]
    return _table(columns, (_school_year_cells(row, found.campaigns) for row in found.rows))


def _school_year_cells(row: SchoolYearRow, campaigns: Iterable[str]) -> list[object]:
    shares = {one.campaign: one for one in row.campaigns}
    return [
        row.unit.code,
        row.unit.name,
        len(row.campaigns),
        *(row.bounds or (None, None)),
        row.exact,
        row.met,
        *(getattr(shares.get(one), name, None) for one in campaigns for name in _IN_A_CAMPAIGN),
    ]


def ranking_csv(rows: Iterable[RankedUnit], populations: Sequence[str]) -> bytes:
    """A line for each row; each population's share in the rate in a column of its own."""
    columns = [*_RANKING_COLUMNS, *_each("shares", populations)]
    return _table(columns, (_ranking_cells(row, populations) for row in rows))


def _ranking_cells(row: RankedUnit, populations: Sequence[str]) -> list[object]:
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
        *(row.shares.get(one) for one in populations),
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
        row.suppressed,
        change and change.same_mode,
        row.no_interval,
    ]


def numbers_csv(found: NumbersOut) -> bytes:
    """A line for each row, the quantiles at its end; then those of all, the same in each line."""
    columns = ["unit", "unit_name", *_OF_NUMBERS, *_each("total", _OF_NUMBERS)]
    total = _numbers_cells(found.total)
    return _table(columns, ([*_number_cells(row), *total] for row in found.rows))


def _number_cells(row: NumbersRow) -> list[object]:
    return [row.unit and row.unit.code, row.unit and row.unit.name, *_numbers_cells(row)]


def _numbers_cells(numbers: Numbers) -> list[object]:
    return [
        getattr(numbers.quantiles if name in Quantiles.model_fields else numbers, name, None)
        for name in _OF_NUMBERS
    ]


def crosstab_csv(found: CrosstabOut) -> bytes:
    """A line for each row; the last, without a value, has the totals of the columns."""
    values = [one.value for one in found.columns]
    columns = [*_CROSSTAB_COLUMNS, *_each("counts", values), *_each("shares", values)]
    totals = ["", found.answered, found.missing.columns, *[None] * 5]
    return _table(
        columns,
        [
            *(
                [
                    row.value,
                    row.answered,
                    row.missing,
                    row.rate,
                    *(row.interval or (None, None)),
                    found.interval_kind if row.interval else "none",
                    row.no_interval,
                    *(row.counts[value] for value in values),
                    *((row.shares or {}).get(value) for value in values),
                ]
                for row in found.rows
            ),
            [*totals, *(one.answered for one in found.columns), *(None for _ in values)],
        ],
    )


def answers_csv(items: Iterable[TextAnswer]) -> bytes:
    """A line for each answer."""
    return _table(
        _ANSWERS_COLUMNS,
        (
            [
                one.unit.code,
                one.unit.name,
                one.population,
                one.channel,
                one.day.isoformat(),
                one.text,
            ]
            for one in items
        ),
    )


def _each(name: str, values: Iterable[str]) -> list[str]:
    return [f"{name}.{value}" for value in values]


def _table(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    return (BYTE_ORDER_MARK + file.getvalue()).encode()
