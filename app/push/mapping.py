"""Rows of a table into interviews, as a mapping says; the same rules as the server's own uploads.

See `PUT /v1/interview-mappings/{code}` for what a mapping says.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from app.core.workbook import UNCALCULATED, letters
from app.push.files import Fault
from app.push.wording import Said, Stopped

Kinds = Mapping[str, Mapping[str, str]]
"""By population and question: the question's type."""
ANSWERS = "answers."
REQUIRED = ("interview_id", "unit", "population", "disposition", "ended_at")
_TIMES = ("started_at", "ended_at")
_WHOLE = ("revision", "attempts")
_WORDS = ("child", "phone", "external_id", "sample_id", "interviewer", "language")
FIELDS = frozenset((*REQUIRED, *_TIMES, *_WHOLE, *_WORDS, "recording", "recording_sha256"))
"""The fields of an interview that a column can be."""
_QUESTION = re.compile(r"[A-Za-z0-9._-]{1,130}")
_DIGITS = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_USUAL = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
SHANGHAI = timezone(timedelta(hours=8))
"""Without a database of time zones: China has known no other time since 1991."""
_EXCEL_BEGAN = datetime(1899, 12, 30, tzinfo=SHANGHAI)
_EXCEL_DAYS = range(36_526, 73_415)


class ColumnMapping(msgspec.Struct):
    """A mapping, of a file or as the server has saved it."""

    columns: dict[str, str] = {}
    values: dict[str, dict[str, Any]] = {}
    constants: dict[str, Any] = {}
    times: dict[str, str] = {}
    separator: str = ";"


def decoded(content: bytes) -> ColumnMapping:
    """A mapping from its JSON. Errors: Stopped."""
    try:
        return msgspec.json.decode(content, type=ColumnMapping)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Stopped(f"映射文件无法读取：{error}", f"The mapping is none: {error}") from error


class Unmapped(Exception):
    """A row that makes no interview, and why."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__()
        self.faults = faults


class Table:
    """A table's columns, and how its rows become interviews."""

    def __init__(self, header: Sequence[str], mapping: ColumnMapping, kinds: Kinds) -> None:
        self._mapping = mapping
        self._kinds = kinds
        self._width = len(header)
        self._columns = dict(_columns(header, mapping))
        named = {*self._columns.values(), *mapping.constants}
        if lacking := ", ".join(one for one in REQUIRED if one not in named):
            raise Stopped(
                f"表中既没有这些列，映射中也没有相应常量：{lacking}",
                f"There is neither a column nor a constant for: {lacking}",
            )
        self._places = {
            field: f"{letters(number)} {header[number]}" for number, field in self._columns.items()
        }

    def place(self, field: str) -> str:
        """The column of a field, such as `C 结果`; empty where there is none."""
        return self._places.get(field, "")

    def item(self, cells: Sequence[Any]) -> dict[str, Any]:
        """A row as an interview. Errors: Unmapped."""
        faults: list[Fault] = []
        said = dict(self._said(cells, faults))
        population = meant(self._mapping, "population", said.get("population"))
        asked = self._kinds.get(population, {}) if isinstance(population, str) else {}
        item: dict[str, Any] = {}
        answers: dict[str, Any] = {}
        for name, value in said.items():
            if name.startswith(ANSWERS):
                question = name.removeprefix(ANSWERS)
                answers[question] = self._answer(name, value, asked.get(question))
            else:
                item[name] = self._field(name, value, faults)
        if faults:
            raise Unmapped(faults)
        return {**item, "answers": answers} if answers else item

    def _said(self, cells: Sequence[Any], faults: list[Fault]) -> Iterator[tuple[str, Any]]:
        yield from self._mapping.constants.items()
        if any(one not in (None, "") for one in cells[self._width :]):
            words = Said("这一行超出了表头的列数。", "The row has more cells than the first row.")
            faults.append(Fault("too_many_cells", words))
        for number, field in self._columns.items():
            cell = cells[number] if number < len(cells) else None
            cell = cell.strip() if isinstance(cell, str) else cell
            if cell is UNCALCULATED:
                words = Said("公式没有结果：请粘贴数值。", "This formula has no result.")
                faults.append(Fault("formula", words, field))
            elif cell not in (None, ""):
                yield field, _plain(cell)

    def _field(self, name: str, value: Any, faults: list[Fault]) -> Any:
        value = meant(self._mapping, name, value)
        if name in _TIMES:
            return self._time(name, value, faults)
        if name in _WHOLE:
            return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
        return str(value) if isinstance(value, int | float) else value

    def _time(self, name: str, value: Any, faults: list[Fault]) -> Any:
        if isinstance(value, int | float):
            if int(value) in _EXCEL_DAYS:
                return (_EXCEL_BEGAN + timedelta(seconds=round(value * 86_400))).isoformat()
            value = str(value)
        form = self._mapping.times.get(name)
        for one in (form,) if form else _USUAL:
            if isinstance(value, str) and (found := _timed(value, one)):
                return found.isoformat()
        if form or instant(value) is None:
            words = Said(
                f"时间应写作 {form or '2026-11-02 18:25'}。",
                f"Write the time as {form or '2026-11-02 18:25'}.",
            )
            faults.append(Fault("bad_time", words, name))
        return value

    def _answer(self, name: str, value: Any, kind: str | None) -> Any:
        found = meant(self._mapping, name, value)
        if kind == "multiple_choice":
            if found != value:
                return found if found is None or isinstance(found, list) else [found]
            parts = [one.strip() for one in str(value).split(self._mapping.separator)]
            return [meant(self._mapping, name, one) for one in parts if one]
        if kind == "date":
            return self._day(name, found)
        if kind in ("rating", "number"):
            if isinstance(found, str) and _NUMBER.fullmatch(found):
                return float(found) if "." in found else int(found)
            return found
        return str(found) if isinstance(found, int | float) else found

    def _day(self, name: str, value: Any) -> Any:
        if isinstance(value, int | float) and int(value) in _EXCEL_DAYS:
            return (_EXCEL_BEGAN + timedelta(days=int(value))).date().isoformat()
        form = self._mapping.times.get(name)
        found = _timed(value, form) if form and isinstance(value, str) else None
        return found.date().isoformat() if found else value


