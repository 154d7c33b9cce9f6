"""Deliveries as CSV and XLSX, by saved mappings: every bad row named, good ones taken."""

import io
import random
import uuid
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.clock import SHANGHAI
from tests.factories import INDICATORS, Api
from tests.telephone.bulk import NDJSON, XLSX, lines, send_body, taken, told
from tests.telephone.deliveries import URL, ago, count, interview, phone, pool

MAPPINGS = "/v1/interview-mappings"
HEADER = ["编号", "学校", "手机", "结果", "结束时间", "录音编号", "备注", "Q1", "Q2"]
MAPPING: dict[str, Any] = {
    "columns": {
        "编号": "interview_id",
        "学校": "unit",
        "手机": "phone",
        "结果": "disposition",
        "结束时间": "ended_at",
        "录音编号": "recording",
        "Q1": "answers.overall",
        "Q2": "answers.ethics",
    },
    "values": {
        "disposition": {"成功": "1.2", "拒访": "2.11"},
        "unit": {"一小": "A1"},
        "answers.overall": {"1": "satisfied", "4": "dissatisfied"},
        "answers.ethics": {"1": "satisfied"},
    },
    "constants": {"population": "parent"},
    "times": {"ended_at": "%Y-%m-%d %H:%M"},
}


def mapped(url: str = URL) -> str:
    """The address with the mapping's name."""
    return f"{url}?mapping=nightly"


@pytest.fixture
async def clerk(contractor: Api) -> Api:
    """A contractor with a saved mapping."""
    await contractor.made("PUT", f"{MAPPINGS}/nightly", MAPPING)
    return contractor


def row(name: str, *, result: str = "成功", **cells: str) -> list[str]:
    """A row of the contractor's own export, an hour old."""
    found = {
        "编号": name,
        "学校": "一小",
        "手机": phone(),
        "结果": result,
        "结束时间": ago(hours=-7)[:16].replace("T", " "),
        "录音编号": f"rec-{name}",
        "备注": "很配合, 好",
        "Q1": "1" if result == "成功" else "",
        "Q2": "",
    }
    return list({**found, **cells}.values())


