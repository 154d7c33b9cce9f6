"""`constraint` of an XLSForm read as what limits an answer here, and written from it."""

import math
from datetime import date, timedelta
from typing import Any

from app.questionnaires.xlsform.conditions import MIRRORED, day_of, plain
from app.questionnaires.xlsform.expressions import (
    Call,
    Compared,
    Joined,
    Node,
    NotUnderstood,
    Reference,
    parsed,
)

Json = dict[str, Any]
_SELF = Reference("")


def limits_of(constraint: str, kind: str) -> Json:
    """The fields of a question of this kind that a constraint means.

    `exclusive` is a list of those options that stand alone. Errors: Broken, NotUnderstood.
    """
    limits: Json = {}
    for part in _parts(parsed(constraint)):
        _add(limits, *_limit(part, kind))
    return limits


def constraint_of(question: Json, exclusive: list[str]) -> str:
    """The constraint of a question's own limits; blank where it has none."""
    match question["type"]:
        case "number":
            bounds = [(">=", question.get("min")), ("<=", question.get("max"))]
            parts = [f". {by} {plain(bound)}" for by, bound in bounds if bound is not None]
        case "date":
            bounds = [(">=", question.get("min")), ("<=", question.get("max"))]
            parts = [f". {by} date('{bound}')" for by, bound in bounds if bound is not None]
        case "text":
            parts = [f"string-length(.) <= {question['max_length']}"]
        case "multiple_choice":
            parts = [f"not(selected(., '{one}') and count-selected(.) > 1)" for one in exclusive]
            if question.get("max_selected") is not None:
                parts.append(f"count-selected(.) <= {question['max_selected']}")
        case _:
            parts = []
    return " and ".join(parts)


def _parts(node: Node) -> list[Node]:
    if isinstance(node, Joined) and node.by == "and":
        return [inner for part in node.parts for inner in _parts(part)]
    return [node]


def _limit(node: Node, kind: str) -> tuple[str, Any]:
    """One field and what a part of the constraint makes of it."""
    match node:
        case Call("not", (Joined("and", parts),)) if kind == "multiple_choice":
            return "exclusive", [_alone(parts)]
        case Compared(left, by, right) if left == _SELF or _counts(left) is not None:
            return _bound(left, by, right, kind)
        case Compared(left, by, right) if right == _SELF or _counts(right) is not None:
            return _bound(right, MIRRORED[by], left, kind)
    raise NotUnderstood("something else than limits of the answer itself")


def _counts(node: Node) -> str | None:
    """What a function of the answer counts."""
    if isinstance(node, Call) and node.arguments == (_SELF,):
        return {"string-length": "text", "count-selected": "multiple_choice"}.get(node.function)
    return None


def _alone(parts: tuple[Node, ...]) -> str:
    values = [
        part.arguments[1]
        for part in parts
        if isinstance(part, Call) and part.function == "selected" and part.arguments[0] == _SELF
    ]
    more = Compared(Call("count-selected", (_SELF,)), ">", 1)
    match values:
        case [str() as value] if len(parts) == 2 and more in parts:
            return value
    raise NotUnderstood("options that exclude one another in another way")


def _bound(asked: Node, by: str, value: Node, kind: str) -> tuple[str, Any]:
    if asked != _SELF:
        if _counts(asked) == kind and by in ("<", "<=") and isinstance(value, int):
            return "max_length" if kind == "text" else "max_selected", value - (by == "<")
        raise NotUnderstood("a least number of characters or options")
    if by in ("=", "!="):
        raise NotUnderstood("a single value, or all but one")
    name = "min" if by in (">", ">=") else "max"
    step = {">": 1, "<": -1}.get(by, 0)
    day = day_of(value)
    if kind == "date" and day is not None:
        try:
            return name, (date.fromisoformat(day) + timedelta(days=step)).isoformat()
        except OverflowError:
            raise NotUnderstood("a day beyond the calendar") from None
    if kind == "whole" and isinstance(value, int | float):
        if step:
            value = math.floor(value) + 1 if by == ">" else math.ceil(value) - 1
        return name, value
    if kind == "number" and isinstance(value, int | float) and not step:
        return name, value
    raise NotUnderstood("limits that this kind of question does not have")


def _add(limits: Json, name: str, value: Any) -> None:
    if name == "exclusive":
        limits.setdefault(name, []).extend(value)
    elif name == "min":
        limits[name] = max(limits.get(name, value), value)
    else:
        limits[name] = min(limits.get(name, value), value)
