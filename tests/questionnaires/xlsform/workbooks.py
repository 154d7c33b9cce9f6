"""XLSForms made by openpyxl, as a spreadsheet program would have saved them."""

import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl

from app.questionnaires.xlsform.reading import Taken, draft_of

Json = dict[str, Any]
Line = Sequence[Any]
LISTS = [
    ["list_name", "name", "label"],
    ["yn", "yes", "是"],
    ["yn", "no", "否"],
    ["sport", "run", "跑步"],
    ["sport", "swim", "游泳"],
    ["sport", "none", "都不"],
]


def xlsform(
    survey: Sequence[Line], choices: Sequence[Line] = (), **sheets: Sequence[Line]
) -> bytes:
    """A workbook with these sheets, each a list of rows with the headers first."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in {"survey": survey, "choices": choices, **sheets}.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def questions(*rows: Line, headers: str = "type name label relevant constraint") -> list[Line]:
    """The sheet survey, of these rows."""
    return [headers.split(), *rows]


def taken(survey: Sequence[Line], choices: Sequence[Line] = LISTS, **sheets: Any) -> Taken:
    """What a form makes, and what it leaves out."""
    sheets.setdefault("settings", [["form_title"], ["问卷"]])
    return draft_of(xlsform(survey, choices, **sheets), "form")


def made(survey: Sequence[Line], choices: Sequence[Line] = LISTS, **sheets: Any) -> list[Json]:
    """The questions that a form makes."""
    draft = taken(survey, choices, **sheets).draft
    return draft.model_dump(mode="json", by_alias=True)["questions"]  # type: ignore[no-any-return]


def places(found: Taken) -> list[tuple[str, int, str]]:
    """Where the lines of a report are."""
    lines = found.report.not_taken
    for line in lines:
        assert line.row > 0, line
        assert re.match(r"([A-Z]{1,2}( \(.+\))?|[a-z_]+)$", line.column), line
        assert re.match(r"\S.{10,}\S$", line.message), line
    return [(line.sheet, line.row, line.column) for line in lines]


def with_part(file: bytes, path: str, content: bytes) -> bytes:
    """The file with another content of one of its parts."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(file)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name != path:
                new.writestr(name, old.read(name))
        new.writestr(path, content)
    return stream.getvalue()
