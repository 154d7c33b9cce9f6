"""When a question is asked, in a line that people read."""

from collections.abc import Sequence

from app.questionnaires.visibility import AllOf, AnyOf, Comparison, Condition, Not


def in_words(conditions: Sequence[Condition]) -> str:
    """All of these conditions, such as `overall in (dissatisfied) and homework >= 60`."""
    return _joined(conditions, " and ")


def _joined(conditions: Sequence[Condition], word: str) -> str:
    if len(conditions) == 1:
        return _said(conditions[0])
    return word.join(_within(one) for one in conditions)


def _within(condition: Condition) -> str:
    said = _said(condition)
    return said if isinstance(condition, Comparison | Not) else f"({said})"


def _said(condition: Condition) -> str:
    match condition:
        case AllOf():
            return _joined(condition.all, " and ")
        case AnyOf():
            return _joined(condition.any, " or ")
        case Not():
            return f"not ({_said(condition.not_)})"
        case Comparison():
            return _comparison(condition)


def _comparison(one: Comparison) -> str:
    if one.in_ is not None:
        return f"{one.question} in ({', '.join(map(str, one.in_))})"
    if one.not_in is not None:
        return f"{one.question} not in ({', '.join(map(str, one.not_in))})"
    if one.gte is not None:
        return f"{one.question} >= {_bound(one.gte)}"
    if one.lte is not None:
        return f"{one.question} <= {_bound(one.lte)}"
    return f"{one.question} {'answered' if one.answered else 'unanswered'}"


def _bound(bound: float | str) -> str:
    return bound if isinstance(bound, str) else f"{bound:.15g}"
