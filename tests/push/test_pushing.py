"""`xinsheng push` against a real server: what it sends, what it says, and how it goes on."""

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.clock import SHANGHAI
from app.core.workbook_writing import workbook_of
from app.push import interviews
from tests.push.conftest import Bureau, Push, as_ndjson
from tests.push.files import wave
from tests.telephone.deliveries import interview, phone

pytestmark = pytest.mark.process
TO_C = ("--campaign", "C", "--as", "interviews")
TO_D = ("--campaign", "D", "--as", "interviews")


def rejections(path: Path) -> list[list[str]]:
    """The rows of the list of what was rejected, without its head."""
    with path.with_name(f"{path.name}.rejected.csv").open(encoding="utf-8-sig") as text:
        return list(csv.reader(text))[1:]


def test_a_file_is_sent_in_parts_and_reconciled(
    push: Push, bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interviews, "AT_ONCE", 10)
    path = tmp_path / "night.ndjson"
    path.write_bytes(as_ndjson(wave(25)))
    status, said = push(path, *TO_C)
    assert (status, "the server holds exactly this file (25 interviews" in said) == (0, True), said
    assert [one["sent"] for one in bureau.deliveries()] == [10, 10, 5]
    # Again under the same keys: nothing is even looked at.
    assert push(path, *TO_C)[0] == 0
    assert len(bureau.deliveries()) == 3
    # The next night's file: the server holds more than it, and says so.
    path.write_bytes(as_ndjson(wave(5, "N")))
    status, said = push(path, *TO_C)
    assert status == 0
    assert "holds 30 interviews of yours" in said


def test_what_is_rejected_is_listed_and_can_be_corrected(push: Push, tmp_path: Path) -> None:
    path = tmp_path / "bad.ndjson"
    bad = [
        interview("B-1"),
        {**interview("B-2"), "unit": "nowhere"},
        {**interview("B-3"), "answers": {"overall": "very"}, "disposition": "1.2"},
        {"interview_id": "B-4"},
    ]
    path.write_bytes(as_ndjson(bad) + b'{"interview_id": \n[1]\n')
    status, said = push(path, *TO_D)
    assert status == 1
    assert "rejected.csv" in said
    found = rejections(path)
    assert {(one[0], one[1]) for one in found} >= {("2", "unit"), ("3", "answers.overall")}
    assert {one[0] for one in found} == {"2", "3", "4", "5", "6"}
    assert all(one[4] and one[5] for one in found)
    assert phone()[:-3] not in path.with_name("bad.ndjson.rejected.csv").read_text()
    # The same file again is judged anew; corrected, all is well.
    status, said = push(path, *TO_D)
    assert (status, len(rejections(path))) == (1, len(found))
    path.write_bytes(as_ndjson([{**one, **_FIXED} for one in bad[:3]]))
    status, said = push(path, *TO_D)
    assert status == 0, said
    assert not path.with_name("bad.ndjson.rejected.csv").exists()


_FIXED: dict[str, Any] = {"unit": "A1", "disposition": "2.11", "answers": None, "revision": 2}
MAPPING = {
    "columns": {
        "录音编号": "interview_id",
        "学校": "unit",
        "电话": "phone",
        "结果": "disposition",
        "结束": "ended_at",
        "整体": "answers.overall",
    },
    "values": {
        "unit": {"一小": "A1"},
        "disposition": {"部分": "1.2", "拒访": "2.11"},
        "answers.overall": {"1": "satisfied", "3": "dissatisfied"},
    },
    "constants": {"population": "parent"},
}


def table() -> list[list[Any]]:
    """The night's calls in the contractor's own words."""
    now = f"{datetime.now(SHANGHAI) - timedelta(hours=1):%Y-%m-%d %H:%M}"
    first = ["录音编号", "学校", "电话", "结果", "结束", "整体"]
    return [
        first,
        ["T-1", "一小", phone(), "部分", now, "1"],
        ["T-2", "一小", phone(), "拒访", now, ""],
        ["T-3", "一小", phone(), "部分", now, "9"],
        ["T-4", "一小", phone(), "部分", "昨天", "1"],
    ]


@pytest.mark.parametrize("form", ["utf-8-sig", "gb18030", "xlsx", "saved"])
def test_tables_are_read_by_a_mapping_and_bad_cells_named(
    push: Push, bureau: Bureau, tmp_path: Path, form: str
) -> None:
    rows = [[f"{form}-{cell}" if cell[:2] == "T-" else cell for cell in row] for row in table()]
    path = tmp_path / f"calls-{form}.csv"
    if form == "xlsx":
        path.write_bytes(workbook_of({"Sheet1": rows}))
    else:
        with path.open("w", encoding="utf-8" if form == "saved" else form, newline="") as text:
            csv.writer(text).writerows(rows)
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps(MAPPING), "utf-8")
    named = str(mapping)
    if form == "saved":
        bureau.of_contractor().ask("PUT", "/v1/interview-mappings/nightly", json=MAPPING)
        named = "nightly"
    status, said = push(path, *TO_C, "--mapping", named)
    assert status == 1, said
    found = rejections(path)
    assert [(one[0], one[1]) for one in found] == [("4", "F 整体"), ("5", "E 结束")]
    assert found[0][2] == f"{form}-T-3"
    assert "2  accepted" in said


