"""Counts that were aggregated elsewhere: a table, long or wide, as one batch.

Long: unit, population, question, option, count, respondents. Wide: unit, population, respondents,
and for each option a column `question.option`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.core.problems import pointer
from app.core.workbook import UNCALCULATED
from app.push.files import File, Raw
from app.push.mapping import SHANGHAI
from app.push.wording import Said, Stopped

_LONG = ("unit", "population", "question", "option", "count", "respondents")
_WIDE = ("unit", "population", "respondents")
_DIGITS = re.compile(r"[0-9]{1,9}")
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def batch_named(path: Path) -> str:
    """The batch that a file is, where nobody says: its name, as far as a code can have it."""
    return _NAME.sub("-", path.stem).strip("-")[:64] or "batch"


def as_of_file(path: Path) -> str:
    """When counts were so, where nobody says: when their file was last written."""
    return datetime.fromtimestamp(int(path.stat().st_mtime), SHANGHAI).isoformat()


@dataclass
class Table:
    """The rows of a batch, and where the file has them."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    """By pointer into the batch: the number of the file's row."""

    def begin(self, row: dict[str, Any], number: int) -> None:
        """Add a row, which begins at a row of the file."""
        self._numbers[pointer(["rows", len(self.rows)])] = number
        self.rows.append(row)

    def add(self, index: int, question: str, option: str, count: Any, number: int) -> None:
        """Add a count to the row of this index. Errors: Stopped, where it is none or there."""
        options = self.rows[index]["counts"].setdefault(question, {})
        if option in options:
            raise _wrong(number, f"{question}.{option}", "出现两次", "comes twice")
        options[option] = _number(count, number, f"{question}.{option}")
        where = ("rows", index, "counts", question)
        self._numbers.setdefault(pointer(where), number)
        self._numbers[pointer((*where, option))] = number

    def place(self, where: str) -> Said:
        """What the user calls that to which a pointer into the batch points."""
        known = where
        while known and known not in self._numbers:
            known = known.rpartition("/")[0]
        if not known:
            return Said(where, where)
        number = self._numbers[known]
        column = ".".join(where.split("/")[3:]).removeprefix("counts.")
        return Said(f"第 {number} 行 {column}".rstrip(), f"row {number} {column}".rstrip())


def read(file: File) -> Table:
    """The rows of the batch that a file holds. Errors: Stopped, naming the row."""
    table = Table()
    if not file.is_table:
        for one in file.items():
            table.begin(*_whole(one))
        return table
    header = file.header()
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if repeated:
        named = ", ".join(repeated[:20])
        raise Stopped(
            f"表头有重复的列：{named}。没有发送任何内容。",
            f"The first row has columns twice: {named}. Nothing was sent.",
        )
    is_long = set(_LONG) <= set(header)
    if not is_long and not set(_WIDE) <= set(header):
        raise Stopped(
            "表头应为 unit, population, question, option, count, respondents（长表），"
            "或 unit, population, respondents 加各列 题目.选项（宽表）。",
            "The first row names unit, population, question, option, count, respondents (long), "
            "or unit, population, respondents and columns question.option (wide).",
        )
    found: dict[tuple[str, str], int] = {}
    for one in file.items():
        assert isinstance(one, Raw)
        cells = _named(header, one)
        key = _text(cells, "unit", one.row), _text(cells, "population", one.row)
        respondents = _number(cells["respondents"], one.row, "respondents")
        index = found.setdefault(key, len(table.rows))
        if index == len(table.rows):
            table.begin(_row(*key, respondents), one.row)
        elif not is_long:
            raise _wrong(one.row, "unit", "同一单位和人群出现两次", "comes twice")
        elif table.rows[index]["respondents"] != respondents:
            raise _wrong(one.row, "respondents", "同一单位和人群前后不一", "differs from before")
        if is_long:
            said = _text(cells, "question", one.row), _text(cells, "option", one.row)
            table.add(index, *said, cells["count"], one.row)
        else:
            for name in header:
                if name not in _WIDE and cells[name] not in (None, ""):
                    question, _, option = name.rpartition(".")
                    table.add(index, question, option, cells[name], one.row)
    return table


def _row(unit: str, population: str, respondents: int) -> dict[str, Any]:
    return {"unit": unit, "population": population, "respondents": respondents, "counts": {}}


def _whole(one: Any) -> tuple[dict[str, Any], int]:
    if isinstance(one, Raw):
        return dict(one.content), one.row
    raise _wrong(one[0], "", "不是 JSON 对象", "is no JSON object")


def _named(header: Sequence[str], row: Raw) -> dict[str, Any]:
    """A row's cells by their columns, None where it is shorter than the first row."""
    if any(one not in (None, "") for one in row.content[len(header) :]):
        raise _wrong(row.row, "", "超出了表头的列数", "has more cells than the first row")
    return dict.fromkeys(header) | dict(zip(header, row.content, strict=False))


def _text(cells: Mapping[str, Any], column: str, row: int) -> str:
    found = cells[column]
    if found in (None, "") or found is UNCALCULATED:
        raise _wrong(row, column, "缺少", "is missing")
    return str(found)


def _number(value: Any, row: int, column: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(row, column, "应为非负整数", "is no whole number")
    return value


def _wrong(row: int, column: str, zh: str, en: str) -> Stopped:
    return Stopped(
        f"第 {row} 行 {column} {zh}。什么也没有发送。",
        f"Row {row}, {column}: {en}. Nothing was sent.",
    )


def changes_of(reply: Mapping[str, Any]) -> Sequence[tuple[str, str, Any]]:
    """What the reply to a batch says, line by line: in Chinese, in English, the figure."""
    changed = reply.get("changed") or {}
    return [
        ("状态", "status", reply.get("status")),
        ("版本", "revision", reply.get("revision")),
        ("应答人数（前）", "respondents before", changed.get("respondents_before")),
        ("应答人数（后）", "respondents after", changed.get("respondents_after")),
        ("变动的行", "rows changed", changed.get("rows_changed")),
    ]
