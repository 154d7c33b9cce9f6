"""Questions as the page shows them: in one language, with what was filled in and what was wrong."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core.problems import FieldError
from app.phone_page import forms
from app.phone_page.forms import Form
from app.phone_page.languages import Language
from app.questionnaires.answerable import Answerable, Answered, answerable, options_of
from app.questionnaires.ordering import shuffled
from app.questionnaires.schemas import (
    Date,
    Definition,
    Matrix,
    MultipleChoice,
    Note,
    Number,
    Question,
    Rating,
    SingleChoice,
    TextQuestion,
)
from app.questionnaires.visibility import AllOf, Condition

_ANSWERS = "/answers/"


@dataclass(frozen=True, slots=True)
class Shown:
    """One block as the template writes it: mostly a question, or what stands above some."""

    type: str
    """That of what it asks; else `note`, `page` or `matrix`, which ask nothing."""
    label: str
    hints: list[str]
    condition: str | None
    """Its `visible_if` as JSON, for the script."""
    code: str = ""
    within: str | None = None
    """Of a matrix' row: the matrix' own label, for those who hear the page."""
    required: bool = False
    options: tuple[tuple[str, str, bool, bool], ...] = ()
    """Of a choice or rating: value, label, whether it is chosen, whether it stands alone."""
    value: str = ""
    """Of a number, day or text: what was filled in."""
    error: str | None = None
    missing: str | None = None
    """Of what is required: what is said where there is no answer."""
    max_length: int | None = None
    beside: bool = False
    """Whether it is a line of text that goes with an option."""
    keyboard: str = "text"
    """The phone's keyboard that will do."""
    measure: str | None = None
    least: str | None = None
    most: str | None = None
    """Of a day: the first and the last."""

    @property
    def anchor(self) -> str:
        """The id of its first field."""
        return f"q-{self.code}"


def shown(
    definition: Definition,
    language: Language,
    form: Form | None,
    errors: Sequence[FieldError],
    submission_id: UUID,
) -> list[Shown]:
    """All that is asked, with the form's contents where there is one, and what stands between."""
    wrong = {error.pointer.removeprefix(_ANSWERS): error.code for error in errors}
    parts: dict[int, list[Answerable]] = {}
    for part in answerable(definition):
        parts.setdefault(part.number, []).append(part)
    blocks: list[Shown] = []
    page = None
    for number, question in enumerate(definition.questions):
        if question.page != page:
            page = question.page
            blocks += _page(definition, page, language)
        blocks += _above(question, language)
        for part in parts.get(number, []):
            asking = _Asking(definition, language, form, wrong, submission_id)
            blocks.append(_shown(asking, question, part))
    return blocks


