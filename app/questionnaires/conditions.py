"""`visible_if`: conditions made into functions of the answers given so far."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from app.questionnaires.visibility import AllOf, AnyOf, Comparison, Condition, Not

Answers = Mapping[str, Any]
Test = Callable[[Answers], bool]
Path = tuple[str | int, ...]


def given(answer: Any) -> bool:
    """Whether an answer says anything: null, blanks and an empty selection are no answer."""
    if isinstance(answer, str):
        return answer != "" and not answer.isspace()
    return answer is not None and answer != []


def compiled(condition: Condition) -> Test:
    """The condition as a function. An unanswered question is in no list and no range."""
    match condition:
        case AllOf():
            return all_compiled(condition.all)
        case AnyOf():
            tests = [compiled(one) for one in condition.any]
            return lambda answers: any(test(answers) for test in tests)
        case Not():
            test = compiled(condition.not_)
            return lambda answers: not test(answers)
        case Comparison():
            return _comparison(condition)


def all_compiled(conditions: Sequence[Condition]) -> Test:
    """Several conditions, all of which must hold, as one function."""
    if len(conditions) == 1:
        return compiled(conditions[0])
    tests = [compiled(one) for one in conditions]
    return lambda answers: all(test(answers) for test in tests)


def _comparison(condition: Comparison) -> Test:
    code = condition.question
    if condition.in_ is not None:
        chosen = frozenset(map(str, condition.in_))
        return lambda answers: not chosen.isdisjoint(_chosen(answers.get(code)))
    if condition.not_in is not None:
        barred = frozenset(map(str, condition.not_in))
        return lambda answers: barred.isdisjoint(_chosen(answers.get(code)))
    if condition.gte is not None:
        least = condition.gte
        return lambda answers: _alike(answers.get(code), least) and answers[code] >= least
    if condition.lte is not None:
        most = condition.lte
        return lambda answers: _alike(answers.get(code), most) and answers[code] <= most
    wanted = condition.answered
    return lambda answers: given(answers.get(code)) is wanted


def _chosen(answer: Any) -> list[str]:
    if isinstance(answer, list):
        return [one for one in answer if isinstance(one, str)]
    return [str(answer)] if isinstance(answer, str | int) and not isinstance(answer, bool) else []


def _alike(answer: Any, bound: float | str) -> bool:
    """Whether both are numbers, or both are days, which compare as they are written."""
    if isinstance(bound, str):
        return isinstance(answer, str)
    return isinstance(answer, int | float) and not isinstance(answer, bool)


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """All comparisons in a condition."""
    return (comparison for _, comparison in located(condition))


def located(condition: Condition, path: Path = ()) -> Iterator[tuple[Path, Comparison]]:
    """All comparisons in a condition, each with the steps that lead to it."""
    match condition:
        case Comparison():
            yield path, condition
        case Not():
            yield from located(condition.not_, (*path, "not"))
        case AllOf():
            for number, one in enumerate(condition.all):
                yield from located(one, (*path, "all", number))
        case AnyOf():
            for number, one in enumerate(condition.any):
                yield from located(one, (*path, "any", number))
