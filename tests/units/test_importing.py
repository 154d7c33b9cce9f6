"""Importing a unit list: all of it or nothing, with one error for each bad row."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.core.test_http import problem
from tests.factories import Api, tree

URL = "/v1/units/import"
HEADER = "code,name,kind,parent,stage,residents,period,students,parents,teachers"
SMALL = """\
code,name,kind,parent,stage,residents,period,students,parents,teachers
S1,一中,school,C1,junior,,2026-autumn,1200,2100,90
C1,奎文区,county,P1,,400000,,,,
P1,潍坊市,city,,,9380000,,,,
"""


async def send(api: Api, content: str | bytes, kind: str = "text/csv", **query: Any) -> Any:
    """The reply to an import."""
    body = content.encode() if isinstance(content, str) else content
    return await api.request(
        "POST", URL, content=body, headers={"Content-Type": kind}, params=query
    )


async def imported(api: Api, content: str | bytes, kind: str = "text/csv") -> tuple[int, int, int]:
    """How many units an import that must succeed created, updated and left."""
    reply = await send(api, content, kind)
    assert reply.status_code == 200, reply.text
    counted = reply.json()
    return counted["created"], counted["updated"], counted["unchanged"]


def errors(reply: httpx.Response) -> list[tuple[str, str]]:
    """Pointers and codes of a refused import."""
    document = problem(reply, 422, "import-refused")
    return [(error["pointer"], error["code"]) for error in document["errors"]]


async def codes(api: Api) -> list[str]:
    """The codes of all units that a client sees."""
    return [unit["code"] for unit in (await api.made("GET", "/v1/units"))["items"]]


async def test_children_may_stand_before_their_parents(admin: Api) -> None:
    assert await imported(admin, SMALL) == (3, 0, 0)
    school = await admin.made("GET", "/v1/units/S1")
    assert school["parent"] == "C1"
    assert school["stage"] == "junior"
    assert school["enrolment"] == [
        {"period": "2026-autumn", "students": 1200, "parents": 2100, "teachers": 90}
    ]
    within = await admin.made("GET", "/v1/units?within=P1")
    assert [unit["code"] for unit in within["items"]] == ["C1", "P1", "S1"]


async def test_importing_again_changes_nothing_and_says_so(admin: Api) -> None:
    await imported(admin, SMALL)
    assert await imported(admin, SMALL) == (0, 0, 3)
    changed = SMALL.replace("一中", "第一中学").replace("2100", "2200")
    assert await imported(admin, changed) == (0, 1, 2)
    assert (await admin.made("GET", "/v1/units/S1"))["name"] == "第一中学"
    enrolment = SMALL.replace("2100", "2300").replace("一中", "第一中学")
    assert await imported(admin, enrolment) == (0, 1, 2)


async def test_two_periods_of_one_unit_may_stand_in_one_file(admin: Api) -> None:
    rows = "S1,一中,school,,,,2026-autumn,1,2,3\nS1,一中,school,,,,2027-spring,4,5,6\n"
    assert await imported(admin, f"{HEADER}\n{rows}") == (1, 0, 0)
    school = await admin.made("GET", "/v1/units/S1")
    assert [(row["period"], row["students"]) for row in school["enrolment"]] == [
        ("2027-spring", 4),
        ("2026-autumn", 1),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_encodings_of_chinese_spreadsheets_are_read(admin: Api, encoding: str) -> None:
    assert await imported(admin, SMALL.encode(encoding)) == (3, 0, 0)
    assert (await admin.made("GET", "/v1/units/P1"))["name"] == "潍坊市"


async def test_line_ends_quotes_and_blank_lines_are_taken_as_excel_writes_them(
    admin: Api,
) -> None:
    content = 'Code, NAME ,kind,,\r\n\r\n"W","潍坊, ""风筝""",city,,\r\n,,,,\r\n'
    assert await imported(admin, content) == (1, 0, 0)
    assert (await admin.made("GET", "/v1/units/W"))["name"] == '潍坊, "风筝"'


