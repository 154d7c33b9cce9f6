"""A published version compiled: answers checked and encoded in one pass, as fast as Python goes."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from app.core.problems import FieldError, pointer
from app.core.schemas import storable
from app.questionnaires import conditions
from app.questionnaires.answerable import Answered, answerable, options_of
from app.questionnaires.layout import BITS, Layout, Place, days_of, layout_of, numbers_of
from app.questionnaires.problems import InvalidAnswers
from app.questionnaires.schemas import (
    Date,
    Definition,
    MultipleChoice,
    Number,
    Rating,
    SingleChoice,
    TextQuestion,
)

MESSAGES = {
    "required": "This question needs an answer.",
    "hidden": "This question is not asked after the other answers: leave it out.",
    "unknown_question": "There is no such question in this version of the questionnaire.",
    "wrong_type": "The answer has the wrong JSON type for this question.",
    "not_an_option": "Choose one of the question's option values.",
    "duplicate_option": "Name each option once.",
    "too_many": "Fewer options may be chosen: see max_selected.",
    "not_alone": "This option stands alone: choose it, or the others.",
    "out_of_range": "The answer is outside the question's min and max.",
    "not_whole": "Give a whole number.",
    "not_a_day": "Give a day of the calendar, such as 2026-09-01.",
    "too_long": "The text is longer than the question's max_length.",
    "control_character": "The text must not hold control characters such as NUL.",
}


class Encoded(msgspec.Struct, frozen=True, gc=False):
    """Answers as they are stored; two submissions have the same answers when these are equal."""

    answers: bytes
    numbers: tuple[float | None, ...] | None
    texts: tuple[tuple[int, str], ...]
    """Text answers with their positions, in order."""


@dataclass(slots=True)
class _Sheet:
    answers: bytearray
    numbers: list[float | None]
    texts: list[tuple[int, str]]


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MAX_UNKNOWN = 50

_Store = Callable[[Any, _Sheet], str | None]
"""Stores one answer on the sheet, or returns the code of what is wrong with it."""


class Validator:
    """The compiled form of one published version. Made once per version and process."""

    def __init__(self, definition: Definition) -> None:
        self.layout: Layout = layout_of(definition)
        self._steps = [
            (
                asked.code,
                asked.required,
                conditions.all_compiled(upon) if upon else None,
                _store_for(definition, asked, place),
            )
            for (asked, upon, _), place in zip(
                answerable(definition), self.layout.places, strict=True
            )
        ]

    def encode(self, answers: Mapping[str, Any], *, require: bool = True) -> Encoded:
        """Check the answers and encode them.

        `require` false waives required questions (partial interviews). Null, a blank text and an
        empty selection are no answer. Errors: InvalidAnswers listing everything that is wrong.
        """
        layout = self.layout
        sheet = _Sheet(bytearray(layout.size), [None] * layout.numbers, [])
        wrong: list[tuple[str, str]] = []
        seen = 0
        for code, required, visible, store in self._steps:
            answer = answers.get(code)
            seen += code in answers
            given = conditions.given(answer)
            if visible is not None and not visible(answers):
                if given:
                    wrong.append((code, "hidden"))
            elif given:
                problem = store(answer, sheet)
                if problem is not None:
                    wrong.append((code, problem))
            elif required and require:
                wrong.append((code, "required"))
        if wrong or seen < len(answers):
            errors = [_error(["answers", code], problem) for code, problem in wrong]
            raise InvalidAnswers(errors=errors + self._unknown(answers))
        told = sheet.numbers.count(None) < layout.numbers
        numbers = tuple(sheet.numbers) if told else None
        return Encoded(bytes(sheet.answers), numbers, tuple(sheet.texts))

    def asked(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """The answers without those to questions that the others hide; for plain forms."""
        kept = dict(answers)
        for code, _, visible, _ in self._steps:
            if code in kept and visible is not None and not visible(kept):
                del kept[code]
        return kept

    def decode(self, encoded: Encoded) -> dict[str, Any]:
        """The answers as they were given, in canonical form: what `encode` undoes."""
        answers: dict[str, Any] = {}
        texts = dict(encoded.texts)
        for place in self.layout.places:
            stored = encoded.answers[place.slot]
            if not stored:
                continue
            if place.type == "single_choice":
                answers[place.code] = place.values[stored - 1]
            elif place.type == "rating":
                answers[place.code] = int(place.values[stored - 1])
            elif place.type == "multiple_choice":
                answers[place.code] = _selected(place, encoded.answers)
            elif place.type == "text":
                if place.position in texts:  # else it was erased
                    answers[place.code] = texts[place.position]
            elif encoded.numbers is not None:
                number = encoded.numbers[place.position]
                answers[place.code] = _day(number) if place.type == "date" else _plain(number)
        return answers

    def _unknown(self, answers: Mapping[str, Any]) -> list[FieldError]:
        known = {code for code, *_ in self._steps}
        unknown = (code for code in answers if code not in known)
        # Other people's words can be anything: only what could be a code is named, and not
        # thousands of them.
        return [
            _error(["answers", code] if _CODE.fullmatch(code) else ["answers"], "unknown_question")
            for code in itertools.islice(unknown, _MAX_UNKNOWN)
        ]


def _error(path: list[str], problem: str) -> FieldError:
    return FieldError(pointer(path), problem, MESSAGES[problem])


def _selected(place: Place, stored: bytes) -> list[str]:
    bits = int.from_bytes(stored[place.slot + 1 : place.slot + place.size], "little")
    return [value for number, value in enumerate(place.values) if bits >> number & 1]


def _plain(number: float | None) -> float | None:
    return int(number) if number is not None and number.is_integer() else number


def _day(number: float | None) -> str | None:
    return None if number is None else date.fromordinal(int(number)).isoformat()


def _store_for(definition: Definition, question: Answered, place: Place) -> _Store:
    match question:
        case SingleChoice():
            return _store_single(place)
        case MultipleChoice():
            alone = {one.value for one in options_of(definition, question) if one.exclusive}
            return _store_multiple(place, question.max_selected or len(place.values), alone)
        case Rating():
            return _store_rating(place.slot, question.min, question.max)
        case Number():
            return _store_number(place, *numbers_of(question), whole=question.whole)
        case Date():
            return _store_date(place, *days_of(question))
        case TextQuestion():
            return _store_text(place, question.max_length)


def _store_single(place: Place) -> _Store:
    slot = place.slot
    numbers = {value: number for number, value in enumerate(place.values, start=1)}

    def store(answer: Any, sheet: _Sheet) -> str | None:
        if not isinstance(answer, str):
            return "wrong_type"
        number = numbers.get(answer)
        if number is None:
            return "not_an_option"
        sheet.answers[slot] = number
        return None

    return store


def _store_multiple(place: Place, most: int, alone: set[str]) -> _Store:
    slot = place.slot
    numbers = {value: number for number, value in enumerate(place.values)}

    def store(answer: Any, sheet: _Sheet) -> str | None:
        if not isinstance(answer, list) or not all(isinstance(one, str) for one in answer):
            return "wrong_type"
        if any(one not in numbers for one in answer):
            return "not_an_option"
        if len(set(answer)) < len(answer):
            return "duplicate_option"
        if len(answer) > most:
            return "too_many"
        if len(answer) > 1 and not alone.isdisjoint(answer):
            return "not_alone"
        sheet.answers[slot] = 1
        for one in answer:
            byte, bit = divmod(numbers[one], BITS)
            sheet.answers[slot + 1 + byte] |= 1 << bit
        return None

    return store


def _store_rating(slot: int, lowest: int, highest: int) -> _Store:
    def store(answer: Any, sheet: _Sheet) -> str | None:
        if not isinstance(answer, int) or isinstance(answer, bool):
            return "wrong_type"
        if not lowest <= answer <= highest:
            return "out_of_range"
        sheet.answers[slot] = answer - lowest + 1
        return None

    return store


def _store_number(place: Place, least: float, most: float, *, whole: bool) -> _Store:
    slot, position = place.slot, place.position

    def store(answer: Any, sheet: _Sheet) -> str | None:
        if not isinstance(answer, int | float) or isinstance(answer, bool):
            return "wrong_type"
        if not least <= answer <= most:  # also false for NaN
            return "out_of_range"
        if whole and answer != int(answer):
            return "not_whole"
        sheet.answers[slot] = 1
        sheet.numbers[position] = float(answer) + 0.0  # makes -0.0 zero, which it equals
        return None

    return store


def _store_date(place: Place, first: str, last: str) -> _Store:
    slot, position = place.slot, place.position

    def store(answer: Any, sheet: _Sheet) -> str | None:
        if not isinstance(answer, str):
            return "wrong_type"
        if not _DAY.fullmatch(answer):
            return "not_a_day"
        try:
            day = date.fromisoformat(answer)
        except ValueError:
            return "not_a_day"
        if not first <= answer <= last:
            return "out_of_range"
        sheet.answers[slot] = 1
        sheet.numbers[position] = float(day.toordinal())
        return None

    return store


def _store_text(place: Place, longest: int) -> _Store:
    slot, position = place.slot, place.position

    def store(answer: Any, sheet: _Sheet) -> str | None:
        if not isinstance(answer, str):
            return "wrong_type"
        text = answer.replace("\r\n", "\n").replace("\r", "\n").strip()
        if len(text) > longest:
            return "too_long"
        if not storable(text):
            return "control_character"
        sheet.answers[slot] = 1
        sheet.texts.append((position, text))
        return None

    return store
