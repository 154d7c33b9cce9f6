"""Files are read the same here as the server reads uploads, and what is none is refused whole."""

import csv
import gzip
import hashlib
import io
import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.problems import Problem
from app.core.workbook_writing import workbook_of
from app.push import files, interviews, mapping, reconciling, tallies
from app.push.files import File, Raw
from app.push.mapping import FIELDS, ColumnMapping, Table, Unmapped
from app.push.wording import Stopped
from app.telephone import reading
from app.telephone.mappings import schemas

KINDS = {
    "parent": {
        "overall": "single_choice",
        "improve": "multiple_choice",
        "age": "number",
        "stars": "rating",
        "born": "date",
    }
}
MAPPING: dict[str, Any] = {
    "columns": {
        "号": "interview_id",
        "校": "unit",
        "果": "disposition",
        "完": "ended_at",
        "次": "attempts",
        "整": "answers.overall",
        "改": "answers.improve",
        "岁": "answers.age",
        "星": "answers.stars",
        "生": "answers.born",
    },
    "values": {
        "disposition": {"成": "1.1"},
        "answers.overall": {"1": "satisfied"},
        "answers.improve": {"甲": "a", "全": ["a", "b"]},
    },
    "constants": {"population": "parent"},
    "times": {"answers.born": "%Y年%m月%d日"},
    "separator": "、",
}
HEADER = list(MAPPING["columns"])
CODES = ["", "成", "1.1", "1", "1.5", "甲", "甲、b", "全", "a;b", " x ", "007"]
TIMES = [
    "2026-11-02 18:25",
    "2026/11/02 18:25:30",
    "2026-11-02T18:25:30+08:00",
    "2019年9月1日",
    "昨天",
]
CELLS = st.one_of(
    st.sampled_from([*CODES, *TIMES]),
    st.text(alphabet=string.ascii_letters + string.digits + " ;、.-甲", max_size=8),
)
NUMBERS = st.sampled_from([1, 3, 2.5, 45_987, 45_987.75, 12, 0, -4])


def ours(row: list[Any]) -> dict[str, Any] | None:
    """A row as `push` reads it; None where it makes no interview."""
    said = mapping.decoded(json.dumps(MAPPING).encode())
    try:
        return Table(HEADER, said, KINDS).item(row)
    except Unmapped:
        return None


def theirs(row: list[Any], form: str) -> dict[str, Any] | None:
    """A row as the server reads it in an upload; None where it refuses the row."""
    read = reading.reading_of(form, list(HEADER), schemas.MappingIn.model_validate(MAPPING))
    cells = [(one.strip() or None) if isinstance(one, str) else one for one in row]
    try:
        found: dict[str, Any] = read.item(reading.Raw(0, 2, cells), KINDS)
    except Problem:
        return None
    return found


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(row=st.lists(CELLS, min_size=len(HEADER), max_size=len(HEADER)))
def test_rows_of_a_csv_become_what_the_server_makes_of_them(row: list[str]) -> None:
    here, there = ours(row), theirs(row, "csv")
    if here is not None:
        assert here == there
    else:  # what has no readable time is not even sent; the server would refuse it
        assert row[HEADER.index("完")].strip()


@settings(max_examples=200, deadline=None)
@given(row=st.lists(st.one_of(CELLS, NUMBERS), min_size=len(HEADER), max_size=len(HEADER)))
def test_rows_of_a_workbook_too(row: list[Any]) -> None:
    here = ours(row)
    if here is not None:
        assert here == theirs(row, "xlsx")


def test_a_column_can_be_whatever_the_server_takes_for_one() -> None:
    assert FIELDS == schemas.FIELDS
    assert set(mapping.REQUIRED) == set(schemas.REQUIRED)


def test_a_missing_time_is_sent_for_the_server_to_refuse() -> None:
    found = ours(["V-1", "A1", "2.11", "", "", "", "", "", "", ""])
    assert found == {
        "interview_id": "V-1", "unit": "A1", "disposition": "2.11", "population": "parent"
    }  # fmt: skip


def written(folder: Path, content: bytes) -> File:
    """A file with this content, opened."""
    path = folder / "file"
    path.write_bytes(content)
    return files.opened(path)


TABLE = [["interview_id", "备注"], ["V-1", "好，很好"], ["", ""], ["V-2", '引"号\n换行']]


