"""A definition written as an XLSForm, which makes the same definition again.

What XLSForm has no word for stands in columns whose headers begin with `xinsheng_`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.core.problems import FieldError
from app.core.workbook_writing import MAX_CELL, workbook_of
from app.questionnaires import publishing
from app.questionnaires.answerable import options_of
from app.questionnaires.problems import XlsformNotWritable
from app.questionnaires.schemas import (
    Definition,
    Matrix,
    MultipleChoice,
    Note,
    Number,
    Option,
    Question,
    Rating,
    SingleChoice,
)
from app.questionnaires.xlsform.choices import with_other
from app.questionnaires.xlsform.conditions import relevant_of, says_all
from app.questionnaires.xlsform.constraints import constraint_of
from app.questionnaires.xlsform.languages import header_language
from app.questionnaires.xlsform.names import Given, Known, Names

Json = dict[str, Any]
Cells = dict[str, str]
"""The cells of a row by their headers."""
_IN_THE_WAY = {
    *("too_large", "too_complex", "too_many_options", "duplicate_code", "duplicate_value"),
    *("scale_or_options", "unknown_scale", "split_page", "unknown_page"),
    "code_too_long",
}
"""What keeps a draft from being written: rows would be ambiguous, or not XLSForm's."""
_FIRST = {
    "survey": ["type", "name"],
    "choices": ["list_name", "name"],
    "settings": ["form_title", "form_id", "version", "default_language"],
}
_TYPES = {"rating": "range", "date": "date", "text": "text", "note": "note"}


def xlsform_of(definition: Definition, code: str, version: int | None) -> bytes:
    """A workbook with the sheets survey, choices and settings; the version None of a draft.

    Errors: XlsformNotWritable with pointers into the definition.
    """
    errors = [one for one in publishing.refusals(definition) if one.code in _IN_THE_WAY]
    if errors:
        raise XlsformNotWritable(errors=errors)
    written = _Written(definition)
    sheets = {
        "survey": list(written.survey()),
        "choices": written.choices,
        "settings": [_settings(definition, code, version)],
    }
    if written.too_long:
        raise XlsformNotWritable(errors=written.too_long)
    return workbook_of({name: _table(name, rows) for name, rows in sheets.items()})


def _table(sheet: str, rows: Sequence[Cells]) -> list[list[str | None]]:
    headers = list(dict.fromkeys([*_FIRST[sheet], *(name for row in rows for name in row)]))
    return [[*headers], *([row.get(name) for name in headers] for row in rows)]


def _settings(definition: Definition, code: str, version: int | None) -> Cells:
    default = definition.default_locale
    cells = {
        "form_title": definition.title.get(default, ""),
        "form_id": code,
        "version": str(version) if version else "",
        "default_language": header_language(default),
    }
    others = {locale: text for locale, text in definition.title.items() if locale != default}
    cells |= _texts("xinsheng_title", others)
    for name in ("intro", "consent", "thanks"):
        cells |= _texts(f"xinsheng_{name}", getattr(definition, name) or {})
    return cells


def _texts(header: str, texts: Mapping[str, str]) -> Cells:
    return {f"{header}::{header_language(locale)}": text for locale, text in texts.items()}


