"""Tables as CSV, in a ZIP with their codebook: UTF-8 that Excel reads, formulas defused."""

import csv
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from app.core.spreadsheets import defused, in_full
from app.exports.columns import Batch, Column, Table, Values
from app.exports.files.archive import Archive


class CsvZip:
    """See `files.Writer`."""

    def __init__(self, path: Path) -> None:
        self._archive = Archive(path)
        self._open = ExitStack()
        self._table: Any = None
        self._cells: list[Callable[[Values], Values]] = []

    def begin(self, table: Table) -> None:
        """See `files.Writer`."""
        self._open.close()
        file = self._open.enter_context(self._archive.text(f"{table.name}.csv"))
        self._table = csv.writer(file)
        self._table.writerow([defused(one.name) for one in table.columns])
        self._cells = [_cells(one) for one in table.columns]

    def write(self, batch: Batch) -> None:
        """See `files.Writer`."""
        columns = [cells(values) for cells, values in zip(self._cells, batch, strict=True)]
        self._table.writerows(zip(*columns, strict=True))

    def finish(self, codebook: Sequence[Sequence[str]], note: str) -> None:
        """See `files.Writer`."""
        self._open.close()
        self._archive.finish(codebook, note)

    def abandon(self) -> None:
        """See `files.Writer`."""
        self._open.close()
        self._archive.close()


def _cells(column: Column) -> Callable[[Values], Values]:
    """What makes texts of values; the writer itself makes nothing of None."""
    match column.kind:
        case "category":
            shown = [defused(one) for one in column.categories]
            return lambda values: [None if one is None else shown[one] for one in values]  # type: ignore[call-overload]
        case "text":
            return lambda values: [None if one is None else defused(str(one)) for one in values]
        case "number":
            return lambda values: [None if one is None else _number(one) for one in values]
        case "flag":
            return lambda values: [None if one is None else int(bool(one)) for one in values]
        case _:
            return lambda values: values


def _number(value: Any) -> str:
    """Without an exponent, which spreadsheets read in their own ways; 45.0 is 45."""
    return str(int(value)) if value == int(value) else in_full(value)
