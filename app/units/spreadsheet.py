"""Reading lists: CSV (UTF-8 or GB18030) and XLSX into numbered rows of named cells."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from app.core import workbook
from app.core.problems import FieldError, Malformed
from app.core.workbook import UNCALCULATED
from app.units.problems import ImportRefused


class Form(NamedTuple):
    """Which columns a list may have, in any order, and which it must."""

    columns: tuple[str, ...]
    required: tuple[str, ...]


UNITS = Form(
    columns=(
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
    ),
    required=("code", "name", "kind"),
)
NUMBERS = ("residents", "students", "parents", "teachers")
MAX_ROWS = 200_000
BEYOND_HEADER = "beyond_header"
"""The name of what stands to the right of the named columns; no row may have it."""
_LONGEST_LINE = 100_000
"""Characters of a line of CSV; a file of one line of commas would cost its size a hundredfold."""
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")

Row = dict[str, Any]


def read_csv(body: bytes, form: Form = UNITS) -> Iterator[tuple[int, Row]]:
    """The rows of a CSV with the line each ends on. Errors: Malformed, ImportRefused."""
    reader = csv.reader(_lines(body), strict=True)
    try:
        yield from _named(((reader.line_num, cells) for cells in reader), form)
    except csv.Error as error:
        raise Malformed(f"Line {reader.line_num} is not CSV: check its quotation marks.") from error


def read_xlsx(body: bytes, form: Form = UNITS) -> Iterator[tuple[int, Row]]:
    """The rows of an XLSX file's first sheet, numbered as in Excel. Errors: as read_csv."""
    try:
        yield from _named(workbook.rows(body), form)
    except workbook.Unreadable as error:
        raise Malformed(str(error)) from error


def _lines(body: bytes) -> Iterator[str]:
    for line in io.StringIO(_decoded(body), newline=""):
        if len(line) > _LONGEST_LINE:
            raise Malformed(f"The file has a line of more than {_LONGEST_LINE:,} characters.")
        yield line


def _decoded(body: bytes) -> str:
    if body.startswith(_UTF_16_MARKS):
        raise Malformed('The file is UTF-16 ("Unicode text"): save it as CSV UTF-8.')
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Malformed("The file is neither UTF-8 nor GB18030: save it as CSV UTF-8.")


def _named(lines: Iterable[tuple[int, Sequence[Any]]], form: Form) -> Iterator[tuple[int, Row]]:
    header: list[str] = []
    count = 0
    for number, cells in lines:
        texts = [_cell(cell) for cell in cells] if any(cells) else []
        if not any(texts):
            continue
        if not header:
            header = _checked_header(number, texts, form)
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


def _checked_header(number: int, texts: list[Any], form: Form) -> list[str]:
    names = [str(text or "").lower() for text in texts]
    while names and not names[-1]:
        names.pop()
    unknown = [name for name in names if name not in form.columns]
    missing = [name for name in form.required if name not in names]
    if unknown or missing or len(set(names)) < len(names):
        message = (
            f"The columns are {','.join(form.columns)}; {', '.join(form.required)} are required."
        )
        error = FieldError(f"/rows/{number}/header", "wrong_columns", message)
        raise ImportRefused(errors=[error])
    return names
