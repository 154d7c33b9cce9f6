"""XLSForms of which nothing sensible can be made, and files that are none."""

import io
import zipfile
from typing import Any

import pytest

from app.questionnaires.problems import XlsformRefused
from app.questionnaires.xlsform.reading import draft_of
from tests.questionnaires.xlsform.workbooks import LISTS, questions, taken, with_part, xlsform

GOOD = questions(["select_one yn", "a", "问"])
SHEET = "xl/worksheets/sheet1.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def errors(survey: Any, choices: Any = LISTS, **sheets: Any) -> list[tuple[str, str]]:
    """Where and why a form is refused."""
    with pytest.raises(XlsformRefused) as refused:
        taken(survey, choices, **sheets)
    return [(one.pointer, one.code) for one in refused.value.errors]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["select_one nowhere", "a", "?"], [("/survey/2/type", "unknown_list")]),
        (["select_one", "a", "?"], [("/survey/2/type", "unknown_list")]),
        (["nonsense", "a", "?"], [("/survey/2/type", "unknown_type")]),
        (["text", "", "?"], [("/survey/2/name", "invalid_name")]),
        (["text", "姓名", "?"], [("/survey/2/name", "invalid_name")]),
        (["text", "a" * 65, "?"], [("/survey/2/name", "invalid_name")]),
        (["text", "a", "?" * 2001], [("/survey/2/label", "string_too_long")]),
        (["end_group"], [("/survey/2/type", "unmatched_end")]),
        (["begin_group", "g", "?"], [("/survey/2/type", "unmatched_begin")]),
        (["text", "a", "?", "", ". <"], [("/survey/2/constraint", "bad_expression")]),
        (
            ["text", "a", "?", "", "string-length(.) <= 9000"],
            [("/survey/2/constraint", "less_than_equal")],
        ),
    ],
)
def test_a_row_is_refused_by_its_place(rows: list[str], expected: list[tuple[str, str]]) -> None:
    assert errors(questions(rows)) == expected


def test_every_place_has_its_own_error() -> None:
    rows = [
        ["text", "a", "?"],
        ["text", "a", "?"],
        ["select_one nowhere", "b", "?"],
        ["note", "c", "?", "${a} ="],
    ]
    assert sorted(errors(questions(*rows))) == [
        ("/survey/3/name", "duplicate_name"),
        ("/survey/4/type", "unknown_list"),
        ("/survey/5/relevant", "bad_expression"),
    ]


def test_groups_that_overlap_or_stand_too_deep_are_refused() -> None:
    crossed = [["begin_group", "g", "?"], ["begin_repeat", "r", "?"], ["end_group"], ["end_repeat"]]
    assert errors(questions(*crossed)) == [
        ("/survey/4/type", "unmatched_end"),
        ("/survey/2/type", "unmatched_begin"),
    ]
    deep = [["begin_group", f"g{number}", "?"] for number in range(3000)] + [["end_group"]] * 3000
    assert errors(questions(*deep)) == [("/survey/22/type", "too_deep")]
    twice = [["begin_group", "g", "?"], ["end_group"], ["begin_group", "g", "?"], ["end_group"]]
    assert errors(questions(*twice)) == [("/survey/4/name", "duplicate_name")]


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([["yn", "yes", "再"]], ("/choices/7/name", "duplicate_name")),
        ([["yn", "也 许", "?"]], ("/choices/7/name", "invalid_name")),
        ([["", "x", "?"]], ("/choices/7/list_name", "missing_list_name")),
        ([["yn", "x", "?" * 2001]], ("/choices/7/label", "string_too_long")),
        ([["yn", f"x{n}", "?"] for n in range(253)], ("/choices/259/name", "too_many_options")),
    ],
)
def test_choices_are_refused_by_their_place(
    lists: list[list[str]], expected: tuple[str, str]
) -> None:
    assert errors(GOOD, [*LISTS, *lists]) == [expected]


def test_settings_and_headers_are_refused_by_their_place() -> None:
    settings = [["form_title", "default_language"], ["T", "Klingon"]]
    expected = ("/settings/2/default_language", "unknown_language")
    assert errors(GOOD, settings=settings) == [expected]
    assert errors([["type", "name", "relevant", "relevance"], ["text", "a"]]) == [
        ("/survey/1/relevance", "duplicate_header")
    ]
    many = questions(*(["text", f"q{number}", "?"] for number in range(301)))
    assert errors(many) == [("/survey/1/A", "too_long")]