def unplaced(definition: Definition, language: Language, errors: Sequence[FieldError]) -> list[str]:
    """What is wrong with no question of the page in particular."""
    codes = {part.asked.code for part in answerable(definition)}
    return list(
        dict.fromkeys(
            language.texts.get(f"error_{error.code}", language.texts["error_other"])
            for error in errors
            if error.pointer.removeprefix(_ANSWERS) not in codes
        )
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    """In which language, of whom, and what was filled in."""

    definition: Definition
    language: Language
    form: Form | None
    wrong: Mapping[str, str]
    submission_id: UUID


def _page(definition: Definition, code: str | None, language: Language) -> Iterator[Shown]:
    if code in definition.pages:
        texts = definition.pages[code]
        hints = [language.of(texts.intro)] if texts.intro else []
        yield Shown("page", language.of(texts.title), hints, None)


def _above(question: Question, language: Language) -> Iterator[Shown]:
    """A note, or what stands above the rows of a matrix."""
    if isinstance(question, Note | Matrix):
        hints = [language.of(question.hint)] if question.hint else []
        condition = _condition((question.visible_if,) if question.visible_if else ())
        yield Shown(question.type, language.of(question.label), hints, condition)


def _condition(conditions: Sequence[Condition]) -> str | None:
    if not conditions:
        return None
    whole = conditions[0] if len(conditions) == 1 else AllOf(all=list(conditions))
    return json.dumps(whole.model_dump(by_alias=True))


def _shown(asking: _Asking, question: Question, part: Answerable) -> Shown:
    asked, language = part.asked, asking.language
    given = asking.form.given(asked.code) if asking.form else []
    wrong = asking.wrong.get(asked.code)
    beside = asked is not question and isinstance(asked, TextQuestion)
    label, within = language.of(asked.label), None
    if beside:
        label = language.texts["please_say"].format(option=label)
    if isinstance(question, Matrix):
        within = label
        row = asked.code.removeprefix(f"{question.code}.")
        label = next(language.of(one.label) for one in question.rows if one.value == row)
    hint = [language.of(question.hint)] if question.hint and asked is question else []
    return Shown(
        code=asked.code,
        type=asked.type,
        label=label,
        within=within,
        hints=hint + _rule(asked, language),
        required=asked.required,
        condition=_condition(part.conditions),
        options=_options(asking, asked, given),
        value=forms.showable(given[0]) if given else "",
        error=_message(asking, asked, wrong) if wrong else None,
        missing=_message(asking, asked, "required") if asked.required else None,
        max_length=asked.max_length if isinstance(asked, TextQuestion) else None,
        beside=beside,
        keyboard=_keyboard(asked),
        measure=language.of(asked.measure) if isinstance(asked, Number) and asked.measure else None,
        least=asked.min if isinstance(asked, Date) else None,
        most=asked.max if isinstance(asked, Date) else None,
    )


def _keyboard(asked: Answered) -> str:
    # Not every phone's keyboard of digits has a minus.
    if not isinstance(asked, Number) or (asked.min is not None and asked.min < 0):
        return "text"
    return "numeric" if asked.whole and asked.min is not None else "decimal"


def _options(
    asking: _Asking, asked: Answered, given: list[str]
) -> tuple[tuple[str, str, bool, bool], ...]:
    if isinstance(asked, SingleChoice | MultipleChoice):
        options = options_of(asking.definition, asked)
        if asked.random_order:
            options = shuffled(options, asking.submission_id, asked.code)
        alone = isinstance(asked, MultipleChoice)
        return tuple(
            (one.value, asking.language.of(one.label), one.value in given, alone and one.exclusive)
            for one in options
        )
    if isinstance(asked, Rating):
        steps = map(str, range(asked.min, asked.max + 1))
        return tuple((step, step, step in given, False) for step in steps)
    return ()


def _rule(question: Answered, language: Language) -> list[str]:
    """What the page says of the answers that a question takes."""
    match question:
        case MultipleChoice():
            name = "choose_up_to" if question.max_selected else "choose_any"
        case Number():
            name = f"number_{_bounds(question)}"
        case Date():
            name = f"date_{_bounds(question)}"
        case Rating():
            name = "rating_between"
        case TextQuestion():
            name = "text_up_to"
        case _:
            name = ""
    text = language.texts.get(name)
    return [text.format(**_limits(question))] if text else []


def _message(asking: _Asking, question: Answered, code: str) -> str:
    names = [f"error_{code}_{question.type}", f"error_{code}", "error_other"]
    if code == "out_of_range" and isinstance(question, Number):
        names.insert(0, f"error_number_{_bounds(question)}")
    if code == "out_of_range" and isinstance(question, Date):
        names.insert(0, f"error_date_{_bounds(question)}")
    texts = asking.language.texts
    text = next(texts[name] for name in names if name in texts)
    option = _alone(asking, question) if code == "not_alone" else ""
    return text.format(**_limits(question), option=option)


def _alone(asking: _Asking, question: Answered) -> str:
    """The option that stands alone and was chosen, where one was."""
    given = asking.form.given(question.code) if asking.form else []
    options = _options(asking, question, given)
    return next((label for _, label, chosen, alone in options if chosen and alone), "")


def _bounds(question: Number | Date) -> str:
    if question.min is not None and question.max is not None:
        return "between"
    if question.min is not None:
        return "from"
    return "up_to" if question.max is not None else "any"


def _limits(question: Answered) -> dict[str, str]:
    match question:
        case MultipleChoice():
            return {"max": str(question.max_selected)}
        case Number() | Rating():
            return {"min": _plain(question.min), "max": _plain(question.max)}
        case Date():
            return {"min": question.min or "", "max": question.max or ""}
        case TextQuestion():
            return {"max": str(question.max_length)}
        case _:
            return {}


def _plain(number: float | None) -> str:
    if number is None:
        return ""
    return str(int(number) if float(number).is_integer() else number)
