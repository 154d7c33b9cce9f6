"""Reading unit lists: CSV (UTF-8 or GB18030) and XLSX into numbered rows of named cells."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.core.problems import FieldError, Malformed
from app.units.problems import ImportRefused

COLUMNS = (
    "code",
    "name",
    "kind",
    "parent",
    "stage",
    "residents",
    "period",
    "students",
    "parents",
    "teachers",
)
REQUIRED = ("code", "name", "kind")
NUMBERS = ("residents", "students", "parents", "teachers")
MAX_ROWS = 200_000
BEYOND_HEADER = "beyond_header"
"""The name of what stands to the right of the named columns; no row may have it."""
UNCALCULATED = object()
"""Stands in a cell whose formula has no stored result."""
_MAX_UNPACKED = 100 << 20
_MAX_EXCEL_ROWS = 1 << 20
_MAX_COLUMNS = 50
_FORMULA = re.compile(rb"<(\w+:)?f[ />]")

Row = dict[str, Any]


def read_csv(body: bytes) -> Iterator[tuple[int, Row]]:
    """The rows of a CSV with the line each ends on. Errors: Malformed, ImportRefused."""
    reader = csv.reader(io.StringIO(_decoded(body), newline=""), strict=True)
    try:
        yield from _named((reader.line_num, cells) for cells in reader)
    except csv.Error as error:
        raise Malformed(f"Line {reader.line_num} is not CSV: check its quotation marks.") from error


def read_xlsx(body: bytes) -> Iterator[tuple[int, Row]]:
    """The rows of an XLSX file's first sheet, numbered as in Excel. Errors: as read_csv."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if sum(item.file_size for item in archive.infolist()) > _MAX_UNPACKED:
                raise Malformed(f"The XLSX file unpacks to more than {_MAX_UNPACKED >> 20} MB.")
            sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
            with_formulas = any(_FORMULA.search(archive.read(name)) for name in sheets)
        lines = _lines(body, formulas=False)
        if with_formulas:
            lines = _marked(lines, _lines(body, formulas=True))
        yield from _named(enumerate(lines, start=1))
    except (Malformed, ImportRefused):
        raise
    except Exception as error:  # openpyxl raises whatever a broken file makes it stumble over
        raise Malformed("The file is not an XLSX workbook that can be read.") from error


def _lines(body: bytes, *, formulas: bool) -> Iterator[Sequence[Any]]:
    import openpyxl  # here, since it would cost every process six megabytes

    book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=not formulas)
    # A file of one cell may claim the last row and column of Excel: it must not cost so much.
    yield from book.worksheets[0].iter_rows(
        max_row=_MAX_EXCEL_ROWS, max_col=_MAX_COLUMNS, values_only=True
    )


def _marked(
    results: Iterator[Sequence[Any]], formulas: Iterator[Sequence[Any]]
) -> Iterator[Sequence[Any]]:
    # A formula whose result the program did not save would read as an empty cell.
    for cells, written in zip(results, formulas, strict=True):
        yield [
            UNCALCULATED if cell is None and formula is not None else cell
            for cell, formula in zip(cells, written, strict=True)
        ]


def _decoded(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Malformed("The file is neither UTF-8 nor GB18030: save it as CSV UTF-8.")


def _named(lines: Iterable[tuple[int, Sequence[Any]]]) -> Iterator[tuple[int, Row]]:
    header: list[str] = []
    count = 0
    for number, cells in lines:
        texts = [_cell(cell) for cell in cells] if any(cells) else []
        if not any(texts):
            continue
        if not header:
            header = _checked_header(number, texts)
            continue
        count += 1
        if count > MAX_ROWS:
            raise ImportRefused(f"The file has more than {MAX_ROWS:,} rows: send it in parts.")
        row = dict(zip(header, texts, strict=False))
        if any(texts[len(header) :]):
            row[BEYOND_HEADER] = True
        yield number, row
    if not header:
        raise ImportRefused("The file is empty: the first row names the columns.")


def _cell(value: Any) -> Any:
    if value is None or value is UNCALCULATED:
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # Excel has no integers
    return str(value).strip() or None


def _checked_header(number: int, texts: list[Any]) -> list[str]:
    names = [str(text or "").lower() for text in texts]
    while names and not names[-1]:
        names.pop()
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in REQUIRED if name not in names]
    if unknown or missing or len(set(names)) < len(names):
        message = f"The columns are {','.join(COLUMNS)}; {', '.join(REQUIRED)} are required."
        error = FieldError(f"/rows/{number}/header", "wrong_columns", message)
        raise ImportRefused(errors=[error])
    return names