class _Written:
    """The rows of the sheets survey and choices."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._given, self._given_lists = Given(), Given()
        self._names = Names()
        self._question_names: dict[str, str] = {}
        self._scales: dict[str, str] = {}
        self.choices: list[Cells] = []
        self.too_long: list[FieldError] = []
        for code, options in definition.scales.items():
            self._scales[code] = self._list(code, options, {"xinsheng_scale": code})
        # Questions first: their names are what people use, and conditions refer to.
        for question in definition.questions:
            self._name(question)

    def survey(self) -> Iterator[Cells]:
        """The rows of all questions, in groups for pages."""
        page = None
        for number, question in enumerate(self._definition.questions):
            if question.page != page:
                if page is not None:
                    yield {"type": "end_group"}
                page = question.page
                if page is not None:
                    yield self._page(page)
            yield from self._question(number, question)
        if page is not None:
            yield {"type": "end_group"}

    def _name(self, question: Question) -> None:
        code = question.code
        name = self._question_names[code] = self._given.name(code)
        values: tuple[str, ...] = ()
        if isinstance(question, SingleChoice | MultipleChoice | Matrix):
            values = tuple(one.value for one in options_of(self._definition, question))
        if isinstance(question, Matrix):
            for row in question.rows:
                whole = f"{code}.{row.value}"
                part = self._question_names[whole] = self._given.name(f"{name}_{row.value}")
                self._names.add(Known(whole, part, "single_choice", values))
        else:
            whole_number = isinstance(question, Number) and question.whole
            self._names.add(Known(code, name, "whole" if whole_number else question.type, values))

    def _exactly(self, code: str, name: str) -> Cells:
        return {} if name == code else {"xinsheng_code": code}

    def _page(self, code: str) -> Cells:
        name = self._given.name(code)
        cells = {"type": "begin_group", "name": name, "appearance": "field-list"}
        cells |= self._exactly(code, name)
        if texts := self._definition.pages.get(code):
            cells |= _texts("label", texts.title) | _texts("hint", texts.intro or {})
        return cells

    def _question(self, number: int, question: Question) -> Iterator[Cells]:
        name = self._question_names[question.code]
        cells = {"type": "", "name": name}
        cells |= _texts("label", question.label) | _texts("hint", question.hint or {})
        cells |= self._exactly(question.code, name)
        cells |= self._condition(number, question)
        if isinstance(question, Matrix):
            yield from self._matrix(question, cells)
            return
        if question.required:
            cells["required"] = "yes"
        cells |= self._own(question)
        yield cells

    def _own(self, question: Question) -> Cells:
        """What only this type of question has."""
        exclusive: list[str] = []
        cells: Cells = {}
        match question:
            case SingleChoice() | MultipleChoice():
                one = "select_one" if isinstance(question, SingleChoice) else "select_multiple"
                cells["type"] = f"{one} {self._list_of(question)}"
                if question.random_order:
                    cells["parameters"] = "randomize=true"
                if isinstance(question, SingleChoice):
                    cells |= {"xinsheng_indicator": "yes"} if question.indicator else {}
                else:
                    options = options_of(self._definition, question)
                    exclusive = [option.value for option in options if option.exclusive]
            case Number():
                cells["type"] = "integer" if question.whole else "decimal"
                cells |= _texts("xinsheng_measure", question.measure or {})
            case Rating():
                cells["type"] = "range"
                cells["parameters"] = f"start={question.min} end={question.max} step=1"
            case _:
                cells["type"] = _TYPES[question.type]
        if not isinstance(question, Note) and (
            constraint := constraint_of(question.model_dump(), exclusive)
        ):
            cells["constraint"] = constraint if len(constraint) <= MAX_CELL else ""
        return cells

    def _list_of(self, question: SingleChoice | MultipleChoice) -> str:
        if question.scale is not None:
            return self._scales[question.scale]
        options = question.options or []
        listed = [one.model_dump(mode="json") for one in options[:-1]]
        other = with_other(listed, self._definition.default_locale)
        if listed and len(other) == len(options) and other[-1] == options[-1].model_dump():
            return f"{self._list(question.code, options[:-1], {})} or_other"
        return self._list(question.code, options, {})

    def _list(self, code: str, options: Sequence[Option], beside: Cells) -> str:
        name = self._given_lists.name(code)
        for option in options:
            cells = {"list_name": name, "name": option.value, **_texts("label", option.label)}
            if option.counts_as:
                cells["xinsheng_counts_as"] = option.counts_as
            if option.exclusive:
                cells["xinsheng_exclusive"] = "yes"
            if option.text_length is not None:
                cells["xinsheng_text_length"] = str(option.text_length)
            self.choices.append(cells | beside)
        return name

    def _matrix(self, matrix: Matrix, cells: Cells) -> Iterator[Cells]:
        scale = matrix.scale
        name = self._scales[scale] if scale else self._list(matrix.code, matrix.options or [], {})
        cells |= {"type": "begin_group", "appearance": "table-list"}
        if matrix.indicator:
            cells["xinsheng_indicator"] = "yes"
        yield cells
        for row in matrix.rows:
            row_cells = {
                "type": f"select_one {name}",
                "name": self._question_names[f"{matrix.code}.{row.value}"],
                **_texts("label", row.label),
                "xinsheng_code": row.value,
            }
            if matrix.required:
                row_cells["required"] = "yes"
            yield row_cells
        yield {"type": "end_group"}

    def _condition(self, number: int, question: Question) -> Cells:
        condition = question.visible_if
        if condition is None:
            return {}
        relevant = relevant_of(condition, self._names)
        if says_all(relevant, condition, self._names):
            return {"relevant": relevant}
        exactly = condition.model_dump_json(by_alias=True, exclude_none=True)
        if len(exactly) > MAX_CELL:
            message = f"A cell of a spreadsheet holds no condition of more than {MAX_CELL} bytes."
            place = f"/questions/{number}/visible_if"
            self.too_long.append(FieldError(place, "too_long", message))
        return {"relevant": relevant, "xinsheng_visible_if": exactly}
