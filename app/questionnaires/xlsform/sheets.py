"""The sheets of an XLSForm as rows of named cells, each of which knows its place."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.core.schemas import storable
from app.core.workbook import UNCALCULATED, Cells, Unreadable, letters, rows_of
from app.questionnaires.problems import XlsformRefused
from app.questionnaires.xlsform.report import Findings, Place

SHEETS = ("survey", "choices", "settings")
MAX_ROWS = 10_000
"""Of a sheet: what may be published has at most half as many options, and rows of matrices."""
_MAX_COLUMNS = 256
_MAX_UNPACKED = 20 << 20
_MAX_CHARACTERS = 1_000_000
"""In all cells: what may be published has a quarter as many, and expressions are laborious."""
_FURTHER = {
    "external_choices": "Write these choices on the sheet choices.",
    "entities": "Entities are not kept: leave the sheet out.",
    "osm": "Maps are not asked for: leave the sheet out.",
}
"""Sheets that XLSForm has and we have no use for."""
_CONTROL = "Texts must not hold control characters such as NUL."
_HEADERS = {"list name": "list_name", "title": "form_title"}
"""Columns that pyxform calls otherwise than people do."""
_OWN = "xinsheng"
"""How the headers begin of what XLSForm has no word for."""
_KNOWN = {
    "survey": {
        *("type", "name", "label", "hint", "guidance_hint", "appearance", "parameters"),
        *("default", "choice_filter", "trigger", "disabled", "media", "bind", "control", "body"),
        "instance",
    },
    "choices": {"list name", "name", "label", "media"},
    "settings": {"title", "id_string", "version", "default_language", "style"},
}


@dataclass(eq=False)
class Row:
    """A row of a sheet. What nobody takes out of it is reported at the end."""

    sheet: str
    number: int
    cells: dict[str, str]
    columns: dict[str, tuple[str, str]]
    """The letter and the header of each column of the sheet, by its name here."""
    taken: set[str] = field(default_factory=set)

    def take(self, name: str) -> str:
        """What stands in a column, which is herewith taken care of; blank where nothing does."""
        self.taken.add(name)
        return self.cells.get(name, "")

    def take_translated(self, name: str) -> dict[str, str]:
        """What stands in `name` and in `name::language`, by language; blank for `name` alone."""
        found = {}
        for column in self.cells:
            head, _, language = column.partition("::")
            if head == name and "::" not in language:
                found[language] = self.take(column)
        return found

    def place(self, name: str) -> Place:
        """Where a column's cell of this row is, or would be called where there is none."""
        letter, header = self.columns.get(name, ("", _HEADERS.get(name, name)))
        return Place(self.sheet, self.number, letter, header)

    def left(self) -> list[str]:
        """The columns with something in them that nobody took."""
        return [name for name in self.cells if name not in self.taken]


def read_sheets(file: bytes, findings: Findings) -> dict[str, list[Row]]:
    """The rows below the headers of the sheets survey, choices and settings, by sheet.

    Blank rows are left out. Errors: XlsformRefused where the file is no such workbook.
    """
    found: dict[str, list[tuple[int, Cells]]] = {}
    try:
        for name, number, cells in rows_of(
            file,
            {*SHEETS, *_FURTHER},
            max_unpacked=_MAX_UNPACKED,
            max_columns=_MAX_COLUMNS + 1,
        ):
            lines = found.setdefault(name, [])
            lines.append((number, cells))
            if len(lines) > MAX_ROWS + 1:
                raise XlsformRefused(f"The sheet {name} has more than {MAX_ROWS:,} rows.")
    except Unreadable as error:
        raise XlsformRefused(f"{error} Save the form as .xlsx.") from error
    if len(found.get("survey", [])) < 2:
        raise XlsformRefused("The file has no sheet survey with questions below a row of headers.")
    for name, advice in _FURTHER.items():
        if found.get(name):
            findings.leave(Place(name, found[name][0][0], "A", ""), advice)
    sheets = {name: _rows(name, found.get(name, []), findings) for name in SHEETS}
    rows = (row for rows in sheets.values() for row in rows)
    if sum(len(text) for row in rows for text in row.cells.values()) > _MAX_CHARACTERS:
        raise XlsformRefused(f"The form has more than {_MAX_CHARACTERS:,} characters.")
    return sheets


def _rows(sheet: str, lines: Iterable[tuple[int, Cells]], findings: Findings) -> list[Row]:
    columns: list[str] = []
    names: dict[str, tuple[str, str]] = {}
    rows: list[Row] = []
    for number, cells in lines:
        if not columns:
            columns, names = _headers(sheet, number, cells, findings)
            continue
        row = Row(sheet, number, {}, names)
        for column, value in enumerate(cells):
            if value is None or value == "":
                continue
            name = columns[column] if column < len(columns) else ""
            if value is UNCALCULATED:
                place = row.place(name) if name else Place(sheet, number, letters(column), "")
                message = "This formula has no stored result: write the value itself."
                findings.refuse(place, "formula", message)
            elif name:
                text = _text(value)
                if not storable(text):
                    findings.refuse(row.place(name), "control_character", _CONTROL)
                elif text:
                    row.cells[name] = text
            else:
                place = Place(sheet, number, letters(column), "")
                findings.leave(place, "This column has no header: name it, or leave it out.")
        if row.cells:
            rows.append(row)
    return rows


def _headers(
    sheet: str, number: int, cells: Cells, findings: Findings
) -> tuple[list[str], dict[str, tuple[str, str]]]:
    if len(cells) > _MAX_COLUMNS:
        raise XlsformRefused(f"The sheet {sheet} has more than {_MAX_COLUMNS} columns.")
    texts = ["" if one is UNCALCULATED else _text(one) for one in cells]
    if not all(map(storable, texts)):
        raise XlsformRefused(f"The headers of the sheet {sheet} hold control characters.")
    doubled = any("::" in text for text in texts)
    columns: list[str] = []
    names: dict[str, tuple[str, str]] = {}
    for position, text in enumerate(texts):
        name = _name(sheet, text, doubled) if text else ""
        columns.append(name)
        if name in names:
            place = Place(sheet, number, letters(position), text)
            message = f"Column {names[name][0]} has this header already, or one that means it."
            findings.refuse(place, "duplicate_header", message)
        elif name:
            names[name] = (letters(position), text)
    return columns, names


def _name(sheet: str, header: str, doubled: bool) -> str:
    """The one name of a column among all that XLSForm has for it: `bind::relevant`."""
    from pyxform import aliases
    from pyxform.parsing.sheet_headers import process_header, to_snake_case

    known: dict[str, Any] = {
        "survey": aliases.survey_header,
        "choices": aliases.list_header,
        "settings": aliases.settings_header,
    }
    _, tokens = process_header(header, doubled, known[sheet], _KNOWN[sheet])
    steps = [str(token) for token in tokens]
    if steps[0].lower().startswith(_OWN):
        steps[0] = to_snake_case(steps[0])
    return "::".join(steps)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # Excel has no integers
    return str(value).strip()