def test_a_break_is_gone_on_from(
    push: Push, bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interviews, "AT_ONCE", 5)
    path = tmp_path / "broken.ndjson"
    items = wave(20, "K")
    items[2]["unit"] = items[17]["unit"] = "nowhere"
    path.write_bytes(as_ndjson(items))
    before = len(bureau.deliveries("D"))
    real, times = interviews.Push._sent, []

    def stopping(self: Any, part: Any) -> Any:
        times.append(part.number)
        if len(times) == 3:
            raise KeyboardInterrupt
        return real(self, part)

    monkeypatch.setattr(interviews.Push, "_sent", stopping)
    status, said = push(path, *TO_D)
    assert (status, "the same command goes on" in said) == (2, True)
    status, said = push(path, *TO_D)
    assert (status, "Going on: 2 parts" in said) == (1, True)
    assert times == [0, 1, 2, 2, 3]
    assert [one[0] for one in rejections(path)] == ["3", "18"]
    assert len(bureau.deliveries("D")) == before + 4


def test_the_sandbox_is_named_as_such_and_can_be_emptied(
    push: Push, bureau: Bureau, tmp_path: Path
) -> None:
    bureau.ask("POST", "/v1/campaigns/C/sandbox")
    path = tmp_path / "trial.ndjson"
    path.write_bytes(as_ndjson(wave(3)))
    to_sandbox = ("--campaign", "C-sandbox", "--as", "interviews")
    for _ in range(2):
        status, said = push(path, *to_sandbox)
        assert (status, "This is a sandbox" in said) == (0, True), said
        assert "exactly this file" in said
        assert "3  accepted" in said  # after the reset too
        bureau.ask("POST", "/v1/campaigns/C/sandbox/reset")


@pytest.mark.parametrize("form", ["long", "wide"])
def test_counts_are_sent_as_a_batch_named_after_the_file(
    push: Push, bureau: Bureau, tmp_path: Path, form: str
) -> None:
    unit = {"long": "A1", "wide": "A2"}[form]
    path = tmp_path / f"week 46 {form}.csv"
    if form == "long":
        path.write_text(
            "unit,population,question,option,count,respondents\n"
            f"{unit},teacher,overall,satisfied,7,10\n{unit},teacher,overall,dissatisfied,3,10\n"
        )
    else:
        path.write_text(
            "unit,population,respondents,overall.satisfied,overall.dissatisfied\n"
            f"{unit},teacher,10,7,3\n"
        )
    arguments = (path, "--campaign", "C", "--as", "tallies", "--channel", "paper")
    status, said = push(*arguments)
    assert (status, "status: accepted" in said) == (0, True), said
    status, said = push(*arguments)
    assert (status, "status: replayed" in said) == (0, True), said
    path.write_text(path.read_text().replace("10", "9"))
    status, said = push(*arguments)
    assert (status, "row 2 overall:" in said) == (2, True), said


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (
            "unit,population,respondents,overall.satisfied,overall.dissatisfied\n"
            "A1,teacher,10,7,3\n\nA2,teacher,10,7,4\nA,visitor,1,1,0\n",
            ("row 4 overall:", "row 5 population:"),
        ),
        (
            "unit,population,question,option,count,respondents\n"
            "A1,teacher,overall,satisfied,7,10\nA2,teacher,safety,satisfied,7,10\n"
            "A1,teacher,overall,middling,3,10\nA2,teacher,overall,satisfied,11,10\n",
            ("row 4 overall.middling:", "row 5 overall"),
        ),
    ],
    ids=["wide", "long"],
)
def test_a_refused_batch_names_the_rows_as_the_file_has_them(
    push: Push, tmp_path: Path, lines: str, named: tuple[str, ...]
) -> None:
    path = tmp_path / "refused.csv"
    path.write_text(lines)
    status, said = push(path, "--campaign", "C", "--as", "tallies", "--channel", "paper")
    assert status == 2
    for one in named:
        assert f"  {one}" in said, said


def test_what_cannot_be_done_is_said_in_a_sentence(
    push: Push, bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.ndjson"
    path.write_bytes(as_ndjson(wave(1, "S")))
    before = len(bureau.deliveries())
    for arguments, expected in (
        ((path, "--campaign", "nowhere", "--as", "interviews"), "not-found"),
        ((path, "--as", "interviews"), "Say --campaign"),
        ((tmp_path / "none", *TO_C), "cannot be read"),
        ((path, *TO_C, "--mapping", "none"), "not-found"),
        ((path, *TO_C, "--server", "http://example.com"), "in the clear"),
        ((path, *TO_C, "--server", bureau.running.base + "/x"), "not-found"),
        ((path, *TO_C, "--server", "http://127.0.0.1:9", "--patience", "0"), "no connection"),
    ):
        status, said = push(*arguments)
        assert (status, expected in said) == (2, True), said
    status, said = push(path, *TO_C, "--dry-run")
    assert (status, "nothing was sent" in said) == (0, True)
    monkeypatch.setenv("XINSHENG_CLIENT_SECRET", "wrong-secret-of-ours")
    status, said = push(path, *TO_C)
    assert (status, "invalid-client" in said, "wrong-secret" in said) == (2, True, False)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "client_id 或密钥不对" in push(path, *TO_C)[1]
    assert len(bureau.deliveries()) == before


def test_a_token_that_ends_in_the_middle_is_renewed(
    push: Push, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bureau: Bureau
) -> None:
    monkeypatch.setattr(interviews, "AT_ONCE", 2)
    path = tmp_path / "token.ndjson"
    path.write_bytes(as_ndjson(wave(6, "E")))
    real = interviews.Push._sent

    def spoiling(self: Any, part: Any) -> Any:
        self.server._token = "no token any more"
        return real(self, part)

    monkeypatch.setattr(interviews.Push, "_sent", spoiling)
    assert push(path, *TO_D)[0] == 0
