"""Tables that are sent as files: CSV (UTF-8 or GB18030) and XLSX into numbered rows of cells."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from app.core import workbook
from app.core.problems import Malformed
from app.core.schemas import storable
from app.core.workbook import UNCALCULATED
from app.telephone.mappings.schemas import MAX_COLUMNS
from app.telephone.spool import Spool, lines_of

UNREADABLE = False
"""Stands in a cell of which the characters cannot be read or stored."""
FORMULA = True
"""Stands in a cell whose formula has no result."""
_LONGEST_LINE = 100_000
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"
_LOST = "\ufffd"
_FAILED = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})
_EXACT = 2**53

Header = list[str | None]


def read_csv(pieces: Sequence[bytes] | Iterable[bytes], encoding: str, rows: Spool) -> Header:
    """Write the rows of a CSV, as JSON, to `rows`; returns what its first row says.

    `encoding` as `encoding_of` found it. A row is its number, as Excel counts them, and its cells:
    null, texts, UNREADABLE; null instead of cells where quotation marks are wrong. Errors:
    Malformed, TooLarge; then nothing of the file can be taken.
    """
    text = io.TextIOWrapper(
        io.BufferedReader(_Pieces(pieces)), encoding=encoding, errors="replace", newline=""
    )
    return _written(_records(text), rows)


def read_xlsx(file: bytes, rows: Spool) -> Header:
    """Write the rows of the first sheet of a workbook; as `read_csv`, and cells may be numbers."""
    try:
        return _written(workbook.rows(file, max_columns=MAX_COLUMNS + 1), rows)
    except workbook.Unreadable as error:
        raise Malformed(str(error)) from error


def encoding_of(pieces: Iterable[bytes]) -> str:
    """What a CSV is written in, by most of its lines that are not ASCII. Errors: Malformed."""
    readable = unreadable = 0
    for number, line in enumerate(lines_of(pieces)):
        if number == 0 and line.startswith(_UTF_16_MARKS):
            raise Malformed('The file is UTF-16 ("Unicode text"): save it as CSV UTF-8.')
        if number == 0 and line.startswith(_BOM):
            return "utf-8-sig"
        if not line.isascii():
            try:
                line.decode()
                readable += 1
            except UnicodeDecodeError:
                unreadable += 1
    return "gb18030" if unreadable > readable else "utf-8"


class _Pieces(io.RawIOBase):
    """Pieces of a file as a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _records(text: io.TextIOWrapper) -> Iterator[tuple[int, list[str] | None]]:
    ended = False

    def lines() -> Iterator[str]:
        nonlocal ended
        while line := text.readline(_LONGEST_LINE + 1):
            if len(line) > _LONGEST_LINE:
                raise Malformed(f"The file has a line of more than {_LONGEST_LINE:,} characters.")
            yield line
        ended = True

    reader = csv.reader(lines(), strict=True)
    number = 0
    while True:
        number += 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # What follows an open quotation mark is nobody's row any more.
            if ended or "field limit" in str(error):
                message = f"Row {number} opens a quotation mark that nothing closes."
                raise Malformed(message) from error
            yield number, None


def _written(lines: Iterable[tuple[int, Sequence[Any] | None]], rows: Spool) -> Header:
    header: Header | None = None
    for number, values in lines:
        cells = None if values is None else [_cell(value) for value in values]
        while cells and cells[-1] is None:
            cells.pop()
        if header is not None:
            if cells is None or cells:
                kept = cells and cells[: MAX_COLUMNS + 1]
                rows.write(msgspec.json.encode([number, kept]) + b"\n")
        elif cells is None or len(cells) > MAX_COLUMNS:
            raise Malformed(f"The first row names the columns, at most {MAX_COLUMNS} of them.")
        elif cells:
            header = [str(one) if isinstance(one, str | int | float) else None for one in cells]
    rows.end()
    return header or []


def _cell(value: Any) -> Any:
    if value is None or value == "":
        return None
    if value is UNCALCULATED:
        return FORMULA
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(value)
    text = value.strip()
    if text in _FAILED:
        return FORMULA
    return (text or None) if storable(text) and _LOST not in text else UNREADABLE


def _number(value: int | float) -> int | float | str:
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)  # Excel has no integers
    exact = abs(value) < _EXACT if isinstance(value, int) else math.isfinite(value)
    return value if exact else str(value)
