"""XLSX written: sheets of texts, and nothing that a spreadsheet would calculate."""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr  # nosec B406 # it writes

from app.core.workbook import letters

MAX_CELL = 32_767
"""Characters that Excel takes in a cell."""
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OPENXML = "http://schemas.openxmlformats.org"
_MAIN = f"{_OPENXML}/spreadsheetml/2006/main"
_OFFICE = f"{_OPENXML}/officeDocument/2006/relationships"
_PACKAGE = f"{_OPENXML}/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# What XML has no way to say, and what would be taken for such an escape.
_UNSAYABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")

Rows = Iterable[Sequence[str | None]]


def workbook_of(sheets: Mapping[str, Rows]) -> bytes:
    """An XLSX file with these sheets in order, of rows of texts of at most MAX_CELL characters.

    The same sheets make the same bytes.
    """
    parts = {
        "[Content_Types].xml": _content_types(len(sheets)),
        "_rels/.rels": _relationships([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _book(sheets),
        "xl/_rels/workbook.xml.rels": _relationships(
            [("worksheet", f"worksheets/sheet{number}.xml") for number in _numbers(sheets)]
        ),
    }
    for number, rows in zip(_numbers(sheets), sheets.values(), strict=True):
        parts[f"xl/worksheets/sheet{number}.xml"] = _sheet(rows)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, part in parts.items():
            # Without a time of its own, which would change with every writing.
            entry = zipfile.ZipInfo(path)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, _HEAD + part)
    return file.getvalue()


def _numbers(sheets: Mapping[str, Rows]) -> range:
    return range(1, len(sheets) + 1)


def _content_types(sheets: int) -> str:
    parts = [("/xl/workbook.xml", "sheet.main")]
    parts += [(f"/xl/worksheets/sheet{number + 1}.xml", "worksheet") for number in range(sheets)]
    overrides = "".join(
        f'<Override PartName="{path}" ContentType="{_KIND}.{kind}+xml"/>' for path, kind in parts
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{overrides}</Types>"
    )


def _relationships(targets: Sequence[tuple[str, str]]) -> str:
    written = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{path}"/>'
        for number, (kind, path) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{written}</Relationships>'


def _book(sheets: Mapping[str, Rows]) -> str:
    written = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
        for number, name in zip(_numbers(sheets), sheets, strict=True)
    )
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{written}</sheets></workbook>'


def _sheet(rows: Rows) -> str:
    written = "".join(
        f'<row r="{number}">{_cells(number, cells)}</row>'
        for number, cells in enumerate(rows, start=1)
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{written}</sheetData></worksheet>'


def _cells(row: int, cells: Sequence[str | None]) -> str:
    return "".join(
        f'<c r="{letters(column)}{row}" t="inlineStr"><is>'
        f'<t xml:space="preserve">{_text(text)}</t></is></c>'
        for column, text in enumerate(cells)
        if text
    )


def _text(text: str) -> str:
    return escape(_UNSAYABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text))
