"""What a draft must hold to before it is published: checked as a whole, all errors at once.

A draft may be half done; a version that people answer may not. The schema has checked every field
by itself already.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.core.problems import FieldError, pointer
from app.questionnaires.conditions import Path, compiled, located
from app.questionnaires.layout import range_of, values_of
from app.questionnaires.schemas import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Definition,
    MultipleChoice,
    Not,
    Note,
    Number,
    Option,
    Question,
    Rating,
    SingleChoice,
    TextQuestion,
)

MAX_BYTES = 256 * 1024
"""As JSON in UTF-8: a phone fetches all of it."""
MAX_COMPARISONS = 1000
"""In all conditions together: each is made for every response."""
MAX_TEXT = 20_000
"""Characters of all text answers together: one request carries them."""
MAX_OPTIONS_IN_ALL = 5000
"""Of all questions together: each is counted for every unit."""

MESSAGES = {
    "too_large": f"The whole definition is at most {MAX_BYTES // 1024} KiB of JSON.",
    "too_complex": f"All conditions together hold at most {MAX_COMPARISONS} comparisons.",
    "too_many_options": f"All questions together have at most {MAX_OPTIONS_IN_ALL} options.",
    "no_questions": "Ask at least one question; notes are none.",
    "too_much_text": f"The max_length of all text questions is at most {MAX_TEXT} together.",
    "default_locale_missing": "Every text needs the language that default_locale names.",
    "duplicate_code": "An earlier question has this code already.",
    "reserved_dot": "Leave the dot out of question codes: it is reserved for the rows of tables.",
    "split_page": "Questions of one page stand together: another page stands between.",
    "duplicate_value": "An earlier option has this value already.",
    "scale_or_options": "Give exactly one of scale and options.",
    "unknown_scale": "There is no such scale in scales.",
    "counts_as_missing": "Every option of an indicator says what it counts as.",
    "too_many": "This is more than the number of options.",
    "empty_range": "Put min below max.",
    "unknown_question": "There is no question with this code.",
    "not_earlier": "A condition can only ask about questions that stand before it.",
    "not_answerable": "This question is a note, which takes no answer.",
    "wrong_comparison": "in and not_in compare choices and ratings, gte and lte numbers and "
    "ratings; any question can be compared by answered.",
    "not_an_option": "This is none of that question's values.",
    "never_true": "No answer that the question takes makes this true.",
}


def _error(path: Path, code: str) -> FieldError:
    return FieldError(pointer(path), code, MESSAGES[code])


def refusals(definition: Definition) -> list[FieldError]:
    """Everything that keeps a definition from being published, with pointers into it."""
    if too_much := list(_too_much(definition)):
        return too_much
    errors = [
        *_whole(definition),
        *_texts_without_default(definition),
        *_codes(definition.questions),
        *_pages(definition.questions),
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
        if question.visible_if is not None:
            errors += _condition(definition, number, question.visible_if, unsound)
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
        yield _error((), "too_large")
    conditions = (one.visible_if for one in definition.questions if one.visible_if)
    if sum(1 for condition in conditions for _ in located(condition)) > MAX_COMPARISONS:
        yield _error(("questions",), "too_complex")
    if sum(_options_in(definition, one) for one in definition.questions) > MAX_OPTIONS_IN_ALL:
        yield _error(("questions",), "too_many_options")


def _options_in(definition: Definition, question: Question) -> int:
    match question:
        case SingleChoice() | MultipleChoice() if question.scale is not None:
            return len(definition.scales.get(question.scale, ()))
        case SingleChoice() | MultipleChoice():
            return len(question.options or ())
        case Rating():
            return question.max - question.min + 1
        case _:
            return 0


def _whole(definition: Definition) -> Iterator[FieldError]:
    if all(isinstance(question, Note) for question in definition.questions):
        yield _error(("questions",), "no_questions")
    texts = (one.max_length for one in definition.questions if isinstance(one, TextQuestion))
    if sum(texts) > MAX_TEXT:
        yield _error(("questions",), "too_much_text")


def _texts(definition: Definition) -> Iterator[tuple[Path, Mapping[str, str]]]:
    for name in ("title", "intro", "consent", "thanks"):
        if text := getattr(definition, name):
            yield (name,), text
    for scale, options in definition.scales.items():
        yield from _labels(("scales", scale), options)
    for number, question in enumerate(definition.questions):
        path: Path = ("questions", number)
        yield (*path, "label"), question.label
        if question.hint:
            yield (*path, "hint"), question.hint
        if isinstance(question, SingleChoice | MultipleChoice):
            yield from _labels((*path, "options"), question.options or [])


def _labels(path: Path, options: list[Option]) -> Iterator[tuple[Path, Mapping[str, str]]]:
    for number, option in enumerate(options):
        yield (*path, number, "label"), option.label


def _texts_without_default(definition: Definition) -> Iterator[FieldError]:
    for path, text in _texts(definition):
        if definition.default_locale not in text:
            yield _error(path, "default_locale_missing")


def _codes(questions: list[Question]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for number, question in enumerate(questions):
        path: Path = ("questions", number, "code")
        if question.code in seen:
            yield _error(path, "duplicate_code")
        if "." in question.code:
            yield _error(path, "reserved_dot")
        seen.add(question.code)


def _pages(questions: list[Question]) -> Iterator[FieldError]:
    left: set[str] = set()
    current = None
    for number, question in enumerate(questions):
        if question.page in left:
            yield _error(("questions", number, "page"), "split_page")
        if current is not None and question.page != current:
            left.add(current)
        current = question.page


def _options(path: Path, options: list[Option]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for number, option in enumerate(options):
        if option.value in seen:
            yield _error((*path, number, "value"), "duplicate_value")
        seen.add(option.value)


def _question(definition: Definition, path: Path, question: Question) -> Iterator[FieldError]:
    match question:
        case SingleChoice() | MultipleChoice():
            yield from _choice(definition, path, question)
        case Rating():
            if question.min >= question.max:
                yield _error((*path, "max"), "empty_range")
        case Number():
            if _above(question.min, question.max):
                yield _error((*path, "max"), "empty_range")


def _above(least: float | None, most: float | None) -> bool:
    return least is not None and most is not None and least > most


def _choice(
    definition: Definition, path: Path, question: SingleChoice | MultipleChoice
) -> Iterator[FieldError]:
    if (question.scale is None) == (question.options is None):
        yield _error(path, "scale_or_options")
        return
    options_path: Path = (*path, "options")
    options: list[Option] | None = question.options
    if question.scale is not None:
        options_path = ("scales", question.scale)
        options = definition.scales.get(question.scale)
    if options is None:
        yield _error((*path, "scale"), "unknown_scale")
        return
    if question.options is not None:
        yield from _options(options_path, options)
    if isinstance(question, SingleChoice):
        if question.indicator:
            yield from _uncounted(options_path, options)
    elif (question.max_selected or 0) > len(options):
        yield _error((*path, "max_selected"), "too_many")


def _uncounted(path: Path, options: list[Option]) -> Iterator[FieldError]:
    for number, option in enumerate(options):
        if option.counts_as is None:
            yield _error((*path, number, "counts_as"), "counts_as_missing")


def _condition(
    definition: Definition, number: int, condition: Condition, unsound: set[str]
) -> list[FieldError]:
    path: Path = ("questions", number, "visible_if")
    earlier = {one.code: one for one in definition.questions[:number]}
    later = {one.code for one in definition.questions[number:]}
    errors = []
    for place, comparison in located(condition, path):
        code = comparison.question
        asked = earlier.get(code)
        if asked is None:
            fault = "not_earlier" if code in later else "unknown_question"
            errors.append(_error((*place, "question"), fault))
        elif isinstance(asked, Note):
            errors.append(_error((*place, "question"), "not_answerable"))
        elif code not in unsound:
            errors += _comparison(definition, asked, place, comparison)
    if errors:
        return errors
    return [
        _error(place, "never_true")
        for place, comparisons in _conjunctions(condition, path)
        if comparisons[0].question not in unsound
        and not _possible(definition, earlier[comparisons[0].question], comparisons)
    ]


def _comparison(
    definition: Definition, asked: Question, path: Path, comparison: Comparison
) -> Iterator[FieldError]:
    numeric = isinstance(asked, Number | Rating)
    for name, listed in (("in", comparison.in_), ("not_in", comparison.not_in)):
        if listed is None:
            continue
        if isinstance(asked, Number | TextQuestion | Note):
            yield _error((*path, name), "wrong_comparison")
            continue
        values = values_of(definition, asked)
        for number, value in enumerate(listed):
            if str(value) not in values:
                yield _error((*path, name, number), "not_an_option")
    for name, bound in (("gte", comparison.gte), ("lte", comparison.lte)):
        if bound is not None and not numeric:
            yield _error((*path, name), "wrong_comparison")


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


def _possible(definition: Definition, asked: Question, comparisons: list[Comparison]) -> bool:
    tests = [compiled(comparison) for comparison in comparisons]
    return any(
        all(test({asked.code: answer}) for test in tests)
        for answer in _answers_to_try(definition, asked, comparisons)
    )


def _answers_to_try(
    definition: Definition, asked: Question, comparisons: list[Comparison]
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
            yield [value for value in values_of(definition, asked) if value not in barred]
        case TextQuestion():
            yield "text"
        case Number():
            least, most = range_of(asked)
            bounds = [bound for one in comparisons for bound in (one.gte, one.lte)]
            tried = (bound for bound in (least, most, *bounds) if bound is not None)
            yield from (bound for bound in tried if least <= bound <= most)
