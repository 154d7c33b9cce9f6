"""Whether every question can be asked: what a draft's conditions must hold to."""

from collections.abc import Iterator, Sequence

from app.core.problems import FieldError
from app.questionnaires.answerable import Answerable, Answered, answerable
from app.questionnaires.conditions import Path, compiled, located
from app.questionnaires.faults import fault
from app.questionnaires.layout import values_of
from app.questionnaires.leading import GivenUp, Ways, answers_to_try
from app.questionnaires.schemas import (
    Date,
    Definition,
    Matrix,
    Note,
    Number,
    Rating,
    TextQuestion,
)
from app.questionnaires.visibility import AllOf, AnyOf, Comparison, Condition, Not


def refusals_of_conditions(definition: Definition, unsound: set[str]) -> Iterator[FieldError]:
    """What is wrong with conditions; those upon `unsound` questions are not looked into."""
    parts = list(answerable(definition))
    unsound = unsound | {
        one.asked.code for one in parts if definition.questions[one.number].code in unsound
    }
    ways = Ways(definition)
    unreached: set[str] = set()
    for number, question in enumerate(definition.questions):
        condition = question.visible_if
        if condition is None:
            continue
        errors = _condition(definition, parts, number, condition, unsound)
        beyond = bool(errors) or not (unsound | unreached).isdisjoint(ways.sources(condition))
        if not beyond and ways.can_hold(condition) is False:
            errors = [fault(("questions", number, "visible_if"), "never_asked")]
        if errors or beyond:
            # What depends on it would only be told the same.
            unreached |= {one.asked.code for one in parts if one.number == number}
        yield from errors


def _condition(
    definition: Definition,
    parts: Sequence[Answerable],
    number: int,
    condition: Condition,
    unsound: set[str],
) -> list[FieldError]:
    path: Path = ("questions", number, "visible_if")
    earlier = {one.asked.code: one.asked for one in parts if one.number < number}
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
    try:
        answers = answers_to_try(definition, asked, comparisons)
    except GivenUp:
        return True
    return any(all(test({asked.code: answer}) for test in tests) for answer in [None, *answers])