def refusal(file: bytes) -> str:
    """What is said of a file that is refused as a whole."""
    with pytest.raises(XlsformRefused) as refused:
        draft_of(file, "form")
    return refused.value.detail


@pytest.mark.parametrize(
    "file",
    [b"", b"type,name,label\ntext,a,b\n", b"PK\3\4", b"\xd0\xcf\x11\xe0" * 100, b"<html>" * 9],
)
def test_what_is_no_workbook_is_refused(file: bytes) -> None:
    assert "XLSX" in refusal(file)


def test_a_workbook_without_questions_is_refused() -> None:
    assert "survey" in refusal(xlsform([]))
    assert "survey" in refusal(xlsform([["type", "name", "label"]]))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("survey.csv", "type,name,label")
    assert "XLSX" in refusal(stream.getvalue())


def test_a_formula_is_refused_by_its_cell_and_its_stored_result_is_taken() -> None:
    survey = questions(["text", "a", '="x"&"y"'])
    assert errors(survey) == [("/survey/2/label", "formula")]
    stored = (
        f'<worksheet {MAIN}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>type</t></is></c>'
        '<c r="B1" t="inlineStr"><is><t>name</t></is></c></row><row r="2">'
        '<c r="A2" t="inlineStr"><is><t>text</t></is></c>'
        '<c r="B2" t="str"><f>"x"&amp;"y"</f><v>xy</v></c></row></sheetData></worksheet>'
    )
    found = draft_of(with_part(xlsform(GOOD), SHEET, stored.encode()), "form")
    assert found.draft.questions[0].code == "xy"


def test_control_characters_are_refused_however_they_are_written() -> None:
    for escape in ("_x0000_", "_xD800_"):
        assert errors(questions(["text", "a", f"x{escape}"])) == [
            ("/survey/2/label", "control_character")
        ]
        assert "control characters" in refusal(xlsform([["type", f"x{escape}"], ["text", "a"]]))


def test_files_of_hostile_shape_are_refused_without_being_unpacked() -> None:
    good = xlsform(GOOD, LISTS)
    bomb = with_part(good, SHEET, b"<worksheet>" + b" " * (25 << 20) + b"</worksheet>")
    assert len(bomb) < 100_000
    assert "unpacks to more than 20 MB" in refusal(bomb)
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, 11_000))
    many = f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"
    assert "more than 10,000 rows" in refusal(with_part(good, SHEET, many.encode()))
    far = f'<worksheet {MAIN}><sheetData><row r="1048577"><c><v>1</v></c></row></sheetData>'
    assert "rows beyond" in refusal(with_part(good, SHEET, f"{far}</worksheet>".encode()))
    entity = f'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet {MAIN}>&a;</worksheet>'
    assert "document type" in refusal(with_part(good, SHEET, entity.encode()))
    wide = xlsform([[f"h{number}" for number in range(300)], ["x"]])
    assert "more than 256 columns" in refusal(wide)
    long = xlsform(questions(*(["note", f"q{number}", "字" * 30_000] for number in range(40))))
    assert "1,000,000 characters" in refusal(long)


def test_one_large_sheet_under_many_names_is_read_once() -> None:
    good = xlsform(GOOD, LISTS)
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        book = archive.read("xl/workbook.xml").decode()
    start, end = book.index("<sheets>") + 8, book.index("</sheets>")
    again = book[start:end] * 3000
    found = draft_of(
        with_part(good, "xl/workbook.xml", (book[:start] + again + book[end:]).encode()), "form"
    )
    assert found.report.taken == 1


def test_a_million_declared_rows_of_which_one_is_filled_cost_nothing() -> None:
    good = xlsform(GOOD, LISTS)
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        sheet = archive.read(SHEET).decode()
    declared = sheet.replace("<dimension ref=", '<dimension ref="A1:XFD1048576" x=', 1)
    assert declared != sheet
    empty = "".join(f'<row r="{number}"/>' for number in range(3, 50_000))
    declared = declared.replace("</sheetData>", f"{empty}</sheetData>")
    assert draft_of(with_part(good, SHEET, declared.encode()), "form").report.taken == 1


def test_macros_beside_the_sheets_are_not_looked_at() -> None:
    file = with_part(xlsform(GOOD, LISTS), "xl/vbaProject.bin", b"\xcc\x61" * 1000)
    assert draft_of(file, "form").report.taken == 1
