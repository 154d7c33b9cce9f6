"""Columns of a table that goes into a file, and what a codebook says of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["text", "category", "integer", "number", "flag", "day"]
Values = Sequence[object]
"""A column's values: of a category the number of the category, from 0; None where there is none."""
Batch = Sequence[Values]
"""Some rows, column by column."""
LOCALES = ("zh-CN", "en")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Coded(NamedTuple):
    """One value of a variable."""

    value: str
    label: Mapping[str, str]
    counts_as: str = ""


@dataclass(frozen=True)
class Column:
    """A variable: its name in the file, how it is written, and what it means."""

    name: str
    kind: Kind
    label: Mapping[str, str]
    """By locale."""
    categories: tuple[str, ...] = ()
    """What stands in the file for each category: all different."""
    question: str = ""
    """The code under which it is answered; empty for what is no answer."""
    type: str = ""
    """The question's type."""
    values: tuple[Coded, ...] = ()
    least: str = ""
    most: str = ""
    page: str = ""
    required: bool = False
    visible_if: str = ""


@dataclass(frozen=True)
class Table:
    """What one sheet, or one file of several, holds."""

    name: str
    columns: tuple[Column, ...]
    note: Mapping[str, str] = field(default_factory=dict)
    """What it is of, for the codebook."""


CODEBOOK = (
    "table",
    "variable",
    "question",
    "type",
    "label_zh",
    "label_en",
    "value",
    "value_label_zh",
    "value_label_en",
    "counts_as",
    "min",
    "max",
    "page",
    "required",
    "visible_if",
    "questionnaire",
    "version",
)


def codebook(tables: Iterable[Table]) -> list[list[str]]:
    """The lines of the codebook without its head: one for each variable and value, as texts."""
    lines = []
    for table in tables:
        for one in table.columns:
            for coded in one.values or (Coded("", {}),):
                lines.append(_line(table, one, coded))
    return lines


def _line(table: Table, column: Column, coded: Coded) -> list[str]:
    return [
        table.name,
        column.name,
        column.question,
        column.type or column.kind,
        *(column.label.get(locale, "") for locale in LOCALES),
        coded.value,
        *(coded.label.get(locale, "") for locale in LOCALES),
        coded.counts_as,
        column.least,
        column.most,
        column.page,
        "1" if column.required else "",
        column.visible_if,
        table.note.get("questionnaire", ""),
        table.note.get("version", ""),
    ]


def plain(text: str) -> str:
    """A text without the characters that XML, or a terminal, has no place for."""
    return _CONTROLS.sub("", text)


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The names, with a number behind each that came before, in whatever letter case."""
    taken: set[str] = set()
    found = []
    for name in names:
        one, number = name, 1
        while one.casefold() in taken:
            number += 1
            one = f"{name}~{number}"
        taken.add(one.casefold())
        found.append(one)
    return tuple(found)


def in_order(texts: Iterable[str | None]) -> tuple[tuple[str, ...], list[int | None]]:
    """The different texts in the order in which they come, and for each where it stands."""
    numbers: dict[str, int] = {}
    places = [
        None if text is None else numbers.setdefault(plain(text), len(numbers)) for text in texts
    ]
    return tuple(numbers), places
