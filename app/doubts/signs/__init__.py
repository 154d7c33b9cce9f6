"""The signs of stuffing: what each means in words, by the thresholds that are in force."""

from collections.abc import Mapping
from typing import Any

from app.core.thresholds import SIGNS
from app.responses.tables import Doubt

Thresholds = Mapping[str, float | None]
"""By name, as `core.thresholds` has them; None: that sign is switched off."""

assert tuple(one.name for one in Doubt) == SIGNS

# As the bureau's people read them; docs/quality.md argues each.
_WORDS: Mapping[Doubt, tuple[str, str]] = {
    Doubt.fast: (
        "用时不到本问卷中位用时的 {fast:g} 倍（至少 {least:g} 份答卷才有中位数）",
        "answered in less than {fast:g} of the median time (of at least {least:g} responses)",
    ),
    Doubt.straight: (
        "至少 {straight:g} 道同一量表的题全部选同一项，且用时不到中位用时的 {hurried:g} 倍",
        "the same option for all of at least {straight:g} questions of one scale, in less than "
        "{hurried:g} of the median time",
    ),
    Doubt.burst: (
        "一小时内该单位的答卷超过其在册人数的 {burst:g} 倍，也超过该单位平时的 {pace:g} 倍",
        "more responses for the unit within an hour than {burst:g} times its enrolment, and than "
        "{pace:g} times its usual hour",
    ),
    Doubt.network: (
        "一小时内同一网络为该单位提交的答卷超过其在册人数的 {network:g} 倍，"
        "也超过该网络平时的 {pace:g} 倍",
        "more responses for the unit from one network within an hour than {network:g} times its "
        "enrolment, and than {pace:g} times that network's usual hour",
    ),
    Doubt.devices: (
        "同一网络仅凭设备识别为该单位提交的答卷超过其在册人数的 {devices:g} 倍",
        "more responses for the unit from one network, proved by a device alone, than "
        "{devices:g} times its enrolment",
    ),
    Doubt.succession: (
        "同一网络仅凭设备识别的至少 {succession:g} 份答卷一份接一份，从不重叠，间隔不到一分钟",
        "one of at least {succession:g} responses from one network, proved by a device alone, "
        "one after the other: never two at once, never a minute between them",
    ),
    Doubt.template: (
        "该单位有至少 {template:g} 份完全相同的答卷，至少 {varied:g} 题与多数选项不同，"
        "且份数超过巧合所能解释的 {beyond:g} 倍",
        "one of at least {template:g} equal responses in the unit, with at least {varied:g} "
        "answers off their usual one, {beyond:g} times as many as chance explains",
    ),
    Doubt.comment: (
        "该单位有至少 {comment:g} 份答卷写了同一段不少于 {length:g} 字的文字",
        "one of at least {comment:g} responses in the unit with the same text of at least "
        "{length:g} characters",
    ),
}


def explained(doubt: Doubt, thresholds: Thresholds) -> dict[str, str] | None:
    """What a sign means, by language, Chinese first; None where it is switched off."""
    if thresholds[str(doubt.name)] is None:
        return None
    chinese, english = _WORDS[doubt]
    numbers: dict[str, Any] = dict(thresholds)
    return {"zh-CN": chinese.format(**numbers), "en": english.format(**numbers)}


def signs_of(quality: int) -> list[str]:
    """The names of a response's signs, as it stores them."""
    return [str(one.name) for one in Doubt if one & quality]
