"""Reading what stands on a line of a delivery: JSON, or a row of a table, as its mapping says."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec

from app.core.clock import SHANGHAI
from app.core.problems import FieldError, InvalidInput, Malformed, Problem, pointer
from app.core.workbook import letters
from app.telephone.mappings.schemas import ANSWERS, FIELDS, REQUIRED, TIMES, MappingIn
from app.telephone.sheets import FORMULA, UNREADABLE, Header
from app.telephone.spool import MAX_LINE

TOO_MANY_CELLS = "too_many_cells"
NO_ITEM = f"Send one JSON object a line, in UTF-8 and in at most {MAX_LINE:,} bytes."
Kinds = Mapping[str, Mapping[str, str]]
"""By population and question: the question's type."""
_QUESTION = re.compile(r"[A-Za-z0-9._-]{1,130}")
_DIGITS = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_WHOLE = ("revision", "attempts")
_USUAL = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
"""How people and Excel write times in China."""
_EXCEL_BEGAN = datetime(1899, 12, 30, tzinfo=SHANGHAI)
_EXCEL_DAYS = range(36_526, 73_415)
"""From 2000 until 2100."""


@dataclass(frozen=True, slots=True)
class Raw:
    """An item of a delivery before it is looked at."""

    index: int
    """Its place in the delivery, from 0."""
    row: int | None
    """Its number in a table, as Excel counts them."""
    content: Any
    """An object of JSON or a row's cells; or the Problem of what is neither."""


class BadRow(InvalidInput):
    """A row of which some cells cannot be read."""

    def __init__(self, errors: Sequence[FieldError], item: dict[str, Any]) -> None:
        super().__init__(errors=errors)
        self.item = item
        """What could be read of it."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table that is read."""

    number: int
    header: str
    field: str

    @property
    def place(self) -> str:
        """Where it is: its letter and its name, such as `C 结果`."""
        return f"{letters(self.number)} {self.header}"


