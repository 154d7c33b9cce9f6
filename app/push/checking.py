"""What can be seen of a file without a server: whether its items have the shape of interviews."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.push.files import Fault
from app.push.interviews import Converted
from app.push.mapping import FIELDS, REQUIRED, instant
from app.push.rejections import Rejection, of_fault
from app.push.wording import Said

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ANSWERED = ("1.1", "1.2")
_KNOWN = FIELDS | {"answers", "calls"}
_DISPOSITION = re.compile(r"[1-4]\.[0-9]{1,3}")


def checked(items: Converted) -> Iterator[tuple[int, list[Rejection]]]:
    """Each item's row, and what is wrong with it."""
    seen: Counter[tuple[str, Any]] = Counter()
    for row, item in items:
        if not isinstance(item, dict):
            yield row, item
            continue
        found = list(_faults(item))
        named = str(item.get("interview_id")), item.get("revision", 1)
        seen[named] += 1
        if seen[named] == 2:
            words = Said(
                "interview_id 与 revision 在文件中重复。",
                "This interview_id comes twice with one revision.",
            )
            found.append(Fault("repeated", words, "interview_id"))
        yield row, [of_fault(row, fault, fault.field, item) for fault in found]


def _faults(item: dict[str, Any]) -> Iterator[Fault]:
    for name in REQUIRED:
        if item.get(name) in (None, ""):
            yield Fault("missing", Said("缺少必填项。", "It is missing."), name)
    for name in item:
        if name not in _KNOWN:
            yield Fault("extra_forbidden", Said("没有这个字段。", "There is no such field."), name)
    for name in ("interview_id", "unit", "population"):
        value = item.get(name)
        if value and not (isinstance(value, str) and _CODE.fullmatch(value.strip())):
            words = Said(
                "只用字母、数字、点、下划线和连字符，最多 64 个。",
                "Letters, digits, dot, underscore and hyphen, at most 64.",
            )
            yield Fault("bad_code", words, name)
    for name in ("started_at", "ended_at"):
        if item.get(name) and instant(item[name]) is None:
            words = Said(
                "时间应写作 2026-11-02T18:25:30+08:00。",
                "Write the time as 2026-11-02T18:25:30+08:00.",
            )
            yield Fault("bad_time", words, name)
    disposition = str(item.get("disposition") or "")
    if disposition and not _DISPOSITION.fullmatch(disposition):
        words = Said("应为 AAPOR 结果码，如 1.1。", "Give an AAPOR disposition such as 1.1.")
        yield Fault("unknown_disposition", words, "disposition")
    elif disposition and (disposition in _ANSWERED) != bool(item.get("answers")):
        words = Said(
            "结果码 1.1、1.2 必须有答案，其余不应有。",
            "1.1 and 1.2 come with answers, others have none.",
        )
        yield Fault("answers", words, "answers")
