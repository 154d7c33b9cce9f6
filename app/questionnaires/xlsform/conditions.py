"""`relevant` of an XLSForm read as `visible_if`, and `visible_if` written as `relevant`."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.core.workbook_writing import MAX_CELL
from app.questionnaires.visibility import AllOf, AnyOf, Comparison, Condition, Not
from app.questionnaires.xlsform.expressions import (
    Call,
    Compared,
    Joined,
    Node,
    NotUnderstood,
    Reference,
    parsed,
)
from app.questionnaires.xlsform.names import Known, Names

Json = dict[str, Any]
MIRRORED = {"=": "=", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
"""What a comparison is by when its sides are exchanged."""
_CHOICES = ("single_choice", "multiple_choice")
_CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


def condition_of(relevant: str, names: Names) -> Json:
    """The condition that an expression means, as JSON.

    Its names must all be known. Errors: Broken, NotUnderstood.
    """
    return _condition(parsed(relevant), names)


def relevant_of(condition: Condition, names: Names) -> str:
    """The expression that means a condition; blank where there is none that a cell holds."""
    try:
        relevant = _written(condition, names, inside=False)
    except NotUnderstood:
        return ""
    return relevant if len(relevant) <= MAX_CELL else ""


def says_all(relevant: str, condition: Condition, names: Names) -> bool:
    """Whether an expression, read again, makes the very same condition."""
    if not relevant:
        return False
    try:
        return _CONDITION.validate_python(condition_of(relevant, names)) == condition
    except (NotUnderstood, ValidationError):
        return False


def day_of(node: Node) -> str | None:
    """The day that `'2026-09-01'` or `date('2026-09-01')` means; None for all else."""
    said = node.arguments[0] if isinstance(node, Call) and node.function == "date" else node
    try:
        return date.fromisoformat(said).isoformat() if isinstance(said, str) else None
    except ValueError:
        return None


def plain(number: float) -> str:
    """A number without an exponent, of which XPath has none."""
    return str(int(number)) if number == int(number) else format(Decimal(repr(number)), "f")


def _condition(node: Node, names: Names) -> Json:
    match node:
        case Joined(by, parts):
            return _joined(by, [_condition(part, names) for part in parts])
        case Call("not", (inner,)):
            return _negated(_condition(inner, names), inner)
        case Call("selected", (Reference(name), str() as value)) if name:
            return _in(_choice(name, names), value)
        case Compared(Reference() as left, by, right):
            return _comparison(left, by, right, names)
        case Compared(left, by, Reference() as right):
            return _comparison(right, MIRRORED[by], left, names)
        case Compared(Call(function, (Reference() as asked,)), by, int() as count):
            if function in ("count-selected", "string-length") and (by, count) in _AT_LEAST_ONE:
                return {"question": _known(asked.name, names).code, "answered": True}
    raise NotUnderstood("something else than a comparison of one answer with a value")


_AT_LEAST_ONE = {(">", 0), (">=", 1), ("!=", 0)}


def _known(name: str, names: Names) -> Known:
    if name not in names.by_name:
        raise NotUnderstood("an answer that cannot be asked about here")
    return names.by_name[name]


def _choice(name: str, names: Names) -> Known:
    known = _known(name, names)
    if known.kind not in _CHOICES:
        raise NotUnderstood("selected() of what is no choice")
    return known


def _joined(by: str, parts: list[Json]) -> Json:
    """Several conditions; those that ask for values of one question become one comparison."""
    field = "in" if by == "or" else "not_in"
    merged: list[Json] = []
    lists: dict[str, Json] = {}
    for part in parts:
        if field not in part:
            merged.append(part)
        elif part["question"] in lists:
            values = lists[part["question"]][field]
            values += [one for one in part[field] if one not in values]
        else:
            lists[part["question"]] = part
            merged.append(part)
    return merged[0] if len(merged) == 1 else {"any" if by == "or" else "all": merged}


def _negated(inner: Json, node: Node) -> Json:
    # not(selected(…)) is how XLSForm says of a multiple choice what != says of a single one.
    if isinstance(node, Call) and node.function == "selected":
        return {"question": inner["question"], "not_in": inner["in"]}
    return {"not": inner}


def _in(known: Known, value: str | int) -> Json:
    return {"question": known.code, "in": [value]}


def _comparison(asked: Reference, by: str, value: Node, names: Names) -> Json:
    known = _known(asked.name, names)
    if value == "" and by in ("=", "!="):
        return {"question": known.code, "answered": by == "!="}
    if known.kind in _CHOICES and isinstance(value, str | int):
        return _chosen(known, by, str(value))
    if known.kind == "rating" and isinstance(value, str | int) and by in ("=", "!="):
        return {"question": known.code, "in" if by == "=" else "not_in": [value]}
    if known.kind in ("rating", "whole", "number") and isinstance(value, int | float):
        return _ranged(known, by, value, _next_number)
    day = day_of(value)
    if known.kind == "date" and day is not None:
        return _ranged(known, by, day, _next_day)
    raise NotUnderstood("a comparison that this kind of question does not have")


def _chosen(known: Known, by: str, value: str) -> Json:
    if by not in ("=", "!="):
        raise NotUnderstood("choices compared by their size")
    if known.kind == "single_choice":
        return {"question": known.code, "in" if by == "=" else "not_in": [value]}
    # Equal to a text is a multiple choice only where nothing else is chosen.
    only = [_in(known, value)]
    others = [one for one in known.values if one != value]
    if others:
        only.append({"question": known.code, "not_in": others})
    alone = {"all": only} if others else only[0]
    return alone if by == "=" else {"not": alone}


def _next_number(known: Known, value: Any, step: int) -> Any:
    if known.kind == "number" or not float(value).is_integer():
        return None
    return int(value) + step


def _next_day(known: Known, value: Any, step: int) -> Any:
    try:
        return (date.fromisoformat(value) + timedelta(days=step)).isoformat()
    except OverflowError:
        return None


def _ranged(known: Known, by: str, value: Any, following: Callable[[Known, Any, int], Any]) -> Json:
    code = known.code
    match by:
        case ">=" | "<=":
            return {"question": code, "gte" if by == ">=" else "lte": value}
        case ">" | "<":
            step = 1 if by == ">" else -1
            bound = following(known, value, step)
            if bound is not None:
                return {"question": code, "gte" if by == ">" else "lte": bound}
            answered = {"question": code, "answered": True}
            return {"all": [answered, {"not": {"question": code, _OPPOSITE[by]: value}}]}
    exactly = {"all": [{"question": code, "gte": value}, {"question": code, "lte": value}]}
    return exactly if by == "=" else {"not": exactly}


_OPPOSITE = {">": "lte", "<": "gte"}


def _written(condition: Condition, names: Names, *, inside: bool) -> str:
    match condition:
        case Comparison():
            parts, by = _comparisons(condition, names)
        case Not():
            return f"not({_written(condition.not_, names, inside=False)})"
        case AllOf():
            parts, by = [_written(one, names, inside=True) for one in condition.all], " and "
        case AnyOf():
            parts, by = [_written(one, names, inside=True) for one in condition.any], " or "
    joined = by.join(parts)
    return f"({joined})" if inside and len(parts) > 1 else joined


def _comparisons(condition: Comparison, names: Names) -> tuple[list[str], str]:
    """The comparisons that say the same, and what joins them."""
    known = names.by_code.get(condition.question)
    if known is None:
        raise NotUnderstood("an answer that has no name of its own in an XLSForm")
    asked = f"${{{known.name}}}"
    if condition.in_ is not None:
        return [_one_of(known, asked, value) for value in condition.in_], " or "
    if condition.not_in is not None:
        return [_none_of(known, asked, value) for value in condition.not_in], " and "
    if condition.answered is not None:
        return [f"{asked} {'!=' if condition.answered else '='} ''"], ""
    by, bound = (">=", condition.gte) if condition.gte is not None else ("<=", condition.lte)
    literal = f"date('{bound}')" if isinstance(bound, str) else plain(bound or 0.0)
    return [f"{asked} {by} {literal}"], ""


def _one_of(known: Known, asked: str, value: str | int) -> str:
    if known.kind == "multiple_choice":
        return f"selected({asked}, '{value}')"
    return f"{asked} = {_literal(value)}"


def _none_of(known: Known, asked: str, value: str | int) -> str:
    if known.kind == "multiple_choice":
        return f"not(selected({asked}, '{value}'))"
    return f"{asked} != {_literal(value)}"


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else f"'{value}'"