async def test_every_bad_row_has_one_error_and_nothing_is_stored(admin: Api) -> None:
    rows = [
        "W,潍坊市,city,,,,,,,",
        "bad code,x,city,,,,,,,",
        "A,,county,W,,,,,,",
        "B,B县,planet,W,,,,,,",
        "C,C县,county,nowhere,,,,,,",
        "D,D县,city,W,,,,,,",
        "S,S校,school,A,college,,,,,",
        "T,T校,school,W,,many,,,,",
        "U,U校,school,W,,-5,,,,",
        "V,V校,school,W,,,2026-summer,1,1,1",
        "X,X校,school,W,,,,1,1,1",
        "W,潍坊市,city,,,,,,,",
        "Y,Y校,school,W,,1.5,,,,",
        "Z,Z校,school,W,," + "9" * 5000 + ",,,,",
        "Q,Q校,school,W,,,,,,,beyond",
        "N,a\0b,school,W,,,,,,",
        "L," + "长" * 201 + ",school,W,,,,,,",
    ]
    found = errors(await send(admin, "\n".join([HEADER, *rows])))
    assert found == [
        ("/rows/3/code", "string_pattern_mismatch"),
        ("/rows/4/name", "string_type"),
        ("/rows/5/kind", "literal_error"),
        ("/rows/6/parent", "unknown"),
        ("/rows/7/kind", "wrong_level"),
        ("/rows/8/stage", "literal_error"),
        ("/rows/9/residents", "int_type"),
        ("/rows/10/residents", "int_type"),
        ("/rows/11/period", "string_pattern_mismatch"),
        ("/rows/12/period", "missing"),
        ("/rows/13/code", "duplicate"),
        ("/rows/14/residents", "int_type"),
        ("/rows/15/residents", "int_type"),
        ("/rows/16/beyond_header", "too_many_cells"),
        ("/rows/17/name", "control_character"),
        ("/rows/18/name", "string_too_long"),
    ]
    assert await codes(admin) == []


async def test_errors_say_what_would_be_right_and_quote_no_cell(admin: Api) -> None:
    reply = await send(admin, f"{HEADER}\nW,W,13800000000,,,13800000000x,,,,\n")
    assert "13800000000" not in reply.text
    [error] = reply.json()["errors"]
    assert "province" in error["message"]


async def test_columns_that_the_file_does_not_have_leave_what_is_stored(admin: Api) -> None:
    await imported(admin, SMALL)
    before = await admin.made("GET", "/v1/units/S1")
    assert await imported(admin, "code,name,kind\nS1,一中,school\nC1,奎文区,county\n") == (0, 0, 2)
    assert await admin.made("GET", "/v1/units/S1") == before
    heads = "code,name,kind,period,students,parents\nS1,一中,school,2026-autumn,1300,\n"
    assert await imported(admin, heads) == (0, 1, 0)
    after = await admin.made("GET", "/v1/units/S1")
    # What stands there empty is emptied; what does not stand there is kept.
    expected = {"period": "2026-autumn", "students": 1300, "parents": None, "teachers": 90}
    assert after == {**before, "enrolment": [expected]}
    kind = "code,name,kind\nS1,一中,city\n"
    assert errors(await send(admin, kind)) == [("/rows/2/kind", "wrong_level")]