def _columns(header: Sequence[str], mapping: ColumnMapping) -> Iterator[tuple[int, str]]:
    names = [name for name in header if name]
    repeated = sorted({name for name in names if names.count(name) > 1})
    missing = [name for name in mapping.columns if name not in names]
    unknown = [] if mapping.columns else [name for name in names if not field_named(name)]
    for zh, en, wrong in (
        ("表头有重复的列", "The first row has columns twice", repeated),
        ("表头缺少映射中的列", "The first row lacks columns of the mapping", missing),
        ("没有映射时表头应为字段名或题目代码", "Without a mapping these name no field", unknown),
    ):
        if wrong:
            shown = ", ".join(wrong[:20])
            raise Stopped(f"{zh}：{shown}", f"{en}: {shown}")
    for number, name in enumerate(header):
        field = mapping.columns.get(name) if mapping.columns else field_named(name)
        if field:
            yield number, field


def field_named(name: str) -> str | None:
    """The field that a column is named after: one of `FIELDS`, or an answer."""
    if name in FIELDS:
        return name
    question = name.removeprefix(ANSWERS)
    return ANSWERS + question if _QUESTION.fullmatch(question) else None


def meant(mapping: ColumnMapping, name: str, said: Any) -> Any:
    """What the contractor's own code means, alone or in a list; others stay as they are."""
    codes = mapping.values.get(name)
    if codes is None:
        return said
    if isinstance(said, list):
        return [meant(mapping, name, one) for one in said]
    if isinstance(said, str | int | float) and not isinstance(said, bool):
        return codes.get(str(said).strip(), said)
    return said


def recoded(mapping: ColumnMapping, content: dict[str, Any]) -> dict[str, Any]:
    """An item of JSON with the contractor's own codes and times replaced."""
    item = dict(content)
    if isinstance(item.get("answers"), dict):
        item["answers"] = dict(item["answers"])
    for name in {**mapping.values, **mapping.times}:
        part, key = item, name
        if name.startswith(ANSWERS):
            part, key = item.get("answers") or {}, name.removeprefix(ANSWERS)
        if not isinstance(part, dict) or part.get(key) is None:
            continue
        part[key] = meant(mapping, name, part[key])
        form = mapping.times.get(name)
        found = _timed(part[key], form) if form and isinstance(part[key], str) else None
        if found:
            part[key] = (found if part is item else found.date()).isoformat()
    return item


def instant(value: Any) -> datetime | None:
    """A time as RFC 3339 has it, with its offset; None for anything else."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None


def _timed(text: str, form: str) -> datetime | None:
    try:
        read = datetime.strptime(text, form)  # noqa: DTZ007 - China's, where it has no offset
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=SHANGHAI)


def _plain(cell: Any) -> Any:
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)  # Excel has no integers
    return cell
