"""Importing units from XLSX: numbers, formulas, and files that are made to harm."""

import io
import time
import zipfile
from typing import Any

import openpyxl

from app.core.workbook import rows
from tests.core.test_http import problem
from tests.factories import Api
from tests.units.test_importing import HEADER, SMALL, errors, imported, send

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(rows: list[list[Any]]) -> bytes:
    """An XLSX file of these rows."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


async def test_a_workbook_is_read_with_its_numbers(admin: Api) -> None:
    rows: list[list[Any]] = [
        HEADER.split(","),
        [370700, "潍坊市", "city", None, None, 9380000.0],
        [],
        [370702.0, " 潍城区 ", "county", "370700", "", "400000"],
        ["S1", "一中", "school", 370702, "junior", None, "2026-autumn", 1200, "2100", 90.0],
    ]
    assert await imported(admin, workbook(rows), XLSX) == (3, 0, 0)
    assert (await admin.made("GET", "/v1/units/370700"))["residents"] == 9380000
    assert (await admin.made("GET", "/v1/units/370702"))["name"] == "潍城区"
    assert (await admin.made("GET", "/v1/units/S1"))["enrolment"][0]["parents"] == 2100


async def test_errors_in_a_workbook_name_the_row_as_excel_does(admin: Api) -> None:
    rows: list[list[Any]] = [
        HEADER.split(","),
        ["W", "潍坊市", "city", None, None, 1.5],
        [],
        ["A", "A县", "county", "W", None, True],
        ["B", "B县", "county", "W", None, None, None, None, None, None, None, "note"],
    ]
    assert errors(await send(admin, workbook(rows), XLSX)) == [
        ("/rows/2/residents", "int_type"),
        ("/rows/4/residents", "int_type"),
        ("/rows/5/beyond_header", "too_many_cells"),
    ]


def _with_results(content: bytes, results: dict[str, str]) -> bytes:
    """The workbook as Excel would have saved it: with the results of its formulas."""
    source, target = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with source, zipfile.ZipFile(target, "w") as changed:
        for name in source.namelist():
            text = source.read(name)
            for formula, result in results.items():
                old = f"<f>{formula}</f><v></v>", f"<f>{formula}</f><v />"
                for one in old:
                    text = text.replace(one.encode(), f"<f>{formula}</f><v>{result}</v>".encode())
            changed.writestr(name, text)
    return target.getvalue()


async def test_of_a_formula_the_stored_result_is_taken(admin: Api) -> None:
    rows: list[list[Any]] = [HEADER.split(","), ["W", "潍坊市", "city", None, None, "=200000*2"]]
    content = _with_results(workbook(rows), {"200000*2": "400000"})
    assert await imported(admin, content, XLSX) == (1, 0, 0)
    assert (await admin.made("GET", "/v1/units/W"))["residents"] == 400_000


async def test_a_formula_without_a_stored_result_is_an_error_not_a_blank(admin: Api) -> None:
    rows: list[list[Any]] = [
        HEADER.split(","),
        ["W", "潍坊市", "city", None, None, "=200000*2"],
        ["=CONCATENATE(1)", "A县", "county", "W"],
    ]
    assert errors(await send(admin, workbook(rows), XLSX)) == [
        ("/rows/2/residents", "formula"),
        ("/rows/3/code", "formula"),
    ]


def _zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


async def test_a_broken_workbook_is_malformed(admin: Api) -> None:
    good = workbook([HEADER.split(","), ["W", "潍坊市", "city"]])
    for content in (b"", b"PK", b"not a zip", good[:-100], SMALL.encode()):
        problem(await send(admin, content, XLSX), 400, "malformed")
    for members in ({}, {"a.txt": b"x"}, {"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<"}):
        problem(await send(admin, _zipped(members), XLSX), 400, "malformed")


async def test_a_zip_bomb_is_refused_quickly(admin: Api) -> None:
    bomb = _zipped({"xl/worksheets/sheet1.xml": bytes(150 << 20)})
    assert len(bomb) < 1 << 20
    began = time.perf_counter()
    assert "unpacks" in problem(await send(admin, bomb, XLSX), 400, "malformed")["detail"]
    assert time.perf_counter() - began < 30


def _replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    changed = {name: text.replace(old, new) for name, text in members.items()}
    assert changed != members
    return _zipped(changed)


async def test_a_workbook_that_claims_millions_of_cells_costs_little(admin: Api) -> None:
    small = workbook([["code", "name", "kind"], ["W", "潍坊市", "city"]])
    wide = _replaced(small, b'ref="A1:C2"', b'ref="A1:XFD1048576"')
    assert await imported(admin, wide, XLSX) == (1, 0, 0)
    far = _replaced(small, b'<row r="2">', b'<row r="99999999999">')
    began = time.perf_counter()
    assert (await send(admin, far, XLSX)).status_code in (200, 400)
    assert time.perf_counter() - began < 90


async def test_entities_in_a_workbook_are_not_expanded(admin: Api) -> None:
    small = workbook([["code", "name", "kind"], ["W", "潍坊市", "city"]])
    laughs = b"<!DOCTYPE x [<!ENTITY a '" + b"x" * 1000 + b"'>"
    for name, below in zip("bcdefg", "abcdef", strict=True):
        laughs += f"<!ENTITY {name} '{f'&{below};' * 20}'>".encode()
    laughs += b"]><worksheet "
    content = _replaced(small, b"<worksheet ", laughs)
    content = _replaced(content, "潍坊市".encode(), b"&g;")
    began = time.perf_counter()
    problem(await send(admin, content, XLSX), 400, "malformed")
    assert time.perf_counter() - began < 60


def test_a_number_without_end_is_a_text() -> None:
    content = _replaced(workbook([["V-1", 46_000.125, 7]]), b"46000.125", b"1e999")
    assert [cells for _, cells in rows(content)] == [["V-1", "1e999", 7]]
