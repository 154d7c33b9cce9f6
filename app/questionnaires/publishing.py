"""What a draft must hold to before it is published: checked as a whole, all errors at once.

A draft may be half done; a version that people answer may not. The schema has checked every field
by itself already.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from app.core.problems import FieldError, pointer
from app.questionnaires.answerable import answerable, options_of
from app.questionnaires.conditions import Path, located
from app.questionnaires.faults import (
    MAX_BYTES,
    MAX_COMPARISONS,
    MAX_OPTIONS_IN_ALL,
    MAX_TEXT,
    fault,
)
from app.questionnaires.layout import days_of, numbers_of
from app.questionnaires.reachability import refusals_of_conditions
from app.questionnaires.schemas import (
    Date,
    Definition,
    Matrix,
    MultipleChoice,
    Note,
    Number,
    Option,
    Question,
    Rating,
    Row,
    SingleChoice,
    TextQuestion,
)

MAX_CODE = 64
"""Characters of a code, with the row or option that is answered behind it."""


def refusals(definition: Definition) -> list[FieldError]:
    """Everything that keeps a definition from being published, with pointers into it."""
    if too_much := list(_too_much(definition)):
        return too_much
    errors = [
        *_whole(definition),
        *_texts_without_default(definition),
        *_codes(definition.questions),
        *_pages(definition),
    ]
    for name, options in definition.scales.items():
        errors += _options(("scales", name), options)
    unsound: set[str] = set()
    for number, question in enumerate(definition.questions):
        path: Path = ("questions", number)
        own = list(_question(definition, path, question))
        errors += own
        if own:
            unsound.add(question.code)
    errors += refusals_of_conditions(definition, unsound)
    # An indicator's scale is looked at once for every question that uses it.
    return list(dict.fromkeys(errors))


def missing_translations(definition: Definition) -> list[str]:
    """Pointers to the translations that texts lack, of the languages that the title has."""
    return [
        pointer((*path, locale))
        for path, text in _texts(definition)
        for locale in sorted(definition.title)
        if locale not in text
    ]


def _too_much(definition: Definition) -> Iterator[FieldError]:
    if len(definition.model_dump_json().encode()) > MAX_BYTES:
        yield fault((), "too_large")
    conditions = (one.visible_if for one in definition.questions if one.visible_if)
    if sum(1 for condition in conditions for _ in located(condition)) > MAX_COMPARISONS:
        yield fault(("questions",), "too_complex")
    if sum(_options_in(definition, one) for one in definition.questions) > MAX_OPTIONS_IN_ALL:
        yield fault(("questions",), "too_many_options")


def _options_in(definition: Definition, question: Question) -> int:
    match question:
        case SingleChoice() | MultipleChoice():
            return len(options_of(definition, question))
        case Matrix():
            return len(options_of(definition, question)) * len(question.rows)
        case Rating():
            return question.max - question.min + 1
        case _:
            return 0


def _whole(definition: Definition) -> Iterator[FieldError]:
    if all(isinstance(question, Note) for question in definition.questions):
        yield fault(("questions",), "no_questions")
    parts = (one.asked for one in answerable(definition))
    texts = (one.max_length for one in parts if isinstance(one, TextQuestion))
    if sum(texts) > MAX_TEXT:
        yield fault(("questions",), "too_much_text")


def _texts(definition: Definition) -> Iterator[tuple[Path, Mapping[str, str]]]:
    for name in ("title", "intro", "consent", "thanks"):
        if text := getattr(definition, name):
            yield (name,), text
    for code, page in definition.pages.items():
        yield ("pages", code, "title"), page.title
        if page.intro:
            yield ("pages", code, "intro"), page.intro
    for scale, options in definition.scales.items():
        yield from _labels(("scales", scale), options)
    for number, question in enumerate(definition.questions):
        path: Path = ("questions", number)
        yield (*path, "label"), question.label
        if question.hint:
            yield (*path, "hint"), question.hint
        if isinstance(question, Number) and question.measure:
            yield (*path, "measure"), question.measure
        if isinstance(question, SingleChoice | MultipleChoice | Matrix):
            yield from _labels((*path, "options"), question.options or [])
        if isinstance(question, Matrix):
            yield from _labels((*path, "rows"), question.rows)


def _labels(
    path: Path, options: Sequence[Option | Row]
) -> Iterator[tuple[Path, Mapping[str, str]]]:
    for number, option in enumerate(options):
        yield (*path, number, "label"), option.label


def _texts_without_default(definition: Definition) -> Iterator[FieldError]:
    for path, text in _texts(definition):
        if definition.default_locale not in text:
            yield fault(path, "default_locale_missing")


def _codes(questions: list[Question]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for number, question in enumerate(questions):
        path: Path = ("questions", number, "code")
        if question.code in seen:
            yield fault(path, "duplicate_code")
        if "." in question.code:
            yield fault(path, "reserved_dot")
        seen.add(question.code)


def _pages(definition: Definition) -> Iterator[FieldError]:
    left: set[str] = set()
    current = None
    for number, question in enumerate(definition.questions):
        if question.page in left:
            yield fault(("questions", number, "page"), "split_page")
        if current is not None and question.page != current:
            left.add(current)
        current = question.page
    used = {question.page for question in definition.questions}
    for code in definition.pages:
        if code not in used:
            yield fault(("pages", code), "unknown_page")


def _options(path: Path, options: Sequence[Option | Row]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for number, option in enumerate(options):
        if option.value in seen:
            yield fault((*path, number, "value"), "duplicate_value")
        seen.add(option.value)


def _question(definition: Definition, path: Path, question: Question) -> Iterator[FieldError]:
    match question:
        case SingleChoice() | MultipleChoice() | Matrix():
            yield from _choice(definition, path, question)
        case Rating():
            if question.min >= question.max:
                yield fault((*path, "max"), "empty_range")
        case Number():
            if _holds_none(question):
                yield fault((*path, "max"), "empty_range")
        case Date():
            first, last = days_of(question)
            if first > last:
                yield fault((*path, "max"), "empty_range")
    if any(
        len(one.asked.code) > MAX_CODE
        for one in answerable(definition.model_copy(update={"questions": [question]}))
    ):
        yield fault((*path, "code"), "code_too_long")


def _holds_none(question: Number) -> bool:
    least, most = numbers_of(question)
    return math.floor(most) < math.ceil(least) if question.whole else least > most


def _choice(
    definition: Definition, path: Path, question: SingleChoice | MultipleChoice | Matrix
) -> Iterator[FieldError]:
    if isinstance(question, Matrix):
        yield from _options((*path, "rows"), question.rows)
    if (question.scale is None) == (question.options is None):
        yield fault(path, "scale_or_options")
        return
    if question.scale is not None and question.scale not in definition.scales:
        yield fault((*path, "scale"), "unknown_scale")
        return
    options = options_of(definition, question)
    options_path: Path = (*path, "options")
    if question.scale is not None:
        options_path = ("scales", question.scale)
    else:
        yield from _options(options_path, options)
    if isinstance(question, MultipleChoice):
        if (question.max_selected or 0) > len(options):
            yield fault((*path, "max_selected"), "too_many")
    elif question.indicator:
        yield from _uncounted(options_path, options)


def _uncounted(path: Path, options: Sequence[Option]) -> Iterator[FieldError]:
    for number, option in enumerate(options):
        if option.counts_as is None:
            yield fault((*path, number, "counts_as"), "counts_as_missing")