class Reading(msgspec.Struct, frozen=True, dict=True):
    """How the items of one delivery are read; as JSON in the parameters of its job."""

    form: str
    """`json`, `ndjson`, `csv` or `xlsx`."""
    columns: tuple[Column, ...] = ()
    width: int = 0
    """Columns of a table that its first row names."""
    values: dict[str, dict[str, Any]] = {}
    constants: dict[str, Any] = {}
    times: dict[str, str] = {}
    separator: str = ";"

    @property
    def is_table(self) -> bool:
        """Whether its items are rows."""
        return self.form in ("csv", "xlsx")

    @cached_property
    def _places(self) -> dict[str, str]:
        return {column.field: column.place for column in self.columns}

    def raw(self, index: int, line: bytes) -> Raw:
        """What stands on a line, not yet looked at."""
        try:
            content = msgspec.json.decode(line) if len(line) <= MAX_LINE else None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            content = None
        if self.is_table:
            number, cells = content or (None, None)
            wrong = Malformed("This row is no CSV: check its quotation marks.")
            return Raw(index, number, wrong if cells is None else cells)
        if isinstance(content, dict):
            return Raw(index, None, content)
        return Raw(index, None, Malformed(NO_ITEM))

    def item(self, raw: Raw, kinds: Kinds) -> Any:
        """The item as JSON would have it. Errors: Malformed, BadRow."""
        if isinstance(raw.content, Problem):
            raise raw.content
        if self.is_table:
            return _Row(self, raw.content, kinds).item()
        if self.values or self.times:
            return self._recoded(raw.content)
        return raw.content

    def errors(self, raw: Raw, problem: Problem) -> list[dict[str, Any]]:
        """What was wrong with an item, with the places where it stands."""
        if self.form == "json":
            where = f"/interviews/{raw.index}"
            return [{**one.document(), "pointer": where + one.pointer} for one in problem.errors]
        if not self.is_table:
            return [one.document() for one in problem.errors]
        row: dict[str, Any] = {"row": raw.row}
        found = [{**one.document(), **row, **self._column(one)} for one in problem.errors]
        whole = FieldError("", problem.slug.replace("-", "_"), problem.detail)
        return found or [{**whole.document(), **row}]

    def _column(self, error: FieldError) -> dict[str, str]:
        if error.code == TOO_MANY_CELLS:
            return {"column": Column(self.width, "", "").place.rstrip()}
        steps = error.pointer.replace("~1", "/").replace("~0", "~").split("/")[1:]
        name = ANSWERS + "/".join(steps[1:]) if steps[:1] == ["answers"] else "".join(steps[:1])
        if name == ANSWERS:  # about all of them together: the first
            name = next((one for one in self._places if one.startswith(ANSWERS)), name)
        place = self._places.get(name)
        return {} if place is None else {"column": place}

    def _recoded(self, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        item: dict[str, Any] = dict(content)
        if isinstance(item.get("answers"), dict):
            item["answers"] = dict(item["answers"])
        for name in {**self.values, **self.times}:
            part: Any = item
            key = name
            if name.startswith(ANSWERS):
                part, key = item.get("answers"), name.removeprefix(ANSWERS)
            if isinstance(part, dict) and part.get(key) is not None:
                part[key] = self.meant(name, part[key])
                if name in self.times and isinstance(part[key], str):
                    part[key] = _timed(part[key], self.times[name], name) or part[key]
        return item

    def meant(self, name: str, said: Any) -> Any:
        """What the contractor's own code means, alone or in a list; others stay as they are."""
        codes = self.values.get(name)
        if codes is None:
            return said
        if isinstance(said, list):
            return [self.meant(name, one) for one in said]
        if isinstance(said, str | int | float) and not isinstance(said, bool):
            return codes.get(str(said).strip(), said)
        return said


def reading_of(form: str, header: Header | None, mapping: MappingIn | None) -> Reading:
    """How a delivery is read: by its mapping, or by a header that names the fields themselves.

    Errors: InvalidInput for a header that it cannot be read by.
    """
    said = mapping or MappingIn()
    codes = said.model_dump(include={"values", "constants", "times", "separator"})
    if header is None:
        return Reading(form, **codes)
    named = [(name or "").strip() for name in header]
    if mapping is not None and mapping.columns:
        missing = [name for name in mapping.columns if named.count(name) != 1]
        if missing:
            message = "The first row must have each column of the mapping once: " + ", ".join(
                missing[:20]
            )
            raise _wrong_columns(message)
        fields = mapping.columns
    else:
        fields = {name: field for name in named if name and (field := _field_named(name))}
        if len(fields) < len(list(filter(None, named))):
            message = (
                "Without a mapping of columns the first row names fields of an interview, each "
                "once: " + ", ".join(sorted(FIELDS)) + "; for answers the code of the question."
            )
            raise _wrong_columns(message)
    columns = [Column(n, name, fields[name]) for n, name in enumerate(named) if name in fields]
    known = {column.field for column in columns} | said.constants.keys()
    if lacking := [name for name in REQUIRED if name not in known]:
        raise _wrong_columns("There is neither a column nor a constant for: " + ", ".join(lacking))
    return Reading(form, tuple(columns), len(named), **codes)


def _field_named(name: str) -> str | None:
    if name in FIELDS:
        return name
    question = name.removeprefix(ANSWERS)
    return ANSWERS + question if _QUESTION.fullmatch(question) else None


def _wrong_columns(message: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError("/rows/1/header", "wrong_columns", message)])