def as_csv(encoding: str) -> bytes:
    """The table as a CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(TABLE)
    return text.getvalue().encode(encoding)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (as_csv("utf-8"), "csv"),
        (as_csv("utf-8-sig"), "csv"),
        (as_csv("gb18030"), "csv"),
        (workbook_of({"Sheet1": TABLE}), "xlsx"),
    ],
)
def test_tables_are_read_in_every_encoding(tmp_path: Path, content: bytes, form: str) -> None:
    file = written(tmp_path, content)
    assert (file.form, file.header()) == (form, TABLE[0])
    rows = [one for one in file.items() if isinstance(one, Raw)]
    assert [one.row for one in rows] == [2, 4]
    assert [list(map(str, one.content)) for one in rows] == [TABLE[1], TABLE[3]]
    assert list(file.items()) == rows  # as often as it is asked


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b'{"interview_id": "V-1"}\n\n{"interview_id": "V-2"}\n', "ndjson"),
        (b'\xef\xbb\xbf{"interview_id": "V-1"}\r\n{"interview_id": "V-2"}', "ndjson"),
        (b'[{"interview_id": "V-1"}, {"interview_id": "V-2"}]', "json"),
        (b'{"interviews": [{"interview_id": "V-1"},\n {"interview_id": "V-2"}]}', "json"),
        (b'{\n"interviews": [{"interview_id": "V-1"}, {"interview_id": "V-2"}]}', "json"),
    ],
)
def test_json_is_read_in_lines_and_whole(tmp_path: Path, content: bytes, form: str) -> None:
    file = written(tmp_path, content)
    assert file.form == form
    found = [one.content["interview_id"] for one in file.items() if isinstance(one, Raw)]
    assert found == ["V-1", "V-2"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        ("a,b\n".encode("utf-16"), "UTF-16"),
        (b"a,b\n\xff\xff\x80\n", "neither UTF-8 nor GB18030"),
        (b"PK\x03\x04 no workbook", "workbook"),
        (b'a,b\n1,"open\n2,3\n', "Row 2 is no CSV"),
        (b"{" * 200_000, "no JSON"),
        (gzip.compress(b"a,b", mtime=0), "neither UTF-8 nor GB18030"),
    ],
)
def test_what_is_no_such_file_is_refused_before_anything_is_sent(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(Stopped, match=said):
        _walked(written(tmp_path, content))


def _walked(file: File) -> None:
    if file.is_table:
        file.header()
    for one in file.items():
        if not isinstance(one, Raw):
            raise Stopped("", one[1].said.en)


def test_parts_are_the_same_each_time_and_never_too_large(tmp_path: Path) -> None:
    long = "x" * 100_000
    lines = [json.dumps({"interview_id": f"V-{n}", "interviewer": long}) for n in range(90)]
    lines.insert(3, json.dumps({"interview_id": "W", "interviewer": "x" * 200_000}))
    file = written(tmp_path, "\n".join(lines).encode())
    once, again = (
        [
            (part.rows, part.body, part.faulty)
            for part in interviews.parts(interviews.converted(file, ColumnMapping(), None))
        ]
        for _ in range(2)
    )
    assert once == again
    assert len(once) > 1
    assert all(len(body) < (5 << 20) for _, body, _ in once)
    assert sum(len(rows) + faulty for rows, _, faulty in once) == 91
    assert once[0][2] == 1


LONG = "respondents,unit,population,question,option,count\n"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (f"{LONG}10,A1,teacher\n", "Row 2, question: is missing"),
        (f"{LONG}10,A1,teacher,overall,satisfied\n", "Row 2, overall.satisfied: is no whole"),
        (f"{LONG}10,,teacher,overall,satisfied,7\n", "Row 2, unit: is missing"),
        (f"{LONG}1,200,A1,teacher,overall,satisfied,7\n", "has more cells than the first row"),
        ("unit,population,respondents,overall.a\nA1\n", "Row 2, population: is missing"),
        ("unit,population,respondents,q.a,q.a\nA1,x,9,8,\n", "has columns twice: q.a"),
    ],
    ids=["short", "without count", "without unit", "long", "short and wide", "a column twice"],
)
def test_a_row_of_tallies_that_lacks_a_cell_or_has_one_too_many_is_named(
    tmp_path: Path, lines: str, said: str
) -> None:
    with pytest.raises(Stopped) as stopped:
        tallies.read(written(tmp_path, lines.encode()))
    assert said in stopped.value.said.en
    assert "Nothing was sent." in stopped.value.said.en


def test_cells_that_a_row_of_tallies_leaves_out_at_its_end_are_no_counts(tmp_path: Path) -> None:
    lines = b"unit,population,respondents,overall.a,overall.b\nA1,teacher,7,7\n"
    [row] = tallies.read(written(tmp_path, lines)).rows
    assert row["counts"] == {"overall": {"a": 7}}


def test_the_digest_is_that_of_sort_and_sha256sum() -> None:
    at = "2026-11-02T18:25:30.9+08:00"
    items: list[tuple[int, Any]] = [
        (n, {"interview_id": name, "unit": "A1", "population": "p", "disposition": "1.1",
             "ended_at": at, **more})
        for n, name, more in (
            (1, "b", {}), (2, "a", {"revision": 2}), (3, "a", {"revision": 1}), (4, "c", {}),
            (5, "B", {"revision": None}),
        )
    ]  # fmt: skip
    digest, count = reconciling.file_digest(iter(items), {4})
    lines = [f"{name}\t{n}\tA1\tp\t1.1\t2026-11-02T10:25:30Z\n" for name, n in
             (("B", 1), ("a", 2), ("b", 1))]  # fmt: skip
    assert (digest, count) == (hashlib.sha256("".join(lines).encode()).hexdigest(), 3)
