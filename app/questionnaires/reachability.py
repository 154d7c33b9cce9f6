"""Whether every question can be asked: what a draft's conditions must hold to."""

from collections.abc import Iterator
from typing import Any, TypeVar

from app.core.problems import FieldError
from app.questionnaires.answerable import Answered, answerable, options_of
from app.questionnaires.conditions import Path, compiled, located
from app.questionnaires.faults import fault
from app.questionnaires.layout import days_of, numbers_of, values_of
from app.questionnaires.schemas import (
    Date,
    Definition,
    Matrix,
    MultipleChoice,
    Note,
    Number,
    Rating,
    SingleChoice,
    TextQuestion,
)
from app.questionnaires.visibility import AllOf, AnyOf, Comparison, Condition, Not

_Bound = TypeVar("_Bound", float, str)


def refusals_of_conditions(definition: Definition, unsound: set[str]) -> Iterator[FieldError]:
    """What is wrong with conditions; those upon `unsound` questions are not looked into."""
    for number, question in enumerate(definition.questions):
        if question.visible_if is not None:
            yield from _condition(definition, number, question.visible_if, unsound)


def _condition(
    definition: Definition, number: int, condition: Condition, unsound: set[str]
) -> list[FieldError]:
    path: Path = ("questions", number, "visible_if")
    parts = list(answerable(definition))
    earlier = {one.asked.code: one.asked for one in parts if one.number < number}
    unsound = unsound | {
        one.asked.code for one in parts if definition.questions[one.number].code in unsound
    }
    errors: list[FieldError] = []
    for place, comparison in located(condition, path):
        asked = earlier.get(comparison.question)
        if asked is None:
            errors.append(_not_to_be_asked(definition, number, comparison.question, place))
        elif asked.code not in unsound:
            errors += _comparison(definition, asked, place, comparison)
    if errors:
        return errors
    return [
        fault(place, "never_true")
        for place, comparisons in _conjunctions(condition, path)
        if comparisons[0].question not in unsound
        and not _possible(definition, earlier[comparisons[0].question], comparisons)
    ]


def _not_to_be_asked(definition: Definition, number: int, code: str, place: Path) -> FieldError:
    asked = next((one for one in definition.questions[:number] if one.code == code), None)
    if isinstance(asked, Note):
        return fault((*place, "question"), "not_answerable")
    if isinstance(asked, Matrix):
        return fault((*place, "question"), "row_needed")
    later = any(
        code in (one.asked.code, definition.questions[one.number].code)
        for one in answerable(definition)
        if one.number >= number
    )
    return fault((*place, "question"), "not_earlier" if later else "unknown_question")


def _comparison(
    definition: Definition, asked: Answered, path: Path, comparison: Comparison
) -> Iterator[FieldError]:
    for name, listed in (("in", comparison.in_), ("not_in", comparison.not_in)):
        if listed is None:
            continue
        if isinstance(asked, Number | Date | TextQuestion):
            yield fault((*path, name), "wrong_comparison")
            continue
        values = values_of(definition, asked)
        for number, value in enumerate(listed):
            if str(value) not in values:
                yield fault((*path, name, number), "not_an_option")
    for name, bound in (("gte", comparison.gte), ("lte", comparison.lte)):
        if bound is not None and not _comparable(asked, bound):
            yield fault((*path, name), "wrong_comparison")


def _comparable(asked: Answered, bound: float | str) -> bool:
    if isinstance(bound, str):
        return isinstance(asked, Date)
    return isinstance(asked, Number | Rating)


def _conjunctions(condition: Condition, path: Path) -> Iterator[tuple[Path, list[Comparison]]]:
    """Comparisons of one question that must hold together: alone, or side by side in an `all`."""
    match condition:
        case Comparison():
            yield path, [condition]
        case Not():
            yield from _conjunctions(condition.not_, (*path, "not"))
        case AnyOf():
            for number, one in enumerate(condition.any):
                yield from _conjunctions(one, (*path, "any", number))
        case AllOf():
            together: dict[str, list[Comparison]] = {}
            for number, one in enumerate(condition.all):
                yield from _conjunctions(one, (*path, "all", number))
                if isinstance(one, Comparison):
                    together.setdefault(one.question, []).append(one)
            for comparisons in together.values():
                if len(comparisons) > 1:
                    yield (*path, "all"), comparisons


def _possible(definition: Definition, asked: Answered, comparisons: list[Comparison]) -> bool:
    tests = [compiled(comparison) for comparison in comparisons]
    return any(
        all(test({asked.code: answer}) for test in tests)
        for answer in _answers_to_try(definition, asked, comparisons)
    )


def _answers_to_try(
    definition: Definition, asked: Answered, comparisons: list[Comparison]
) -> Iterator[Any]:
    """Answers enough that, if none of them passes the comparisons, none does."""
    yield None
    match asked:
        case SingleChoice():
            yield from values_of(definition, asked)
        case Rating():
            yield from range(asked.min, asked.max + 1)
        case MultipleChoice():
            barred = {str(value) for one in comparisons for value in one.not_in or ()}
            options = [one for one in options_of(definition, asked) if one.value not in barred]
            yield [one.value for one in options if not one.exclusive]
            yield from ([one.value] for one in options if one.exclusive)
        case TextQuestion():
            yield "text"
        case Number():
            least, most = numbers_of(asked)
            yield from (
                one for one in _bounds(comparisons, float, least, most) if least <= one <= most
            )
        case Date():
            first, last = days_of(asked)
            yield from (
                one for one in _bounds(comparisons, str, first, last) if first <= one <= last
            )


def _bounds(
    comparisons: list[Comparison], kind: type[_Bound], least: _Bound, most: _Bound
) -> Iterator[_Bound]:
    yield from (least, most)
    for one in comparisons:
        yield from (bound for bound in (one.gte, one.lte) if isinstance(bound, kind))