def book_of(rows: list[list[Any]]) -> bytes:
    """A workbook as Excel writes it: times are days since 1900."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet("导出", 0)
    for cells in rows:
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def csv_of(rows: list[list[str]], encoding: str = "utf-8") -> bytes:
    """A CSV as Excel in China writes it."""
    quoted = [",".join(f'"{one}"' if "," in one else one for one in cells) for cells in rows]
    return "\r\n".join([*quoted, ""]).encode(encoding)


async def test_a_contractors_export_is_read_by_its_mapping(clerk: Api) -> None:
    rows = [HEADER, row("V-1"), row("V-2", result="拒访"), row("V-3", Q1="9"), row("V-4", 学校="Z")]
    for number, encoding in enumerate(("utf-8", "utf-8-sig", "gb18030")):
        reply = await taken(clerk, csv_of(rows, encoding), "text/csv", url=mapped())
        assert (reply["accepted"] + reply["replayed"], reply["rejected"]) == (2, 2), encoding
        assert bool(number) == bool(reply["replayed"])
        places = [one["problem"]["errors"][0] for one in reply["results"][2:]]
        assert [(one["row"], one["column"]) for one in places] == [(4, "H Q1"), (5, "B 学校")]
    stored = await pool(clerk).fetchrow("SELECT * FROM interviews WHERE interview_id = 'V-1'")
    assert (stored["recording"], stored["disposition"]) == ("rec-V-1", "1.2")
    assert await count(clerk) == 1


async def test_a_workbook_is_read_as_the_csv_is(clerk: Api) -> None:
    rows: list[list[Any]] = [HEADER, row("V-1"), row("V-2", result="拒访"), row("V-3", Q1="8")]
    rows[1][2] = int(phone().removeprefix("+86"))
    rows[1][4] = datetime.now(SHANGHAI).replace(tzinfo=None, microsecond=0) - timedelta(hours=1)
    reply = await taken(clerk, book_of(rows), XLSX, url=mapped())
    assert told(reply) == (2, 1), reply
    [error] = reply["results"][2]["problem"]["errors"]
    assert (error["row"], error["column"], error["pointer"]) == (4, "H Q1", "/answers/overall")
    form = await pool(clerk).fetchval("SELECT form FROM deliveries")
    assert form == "xlsx"


async def test_without_a_mapping_the_first_row_names_the_fields(contractor: Api) -> None:
    one = interview("V-1")
    header = ["interview_id", "unit", "population", "phone", "disposition", "ended_at", *INDICATORS]
    fields = [str(one[name]) for name in header[:6]]
    good = [*fields, *["satisfied"] * 6]
    prefixed = [*header[:6], *(f"answers.{name}" for name in INDICATORS)]
    for named in (header, prefixed):
        reply = await taken(contractor, csv_of([named, good]), "text/csv")
        assert reply["accepted"] + reply["replayed"] == 1
    assert await count(contractor) == 1


BAD_ROWS = [
    ('"V-9"x,一小', None, "malformed"),
    ("V-9,一小,,成功,下午三点,,,1,", "E 结束时间", "bad_time"),
    ("V-9,一小,,成功,2026-13-01 08:00,,,1,", "E 结束时间", "bad_time"),
    ("V-9,一\x01小,,成功,{ended},,,1,", "B 学校", "unreadable"),
    ("V-9,一小,,成功,{ended},,,1,,,too many", "J", "too_many_cells"),
    ("V-9,一小,,拒访,{ended},,,1,", "H Q1", "answers_not_expected"),
    ("V-9,一小,12345,拒访,{ended},,,,", "C 手机", "bad_phone"),
    (",一小,,拒访,{ended},,,,", "A 编号", "missing"),
]


@pytest.mark.parametrize(("line", "column", "code"), BAD_ROWS)
async def test_a_bad_row_is_named_between_good_ones(
    clerk: Api, line: str, column: str | None, code: str
) -> None:
    good = [csv_of([row(name)]).decode() for name in ("V-1", "V-2")]
    line = line.replace("{ended}", row("")[4])
    text = f"{csv_of([HEADER]).decode()}{good[0]}\r\n{line}\r\n{good[1]}"
    reply = await taken(clerk, text.encode(), "text/csv", url=mapped())
    assert told(reply) == (2, 1), reply
    errors = reply["results"][1]["problem"]["errors"]
    assert {one["row"] for one in errors} == {4}
    assert (errors[0].get("column"), errors[0]["code"]) == (column, code)
    url = f"/v1/campaigns/C/deliveries/{reply['delivery']}/refusals"
    [listed] = (await clerk.made("GET", url))["items"]
    assert listed["problem"]["detail"] == reply["results"][1]["problem"]["detail"]
    assert listed["problem"]["errors"] == errors


HOSTILE = [
    (b"", 422, "the file is empty"),
    ("编号,学校\r\n".encode(), 422, "columns are missing"),
    (b"13800000000,S1,parent\r\n13800000001,S1,parent\r\n", 422, "no header"),
    (csv_of([HEADER, row("V-1")]) + b'"V-2,\r\n' * 5, 400, "an open quotation mark"),
    (csv_of([HEADER]).decode().encode("utf-16"), 400, "UTF-16"),
    (csv_of([HEADER]) + b"x" * 200_000, 400, "a line of absurd length"),
    (csv_of([[*HEADER, *HEADER]]), 422, "columns twice"),
]


@pytest.mark.parametrize(("body", "status", "what"), HOSTILE)
async def test_a_file_that_is_none_is_refused_whole(
    clerk: Api, body: bytes, status: int, what: str
) -> None:
    reply = await send_body(clerk, body, "text/csv", url=mapped())
    assert reply.status_code == status, (what, reply.text)
    assert b"138000" not in reply.content
    assert await pool(clerk).fetchval("SELECT count(*) FROM deliveries") == 0


async def test_a_workbook_that_is_none_is_refused_whole(clerk: Api) -> None:
    book = book_of([HEADER, row("V-1")])
    for body in (b"PK\x03\x04", book[: len(book) // 2], b"x" * (21 << 20)):
        reply = await send_body(clerk, body, XLSX, url=mapped())
        assert reply.status_code in (400, 413)
    assert await pool(clerk).fetchval("SELECT count(*) FROM deliveries") == 0


async def test_a_mapping_gives_codes_their_meaning_in_json_too(clerk: Api) -> None:
    item = interview("V-1", unit="一小", disposition="成功", answers={"overall": 4})
    reply = await taken(clerk, lines([item]), NDJSON, url=mapped())
    assert told(reply) == (1, 0), reply
    unknown = await send_body(clerk, lines([item]), url=f"{URL}?mapping=other")
    assert unknown.status_code == 404
    other_key = await send_body(clerk, lines([item]), url=mapped(), key="k")
    assert other_key.json()["replayed"] == 1
    assert (await send_body(clerk, lines([item]), key="k")).status_code == 422


async def test_mappings_are_each_contractors_own(clerk: Api, other: Api) -> None:
    found = await clerk.made("GET", f"{MAPPINGS}/nightly")
    assert found["columns"] == MAPPING["columns"]
    assert (await other.get(f"{MAPPINGS}/nightly")).status_code == 404
    assert (await other.request("DELETE", f"{MAPPINGS}/nightly")).status_code == 404
    assert (await clerk.put(f"{MAPPINGS}/nightly", MAPPING)).status_code == 200
    assert [one["code"] for one in (await clerk.made("GET", MAPPINGS))["items"]] == ["nightly"]
    assert (await other.made("GET", MAPPINGS))["items"] == []
    assert (await clerk.request("DELETE", f"{MAPPINGS}/nightly")).status_code == 204
    assert (await clerk.get(f"{MAPPINGS}/nightly")).status_code == 404


BAD_MAPPINGS: list[dict[str, Any]] = [
    {"columns": {"a": "nothing"}},
    {"columns": {"a": "unit", "b": "unit"}},
    {"columns": {"a": "calls"}},
    {"columns": {"a": "answers."}},
    {"values": {"phone": {"王": "+8613800000000"}}},
    {"constants": {"interview_id": "x"}},
    {"constants": {"unit": ["x"]}},
    {"times": {"ended_at": "%H:%M"}},
    {"times": {"ended_at": "%Y%Y-%m-%d"}},
    {"times": {"unit": "%Y-%m-%d"}},
    {"separator": ""},
    {"more": 1},
]


@pytest.mark.parametrize("mapping", BAD_MAPPINGS)
async def test_a_bad_mapping_is_refused(contractor: Api, mapping: dict[str, Any]) -> None:
    assert (await contractor.put(f"{MAPPINGS}/x", mapping)).status_code == 422


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32), encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]))
async def test_every_broken_row_is_named_and_every_good_one_taken(
    clerk: Api, seed: int, encoding: str
) -> None:
    chosen = random.Random(seed)
    before = await count(clerk)
    rows = [csv_of([HEADER], encoding)]
    broken = set()
    for number in range(2, 32):
        written = csv_of([row(f"V-{uuid.uuid4()}")], encoding.removesuffix("-sig"))
        if chosen.random() < 0.3:
            broken.add(number)
            written = chosen.choice(
                [
                    written.replace(b"1,", b"\xff,").replace(b"V-", b"\xff-"),
                    b'"V" x' + written,
                    written.replace(b"rec-", b"rec\x02"),
                    written.replace(b"\r\n", b",,,,more\r\n"),
                ]
            )
        rows.append(written)
    reply = await taken(clerk, b"".join(rows), "text/csv", url=mapped())
    refused = [one for one in reply["results"] if one["status"] == "rejected"]
    assert {error["row"] for one in refused for error in one["problem"]["errors"]} == broken
    assert await count(clerk) == before + 30 - len(broken)
