"""Reading rosters: CSV, XLSX or NDJSON into people, with one error for each bad row."""

import io
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from pydantic import ValidationError

from app.core import workbook
from app.core.problems import FieldError, Malformed
from app.core.workbook import UNCALCULATED
from app.identity.phones import e164
from app.rosters.schemas import RosterRow
from app.units.problems import ImportRefused
from app.units.spreadsheet import BEYOND_HEADER, MAX_ROWS, Form, Row, read_csv, read_xlsx

CSV = "text/csv"
XLSX = workbook.MEDIA_TYPE
NDJSON = "application/x-ndjson"
KINDS = (CSV, XLSX, NDJSON)
MAX_ERRORS = 1000
_LONGEST_LINE = 10_000
"""Bytes of a line of NDJSON: nested, it would cost its size many times over."""
_FORM = Form(tuple(RosterRow.model_fields), ("unit", "population"))
_COLUMNS = ", ".join(_FORM.columns)


class Person(NamedTuple):
    """One row, its phone in E.164; unit and population are not yet looked up."""

    row: int
    unit: str
    population: str
    phone: str | None
    external_id: str | None
    child: int | None
    """None also for the first."""


def people(kind: str, body: bytes) -> tuple[list[Person], list[FieldError]]:
    """The good rows of a list of one of `KINDS`, and an error for each of the others.

    Errors: Malformed; ImportRefused for what is no list of this form, or has too many bad rows.
    """
    good: list[Person] = []
    errors: list[FieldError] = []
    for number, cells in _rows(kind, body):
        read = _person(number, cells)
        if isinstance(read, Person):
            good.append(read)
            continue
        errors.append(read)
        if len(errors) == MAX_ERRORS:
            raise refused(errors)
    return good, errors


def refused(errors: Iterable[FieldError]) -> ImportRefused:
    """The refusal that lists these errors, at most `MAX_ERRORS`, in order of the rows."""
    listed = sorted(errors, key=lambda error: int(error.pointer.split("/")[2]))[:MAX_ERRORS]
    if len(listed) < MAX_ERRORS:
        return ImportRefused(errors=listed)
    message = f"{MAX_ERRORS:,} rows and maybe more cannot be taken; `errors` lists so many."
    return ImportRefused(message, errors=listed)


def error_at(row: int, column: str, code: str, message: str) -> FieldError:
    """An error of a row; the message quotes nothing of it."""
    return FieldError(f"/rows/{row}/{column}", code, message)


def _rows(kind: str, body: bytes) -> Iterable[tuple[int, Any]]:
    if kind == NDJSON:
        return _lines(body)
    return read_csv(body, _FORM) if kind == CSV else read_xlsx(body, _FORM)


def _lines(body: bytes) -> Iterator[tuple[int, Any]]:
    """What stands on the lines of NDJSON that are not empty, and their numbers."""
    count = 0
    for number, line in enumerate(io.BytesIO(body.removeprefix(b"\xef\xbb\xbf")), 1):
        if not line.strip():
            continue
        if len(line) > _LONGEST_LINE:
            raise Malformed(f"Line {number} is longer than {_LONGEST_LINE:,} bytes.")
        count += 1
        if count > MAX_ROWS:
            raise ImportRefused(f"The list has more than {MAX_ROWS:,} rows: send it in parts.")
        try:
            yield number, msgspec.json.decode(line)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise Malformed(f"Line {number} is not JSON in UTF-8.") from error
    if not count:
        raise ImportRefused("The list is empty: send one object a line.")


def _person(number: int, cells: Any) -> Person | FieldError:
    try:
        row = RosterRow.model_validate(cells)
    except ValidationError as invalid:
        return _first_error(number, cells, invalid)
    if not row.phone and row.external_id is None:
        message = "Give the person's phone, or the external_id, or both."
        return error_at(number, "phone", "missing", message)
    phone = e164(row.phone) if row.phone else None
    if row.phone and phone is None:
        message = "Write it as +8613800000000, or leave it out where it is not known."
        return error_at(number, "phone", "bad_phone", message)
    child = None if row.child == 1 else row.child
    return Person(number, row.unit, row.population, phone, row.external_id, child)


def _first_error(number: int, cells: Row, invalid: ValidationError) -> FieldError:
    first = invalid.errors(include_url=False, include_context=False)[0]
    column = str(first["loc"][0]) if first["loc"] else ""
    if column == BEYOND_HEADER:
        message = "This row goes on to the right of the columns that the first row names."
        return FieldError(f"/rows/{number}", "too_many_cells", message)
    if column not in _FORM.columns:
        # The name of an unknown field can be anything, even a phone number.
        message = f"A row has the columns {_COLUMNS}, and no control characters."
        return FieldError(f"/rows/{number}", first["type"], message)
    if first["input"] is UNCALCULATED:
        message = "This formula has no stored result: paste its value instead."
        return error_at(number, column, "formula", message)
    return error_at(number, column, first["type"], first["msg"])