class _Row:
    """One row of a table on its way to an item."""

    def __init__(self, reading: Reading, cells: Sequence[Any], kinds: Kinds) -> None:
        self._reading = reading
        self._cells = cells
        self._kinds = kinds
        self._errors: list[FieldError] = []

    def item(self) -> dict[str, Any]:
        """Errors: BadRow."""
        if any(cell is not None for cell in self._cells[self._reading.width :]):
            message = "The row goes on to the right of the columns that the first row names."
            self._errors.append(FieldError("", TOO_MANY_CELLS, message))
        said = dict(self._said())
        population = self._reading.meant("population", said.get("population"))
        asked = self._kinds.get(population, {}) if isinstance(population, str) else {}
        item: dict[str, Any] = {}
        answers: dict[str, Any] = {}
        for name, value in said.items():
            if name.startswith(ANSWERS):
                question = name.removeprefix(ANSWERS)
                answers[question] = self._answer(name, value, asked.get(question))
            else:
                item[name] = self._field(name, value)
        if answers:
            item["answers"] = answers
        if self._errors:
            raise BadRow(self._errors, item)
        return item

    def _said(self) -> Iterator[tuple[str, Any]]:
        yield from self._reading.constants.items()
        for column in self._reading.columns:
            cell = self._cells[column.number] if column.number < len(self._cells) else None
            if cell is FORMULA:
                self._refuse(column.field, "formula", "This formula has no result: paste a value.")
            elif cell is UNREADABLE:
                message = "Some characters of it cannot be read or stored: write them anew."
                self._refuse(column.field, "unreadable", message)
            elif cell is not None:
                yield column.field, cell

    def _refuse(self, name: str, code: str, message: str) -> None:
        steps = ["answers", name.removeprefix(ANSWERS)] if name.startswith(ANSWERS) else [name]
        self._errors.append(FieldError(pointer(steps), code, message))

    def _field(self, name: str, value: Any) -> Any:
        meant = self._reading.meant(name, value)
        if name in TIMES:
            return self._time(name, meant)
        if name in _WHOLE:
            return int(meant) if isinstance(meant, str) and _DIGITS.fullmatch(meant) else meant
        return str(meant) if isinstance(meant, int | float) else meant

    def _time(self, name: str, value: Any) -> Any:
        if isinstance(value, int | float):
            if int(value) in _EXCEL_DAYS:
                return (_EXCEL_BEGAN + timedelta(seconds=round(value * 86_400))).isoformat()
            value = str(value)
        form = self._reading.times.get(name)
        for one in (form,) if form else _USUAL:
            if isinstance(value, str) and (found := _timed(value, one, name)):
                return found
        if form:
            self._refuse(name, "bad_time", f"The mapping says that times are written {form}.")
        return value

    def _answer(self, name: str, value: Any, kind: str | None) -> Any:
        reading = self._reading
        if kind == "multiple_choice":
            meant = reading.meant(name, value)
            if meant != value:
                return meant if meant is None or isinstance(meant, list) else [meant]
            parts = [one.strip() for one in str(value).split(reading.separator)]
            return [reading.meant(name, one) for one in parts if one]
        meant = reading.meant(name, value)
        if kind == "date":
            return self._day(name, meant)
        if kind in ("rating", "number"):
            if isinstance(meant, str) and _NUMBER.fullmatch(meant):
                return float(meant) if "." in meant else int(meant)
            return meant
        return str(meant) if isinstance(meant, int | float) else meant

    def _day(self, name: str, value: Any) -> Any:
        if isinstance(value, int | float) and int(value) in _EXCEL_DAYS:
            return (_EXCEL_BEGAN + timedelta(days=int(value))).date().isoformat()
        form = self._reading.times.get(name)
        if form and isinstance(value, str):
            return _timed(value, form, name) or value
        return value


def _timed(text: str, form: str, name: str) -> str | None:
    """A time written in this form as RFC 3339, or a day for an answer; None for another form."""
    try:
        read = datetime.strptime(text, form)  # noqa: DTZ007 - it may have an offset
    except ValueError:
        return None
    if name.startswith(ANSWERS):
        return read.date().isoformat()
    return (read if read.tzinfo else read.replace(tzinfo=SHANGHAI)).isoformat()
