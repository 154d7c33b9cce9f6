"""The list of what was not taken, for a spreadsheet: beside the file, row by row."""

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.spreadsheets import BYTE_ORDER_MARK, defused
from app.push.files import Fault
from app.push.problems_met import MET
from app.push.state import written
from app.push.wording import Stopped

_HEAD = ("row 行", "column 列", "interview_id", "problem 问题", "说明", "message")
_CODES = {
    "missing": "缺少必填项。",
    "not_an_option": "不是该题的选项。",
    "unknown_population": "活动没有这个人群。",
    "not_found": "活动范围内没有这个单位。",
    "outside_window": "结束时间不在活动起止时间之内。",
    "in_the_future": "结束时间在将来。",
    "bad_phone": "电话号码写法不对，应如 +8613800000000。",
    "answers_missing": "结果码 1.1、1.2 必须有答案。",
    "answers_not_expected": "只有结果码 1.1、1.2 才有答案。",
    "unknown_disposition": "不是 AAPOR 最终结果码。",
    "not_higher": "更正时 revision 必须更大。",
    "extra_forbidden": "没有这个字段。",
    "unknown_question": "问卷没有这道题。",
    "required": "这道题必须回答。",
    "hidden": "按前面的答案，这道题不应回答。",
}
"""The commonest of the server's codes, in Chinese; others by their problem."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reason why an item was not taken."""

    row: int
    place: str
    """Its column, or the field where there are no columns."""
    interview_id: str
    problem: str
    zh: str
    en: str


def of_fault(row: int, fault: Fault, place: str, item: Any = None) -> Rejection:
    """What was found here, before anything was sent."""
    named = item.get("interview_id") if isinstance(item, dict) else None
    words = fault.said
    return Rejection(row, place or fault.field, str(named or ""), fault.code, words.zh, words.en)


def of_problem(row: int, result: Mapping[str, Any], place: Callable[[str], str]) -> list[Rejection]:
    """What the server says of a rejected item; `place` finds a field's column."""
    problem = result.get("problem") or {}
    slug = str(problem.get("type", "")).rpartition("/")[2]
    named = str(result.get("interview_id") or "")
    zh = "".join(MET.get(slug, ("",)))
    errors = problem.get("errors") or [{"pointer": "", "message": problem.get("detail", "")}]
    return [
        Rejection(
            row,
            _place(str(one.get("pointer", "")), place),
            named,
            f"{slug}: {one['code']}" if one.get("code") else slug,
            _CODES.get(str(one.get("code")), zh),
            str(one.get("message", "")),
        )
        for one in errors
    ]


def _place(pointer: str, place: Callable[[str], str]) -> str:
    steps = [one.replace("~1", "/").replace("~0", "~") for one in pointer.split("/")[1:]]
    if steps[:1] == ["interviews"]:  # the pointer of a body that is one document
        steps = steps[2:]
    field = ".".join(steps)
    return place(field) or field


class Rejections:
    """The list, which grows with each part, and is cut back to what is known to be acknowledged."""

    def __init__(self, path: Path, length: int) -> None:
        self.path = path
        self.length = length if path.exists() and path.stat().st_size >= length else 0
        try:
            if self.length:
                os.truncate(path, self.length)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(path, error) from error

    def add(self, found: Iterable[Rejection]) -> None:
        """Write these at its end, and to the disk. Errors: Stopped."""
        text = io.StringIO()
        rows = csv.writer(text)
        if not self.length:
            text.write(BYTE_ORDER_MARK)
            rows.writerow(_HEAD)
        before = text.tell()
        for one in found:
            cells = (one.place, one.interview_id, one.problem, one.zh, one.en)
            rows.writerow([one.row, *map(defused, cells)])
        if text.tell() == before:
            return
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as opened:
                opened.write(text.getvalue().encode())
                written(opened)
                self.length = opened.tell()
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def rows(self) -> set[int]:
        """The rows of the file that are on it."""
        if not self.length:
            return set()
        with self.path.open(encoding="utf-8-sig", newline="") as text:
            lines = csv.reader(text)
            next(lines, None)
            return {int(line[0]) for line in lines}


def _unwritable(path: Path, error: OSError) -> Stopped:
    return Stopped(
        f"无法写入 {path}（{error.strerror}）：用 --rejected 指定别处。",
        f"{path} cannot be written ({error.strerror}): name another place by --rejected.",
    )
