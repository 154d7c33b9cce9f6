"""What may not be meant so in a draft that can be published: told to its author, never refused."""

from collections import Counter
from collections.abc import Iterator, Sequence

from app.core.problems import FieldError, pointer
from app.questionnaires.answerable import options_of
from app.questionnaires.conditions import Path
from app.questionnaires.leading import Ways
from app.questionnaires.schemas import (
    Definition,
    Matrix,
    MultipleChoice,
    Option,
    Question,
    SingleChoice,
)
from app.questionnaires.visibility import AllOf, AnyOf, Condition, Not

WARNINGS = {
    "always_true": "This condition hides the question from nobody: leave it out, or mend it.",
    "needs_unanswered": "This holds only where a required question was left out, so nobody who "
    "sends the questionnaire is asked it.",
    "never_decides": "This part of the condition never holds after the conditions of the questions "
    "before it: it makes no difference.",
    "undecided": "There are too many ways to this question to be checked: try it in the preview.",
    "not_asked_of_all": "The pooled rate counts this question, and not everybody is asked it: who "
    "is not stands among the missing.",
    "one_sided": "The rate of this question can only be 0 or 1: give it options that count as "
    "positive and as negative.",
    "single_option": "There is only one option to choose.",
    "same_label": "Another option reads the same in this language: nobody can tell them apart.",
    "unused_scale": "No question uses this scale.",
}


def suspicions(definition: Definition) -> list[FieldError]:
    """Everything in a definition without faults that may not be meant so, with pointers into it."""
    ways = Ways(definition)
    found = list(_scales(definition))
    for number, question in enumerate(definition.questions):
        path: Path = ("questions", number)
        found += _conditional(ways, path, question)
        if isinstance(question, SingleChoice | MultipleChoice | Matrix):
            found += _choice(definition, path, question)
    # A scale is looked at for every question that uses it.
    return list(dict.fromkeys(found))


def _warning(path: Path, code: str) -> FieldError:
    return FieldError(pointer(path), code, WARNINGS[code])


def _scales(definition: Definition) -> Iterator[FieldError]:
    used = {getattr(question, "scale", None) for question in definition.questions}
    for name in definition.scales:
        if name not in used:
            yield _warning(("scales", name), "unused_scale")


def _conditional(ways: Ways, path: Path, question: Question) -> Iterator[FieldError]:
    condition = question.visible_if
    if condition is None:
        return
    place: Path = (*path, "visible_if")
    can_fail = ways.can_hold(Not.model_validate({"not": condition}))
    can_hold = ways.can_hold(condition, complete=True)
    if can_fail is None or can_hold is None:
        yield _warning(place, "undecided")
    elif not can_fail:
        yield _warning(place, "always_true")
    elif not can_hold:
        yield _warning(place, "needs_unanswered")
    else:
        for part, alternative in _alternatives(condition, place):
            if ways.can_hold(alternative) is False:
                yield _warning(part, "never_decides")
        if getattr(question, "indicator", False):
            yield _warning(place, "not_asked_of_all")


def _alternatives(condition: Condition, path: Path) -> Iterator[tuple[Path, Condition]]:
    """The parts of which one must hold: each of an `any` that is not turned round."""
    match condition:
        case AnyOf():
            for number, one in enumerate(condition.any):
                yield (*path, "any", number), one
                yield from _alternatives(one, (*path, "any", number))
        case AllOf():
            for number, one in enumerate(condition.all):
                yield from _alternatives(one, (*path, "all", number))


def _choice(
    definition: Definition, path: Path, question: SingleChoice | MultipleChoice | Matrix
) -> Iterator[FieldError]:
    options = options_of(definition, question)
    place: Path = (*path, "options") if question.scale is None else ("scales", question.scale)
    if len(options) == 1:
        yield _warning(place, "single_option")
    yield from _alike(place, options)
    if getattr(question, "indicator", False):
        sides = {one.counts_as for one in options}
        if not {"positive", "negative"} <= sides:
            yield _warning(place, "one_sided")


def _alike(path: Path, options: Sequence[Option]) -> Iterator[FieldError]:
    times = Counter(
        (locale, " ".join(label.split())) for one in options for locale, label in one.label.items()
    )
    for number, one in enumerate(options):
        for locale, label in one.label.items():
            if times[locale, " ".join(label.split())] > 1:
                yield _warning((*path, number, "label", locale), "same_label")
