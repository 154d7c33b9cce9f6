"""Questions as the page shows them: in one language, with what was filled in and what was wrong."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.problems import FieldError
from app.phone_page import forms
from app.phone_page.forms import Form
from app.phone_page.languages import Language
from app.questionnaires.answerable import options_of
from app.questionnaires.schemas import (
    Definition,
    MultipleChoice,
    Note,
    Number,
    Question,
    Rating,
    SingleChoice,
    TextQuestion,
)

_ANSWERS = "/answers/"


@dataclass(frozen=True, slots=True)
class Shown:
    """One question as the template writes it."""

    code: str
    type: str
    label: str
    hints: list[str]
    required: bool
    condition: str | None
    """Its `visible_if` as JSON, for the script."""
    options: list[tuple[str, str, bool]]
    """Of a choice or rating: value, label, whether it is chosen."""
    value: str
    """Of a number or text: what was filled in."""
    error: str | None
    max_length: int | None = None
    decimal: bool = False
    """Whether a keyboard of digits and a point will do."""

    @property
    def anchor(self) -> str:
        """The id of its first field."""
        return f"q-{self.code}"


def shown(
    definition: Definition, language: Language, form: Form | None, errors: Sequence[FieldError]
) -> list[Shown]:
    """All questions, with the form's contents where there is one."""
    wrong = {error.pointer.removeprefix(_ANSWERS): error.code for error in errors}
    return [
        _shown(definition, question, language, form, wrong.get(question.code))
        for question in definition.questions
    ]


def unplaced(definition: Definition, language: Language, errors: Sequence[FieldError]) -> list[str]:
    """What is wrong with no question of the page in particular."""
    codes = {question.code for question in definition.questions if not isinstance(question, Note)}
    return list(
        dict.fromkeys(
            language.texts.get(f"error_{error.code}", language.texts["error_other"])
            for error in errors
            if error.pointer.removeprefix(_ANSWERS) not in codes
        )
    )


def _shown(
    definition: Definition,
    question: Question,
    language: Language,
    form: Form | None,
    wrong: str | None,
) -> Shown:
    given = form.given(question.code) if form else []
    hint = [language.of(question.hint)] if question.hint else []
    condition = question.visible_if
    return Shown(
        code=question.code,
        type=question.type,
        label=language.of(question.label),
        hints=hint + _rule(question, language),
        required=question.required,
        condition=json.dumps(condition.model_dump(by_alias=True)) if condition else None,
        options=_options(definition, question, language, given),
        value=forms.showable(given[0]) if given else "",
        error=_message(question, wrong, language) if wrong else None,
        max_length=question.max_length if isinstance(question, TextQuestion) else None,
        decimal=isinstance(question, Number) and (question.min is None or question.min >= 0),
    )


def _options(
    definition: Definition, question: Question, language: Language, given: list[str]
) -> list[tuple[str, str, bool]]:
    if isinstance(question, SingleChoice | MultipleChoice):
        return [
            (option.value, language.of(option.label), option.value in given)
            for option in options_of(definition, question)
        ]
    if isinstance(question, Rating):
        steps = map(str, range(question.min, question.max + 1))
        return [(step, step, step in given) for step in steps]
    return []


def _rule(question: Question, language: Language) -> list[str]:
    """What the page says of the answers that a question takes."""
    match question:
        case MultipleChoice():
            name = "choose_up_to" if question.max_selected else "choose_any"
        case Number():
            name = f"number_{_bounds(question)}"
        case Rating():
            name = "rating_between"
        case TextQuestion():
            name = "text_up_to"
        case _:
            name = ""
    text = language.texts.get(name)
    return [text.format(**_limits(question))] if text else []


def _message(question: Question, code: str, language: Language) -> str:
    names = [f"error_{code}_{question.type}", f"error_{code}", "error_other"]
    if code == "out_of_range" and isinstance(question, Number):
        names.insert(0, f"error_number_{_bounds(question)}")
    text = next(language.texts[name] for name in names if name in language.texts)
    return text.format(**_limits(question))


def _bounds(question: Number) -> str:
    if question.min is not None and question.max is not None:
        return "between"
    if question.min is not None:
        return "from"
    return "up_to" if question.max is not None else "any"


def _limits(question: Question) -> dict[str, str]:
    match question:
        case MultipleChoice():
            return {"max": str(question.max_selected)}
        case Number() | Rating():
            return {"min": _plain(question.min), "max": _plain(question.max)}
        case TextQuestion():
            return {"max": str(question.max_length)}
        case _:
            return {}


def _plain(number: float | None) -> str:
    if number is None:
        return ""
    return str(int(number) if float(number).is_integer() else number)