async def test_a_client_may_leave_out_the_parent_that_it_cannot_see(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("units:write", unit="A")
    assert await imported(county, "code,name,kind\nA,新县,county\n") == (0, 1, 0)
    assert (await county.made("GET", "/v1/units/A"))["parent"] == "W"


async def test_rows_about_one_unit_must_not_contradict_each_other(admin: Api) -> None:
    rows = "S1,一中,school,,,,2026-autumn,1,2,3\nS1,二中,school,,,,2027-spring,4,5,6\n"
    assert errors(await send(admin, f"{HEADER}\n{rows}")) == [("/rows/3/name", "contradiction")]
    rows = "S1,一中,school,,,,,,,\nS1,一中,school,,,,2027-spring,4,5,6\n"
    assert await imported(admin, f"{HEADER}\n{rows}") == (1, 0, 0)


async def test_the_child_of_a_bad_row_is_not_blamed_for_it(admin: Api) -> None:
    rows = "W,潍坊市,planet,,,,,,,\nA,A县,county,W,,,,,,\n"
    assert errors(await send(admin, f"{HEADER}\n{rows}")) == [("/rows/2/kind", "literal_error")]


@pytest.mark.parametrize(
    "header",
    [
        "code,name",
        "name,kind",
        "code,name,kind,colour",
        "code,name,kind,name",
        "x",
        "code;name;kind",
    ],
)
async def test_wrong_columns_are_told_the_right_ones(admin: Api, header: str) -> None:
    reply = await send(admin, f"{header}\nW,W,city\n")
    assert errors(reply) == [("/rows/1/header", "wrong_columns")]
    assert HEADER in reply.json()["errors"][0]["message"]


async def test_files_that_hold_nothing_or_cannot_be_read_are_refused(admin: Api) -> None:
    for content in ("", "\n\n", ",,,\n", "\ufeff"):
        problem(await send(admin, content), 422, "import-refused")
        assert "empty" in (await send(admin, content)).json()["detail"]
    assert await imported(admin, HEADER) == (0, 0, 0)
    for broken in ('code,name,kind\n"W,W,city', 'code,name,kind\nW,"W"x,city', "a" * 200_000):
        problem(await send(admin, broken), 400, "malformed")
    for undecodable in (SMALL.encode("utf-16"), b"code,name,kind\n\xff\xff\xff"):
        problem(await send(admin, undecodable), 400, "malformed")
    for kind in ("application/json", "text/plain", "application/vnd.ms-excel", ""):
        problem(await send(admin, SMALL, kind), 415, "unsupported-media-type")


async def test_a_dry_run_counts_and_changes_nothing(admin: Api) -> None:
    reply = await send(admin, SMALL, dry_run=True)
    assert reply.json() == {"created": 3, "updated": 0, "unchanged": 0}
    assert await codes(admin) == []
    assert await imported(admin, SMALL) == (3, 0, 0)
    changed = SMALL.replace("一中", "第一中学").replace("2100", "1")
    reply = await send(admin, changed, dry_run=True)
    assert reply.json() == {"created": 0, "updated": 1, "unchanged": 2}
    school = await admin.made("GET", "/v1/units/S1")
    assert (school["name"], school["enrolment"][0]["parents"]) == ("一中", 2100)
    assert errors(await send(admin, f"{HEADER}\nX,,city\n", dry_run=True))
    problem(await send(admin, SMALL, dry_run="maybe"), 422, "invalid-input")


async def test_cells_that_look_like_formulas_are_texts_in_csv(admin: Api) -> None:
    assert await imported(admin, "code,name,kind\nW,=1+1,city\n") == (1, 0, 0)
    assert (await admin.made("GET", "/v1/units/W"))["name"] == "=1+1"


async def test_ten_thousand_rows_take_a_few_seconds(admin: Api) -> None:
    lines = [HEADER, "W,潍坊市,city,,,,,,,"]
    lines += [f"C{number},县{number},county,W,,,,,," for number in range(100)]
    lines += [
        f"S{number},学校{number},school,C{number % 100},primary,,2026-autumn,1000,1900,70"
        for number in range(9_899)
    ]
    content = "\n".join(lines)
    began = time.perf_counter()
    assert await imported(admin, content) == (10_000, 0, 0)
    assert time.perf_counter() - began < 90
    began = time.perf_counter()
    assert await imported(admin, content) == (0, 0, 10_000)
    assert time.perf_counter() - began < 90
    listed = await admin.made("GET", "/v1/units?within=C7&kind=school&limit=1000")
    assert len(listed["items"]) == 99


async def test_ten_thousand_bad_rows_have_ten_thousand_errors(admin: Api) -> None:
    lines = [HEADER, *(f"S{number},x,planet,,,,,,," for number in range(10_000))]
    assert len(errors(await send(admin, "\n".join(lines)))) == 10_000


async def test_too_many_rows_are_refused(admin: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.units.spreadsheet.MAX_ROWS", 2)
    assert await imported(admin, "code,name,kind\nA,A,city\nB,B,city\n") == (2, 0, 0)
    reply = await send(admin, "code,name,kind\nA,A,city\nB,B,city\n\nC,C,city\n")
    assert "more than 2 rows" in problem(reply, 422, "import-refused")["detail"]


async def test_imports_at_once_wait_for_each_other(admin: Api) -> None:
    async def one(number: int) -> Any:
        lines = [HEADER, "W,潍坊市,city,,,,,,,"]
        lines += [f"S{school},学校{number},school,W,,,,,," for school in range(50)]
        return await send(admin, "\n".join(lines))

    replies = await asyncio.gather(*(one(number) for number in range(6)))
    assert [reply.status_code for reply in replies] == [200] * 6
    assert sum(reply.json()["created"] for reply in replies) == 51
    names = {unit["name"] for unit in (await admin.made("GET", "/v1/units?kind=school"))["items"]}
    assert len(names) == 1


async def test_a_client_imports_into_its_subtree_alone(admin: Api) -> None:
    await tree(admin)
    county = await admin.as_client("units:write", unit="A")
    rows = "A3,A3校,school,A,,,,,,\nA,甲县,county,W,,,,,,\nA3-1,一班,class,A3,,,,,,\n"
    assert await imported(county, f"{HEADER}\n{rows}") == (2, 1, 0)
    assert (await admin.made("GET", "/v1/units/A"))["parent"] == "W"
    before = await codes(admin)
    for row, pointer, code in (
        ("B1,抢来的,school,A,,,,,,", "code", "not_yours"),
        ("B,抢来的,county,W,,,,,,", "code", "not_yours"),
        ("W,抢来的,city,,,,,,,", "code", "not_yours"),
        ("N1,N1校,school,B,,,,,,", "parent", "unknown"),
        ("N1,N1校,school,W,,,,,,", "parent", "unknown"),
        ("N1,N1校,school,nowhere,,,,,,", "parent", "unknown"),
        ("N1,N1校,school,,,,,,,", "parent", "missing"),
        ("A,甲县,county,,,,,,,", "parent", "missing"),
        ("A1,A1学校,school,B,,,,,,", "parent", "unknown"),
    ):
        reply = await send(county, f"{HEADER}\n{row}\n")
        assert errors(reply) == [(f"/rows/2/{pointer}", code)], row
    # Nor through a new parent of the same file.
    rows = "N,N区,district,B,,,,,,\nN1,N1校,school,N,,,,,,\n"
    assert errors(await send(county, f"{HEADER}\n{rows}")) == [("/rows/2/parent", "unknown")]
    assert await codes(admin) == before
    assert (await admin.made("GET", "/v1/units/B1"))["name"] == "B1学校"


async def test_a_whole_county_can_be_moved_and_regrouped(admin: Api) -> None:
    await tree(admin)
    rows = "D,D学区,district,A,,,,,,\nA1,A1学校,school,D,primary,,,,,\n"
    assert await imported(admin, f"{HEADER}\n{rows}") == (1, 1, 0)
    within = await admin.made("GET", "/v1/units?within=D")
    assert [unit["code"] for unit in within["items"]] == ["A1", "D"]
    assert await imported(admin, f"{HEADER}\nD,D学区,district,B,,,,,,\n") == (0, 1, 0)
    within = await admin.made("GET", "/v1/units?within=B")
    assert [unit["code"] for unit in within["items"]] == ["A1", "B", "B1", "D"]
    within = await admin.made("GET", "/v1/units?within=A")
    assert [unit["code"] for unit in within["items"]] == ["A", "A2"]


async def test_kinds_descend_also_past_the_edge_of_the_file(admin: Api) -> None:
    await tree(admin)
    reply = await send(admin, f"{HEADER}\nA,A县,school,W,,,,,,\n")
    assert errors(reply) == [("/rows/2/kind", "wrong_level")]
    rows = "A,A县,district,W,,,,,,\nA1,A1学校,school,A,,,,,,\nA2,A2学校,school,A,,,,,,\n"
    assert await imported(admin, f"{HEADER}\n{rows}") == (0, 3, 0)
    rows = "X,X,city,Y,,,,,,\nY,Y,county,X,,,,,,\n"
    assert ("/rows/2/kind", "wrong_level") in errors(await send(admin, f"{HEADER}\n{rows}"))
    rows = "X,X,city,X,,,,,,\n"
    assert errors(await send(admin, f"{HEADER}\n{rows}")) == [("/rows/2/kind", "wrong_level")]


async def test_importing_needs_its_scope(admin: Api, api: Api) -> None:
    problem(await send(api, SMALL), 401, "unauthenticated")
    reader = await admin.as_client("results:read links:write campaigns:write")
    problem(await send(reader, SMALL), 403, "scope-missing")
    assert await codes(admin) == []
