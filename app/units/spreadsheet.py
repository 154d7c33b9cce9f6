"""Reading unit lists: CSV (UTF-8 or GB18030) and XLSX into numbered rows of named cells."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import openpyxl

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
_MAX_UNPACKED = 200 << 20

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
                raise Malformed("The XLSX file unpacks to more than 200 MB.")
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        cells = (list(row) for row in sheet.iter_rows(values_only=True))
        yield from _named(enumerate(cells, start=1))
    except (Malformed, ImportRefused):
        raise
    except Exception as error:  # openpyxl raises whatever a broken file makes it stumble over
        raise Malformed("The file is not an XLSX workbook that can be read.") from error


def _decoded(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Malformed("The file is neither UTF-8 nor GB18030: save it as CSV UTF-8.")


def _named(lines: Iterable[tuple[int, list[Any]]]) -> Iterator[tuple[int, Row]]:
    header: list[str] = []
    count = 0
    for number, cells in lines:
        texts = [_cell(cell) for cell in cells]
        if not any(texts):
            continue
        if not header:
            header = _checked_header(texts)
            continue
        count += 1
        if count > MAX_ROWS:
            raise ImportRefused(f"The file has more than {MAX_ROWS:,} rows: send it in parts.")
        if any(texts[len(header) :]):
            raise _refused(number, "header", "too_many_cells", "The row is longer than the header.")
        yield number, dict(zip(header, texts, strict=False))
    if not header:
        raise ImportRefused("The file is empty: the first row names the columns.")


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # Excel has no integers
    return str(value).strip() or None


def _checked_header(texts: list[str | None]) -> list[str]:
    names = [(text or "").lower() for text in texts]
    while names and not names[-1]:
        names.pop()
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in REQUIRED if name not in names]
    if unknown or missing or len(set(names)) < len(names):
        message = f"The columns are {','.join(COLUMNS)}; {', '.join(REQUIRED)} are required."
        raise _refused(1, "header", "wrong_columns", message)
    return names


def _refused(number: int, column: str, code: str, message: str) -> ImportRefused:
    return ImportRefused(errors=[FieldError(f"/rows/{number}/{column}", code, message)])
