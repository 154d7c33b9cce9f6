"""Tables as sheets of an XLSX: texts are texts, whatever they look like."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from app.exports.columns import CODEBOOK, Batch, Column, Table

_MAX_ROWS = 1_048_576
_MAX_NAME = 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_MAX_CELL = 32_767


class _Sheet(Worksheet):  # type: ignore[misc]
    """A sheet in which no text is markup: xlsxwriter puts one that is spelled as its own rich text
    into the file as it stands, formulas and all."""

    def _xml_rich_inline_string(self, string: str, attributes: Any) -> None:
        self._xml_inline_string(string, True, attributes)


class Workbook:
    """See `files.Writer`."""

    def __init__(self, path: Path) -> None:
        self._book = xlsxwriter.Workbook(
            path, {"constant_memory": True, "tmpdir": str(path.parent)}
        )
        self._book.use_zip64()
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._names: set[str] = set()
        self._note = self._sheet("README")
        self._codebook = self._sheet("codebook")
        self._table: Table | None = None
        self._target: Any = None
        self._line = 0
        self._cells: list[Callable[[int, int, Any], object]] = []

    def begin(self, table: Table) -> None:
        """See `files.Writer`."""
        self._table = table
        self._target = self._sheet(table.name)
        self._target.freeze_panes(1, 0)
        for number, column in enumerate(table.columns):
            _text(self._target, 0, number, column.name)
        self._cells = [self._writing(one) for one in table.columns]
        self._line = 1

    def write(self, batch: Batch) -> None:
        """See `files.Writer`: beyond what a sheet holds, in another one."""
        assert self._table is not None
        for row in zip(*batch, strict=True):
            if self._line == _MAX_ROWS:
                self.begin(self._table)
            line = self._line
            for number, value in enumerate(row):
                if value is not None:
                    self._cells[number](line, number, value)
            self._line += 1

    def finish(self, codebook: Sequence[Sequence[str]], note: str) -> None:
        """See `files.Writer`."""
        for line, told in enumerate(note.splitlines()):
            _text(self._note, line, 0, told)
        for line, cells in enumerate([CODEBOOK, *codebook]):
            for number, cell in enumerate(cells):
                _text(self._codebook, line, number, cell)
        self._book.close()

    def abandon(self) -> None:
        """See `files.Writer`."""
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()

    def _sheet(self, name: str) -> Any:
        wanted = _FORBIDDEN.sub("_", name)
        one, number = wanted[:_MAX_NAME], 1
        while one.casefold() in self._names | {"history"}:
            number += 1
            behind = f" ({number})"
            one = wanted[: _MAX_NAME - len(behind)] + behind
        self._names.add(one.casefold())
        return self._book.add_worksheet(one, worksheet_class=_Sheet)

    def _writing(self, column: Column) -> Callable[[int, int, Any], object]:
        sheet = self._target
        match column.kind:
            case "category":
                shown = column.categories
                return lambda line, number, value: _text(sheet, line, number, shown[value])
            case "text":
                return lambda line, number, value: _text(sheet, line, number, value)
            case "day":
                return lambda line, number, value: _day(sheet, line, number, value, self._day)
            case _:
                return lambda line, number, value: sheet.write_number(line, number, value)


def _text(sheet: Any, line: int, number: int, text: str) -> None:
    if text:
        sheet.write_string(line, number, text[:_MAX_CELL])


def _day(sheet: Any, line: int, number: int, day: date, form: Any) -> None:
    # Before 1900-03-01 Excel counts a day that never was.
    if day < date(1900, 3, 1):
        sheet.write_string(line, number, day.isoformat())
    else:
        sheet.write_datetime(line, number, datetime(day.year, day.month, day.day), form)  # noqa: DTZ001
