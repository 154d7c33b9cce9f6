"""The variables of a questionnaire: a column for each answer, and how it is read from the rows."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from app.exports.columns import Coded, Column, Kind, Values, distinct, plain
from app.exports.conditions import in_words
from app.questionnaires.answerable import Answerable, answerable, options_of
from app.questionnaires.layout import BITS, Layout, Place
from app.questionnaires.schemas import (
    Definition,
    Matrix,
    MultipleChoice,
    Number,
    Option,
    SingleChoice,
)

_BREAKS = re.compile(r"\s+")


class Stored(NamedTuple):
    """The answers of some responses as the ledger has them."""

    answers: Sequence[bytes]
    numbers: Sequence[Sequence[float | None] | None]
    texts: Sequence[Mapping[int, str]]
    """By position among the version's texts."""


class Variable(NamedTuple):
    """A column, and what reads its values."""

    column: Column
    read: Callable[[Stored], Values]


def variables(
    definition: Definition, layout: Layout, *, reserved: Sequence[str], labels: str | None
) -> list[Variable]:
    """A variable for each answer, and one for each option of a multiple choice.

    `reserved`: names that are taken. `labels`: the locale whose labels stand for the options of a
    single choice; None: their values do. A missing translation is that of the default locale.
    """
    found = [
        variable
        for one, place in zip(answerable(definition), layout.places, strict=True)
        for variable in _variables(definition, one, place, labels)
    ]
    names = distinct([*reserved, *(one.column.name for one in found)])[len(reserved) :]
    return [
        one._replace(column=replace(one.column, name=name))
        for one, name in zip(found, names, strict=True)
    ]


def _variables(
    definition: Definition, one: Answerable, place: Place, labels: str | None
) -> Iterator[Variable]:
    column = _column(definition, one, place)
    match place.type:
        case "single_choice":
            values = _coded(definition, one.asked, place)
            shown = distinct(
                plain(_said(coded.label, labels, definition)) if labels else coded.value
                for coded in values
            )
            kept = replace(column, kind="category", categories=shown, values=values)
            yield Variable(kept, _chosen(place))
        case "rating":
            least = int(place.values[0])
            ends = replace(column, kind="integer", least=place.values[0], most=place.values[-1])
            yield Variable(ends, _rated(place, least))
        case "multiple_choice":
            coded = _coded(definition, one.asked, place)
            for number, option in enumerate(coded):
                yield Variable(_ticked(column, option), _tick(place, number))
        case "number":
            whole = isinstance(one.asked, Number) and one.asked.whole
            kept = _bounded(column, place, "integer" if whole else "number")
            yield Variable(kept, _number(place, int if whole else float))
        case "date":
            yield Variable(_bounded(column, place, "day"), _number(place, _day))
        case "text":
            yield Variable(column, _text(place))


def _column(definition: Definition, one: Answerable, place: Place) -> Column:
    """The column of a text; what else it is stands in its place."""
    question = definition.questions[one.number]
    part = place.code.removeprefix(f"{question.code}.")
    name, label = place.code, dict(question.label)
    if isinstance(question, Matrix):
        rows = {row.value: row.label for row in question.rows}
        label = _joined(label, rows[part], definition)
    elif place.code != question.code:
        # A 0/1 column may have the very code of the text that goes with its option.
        name, label = f"{place.code}.text", _joined(label, one.asked.label, definition)
    return Column(
        name=name,
        kind="text",
        label={locale: _line(text) for locale, text in label.items()},
        question=place.code,
        type=place.type,
        page=question.page or "",
        required=one.asked.required,
        visible_if=in_words(one.conditions),
    )


def _joined(
    label: Mapping[str, str], part: Mapping[str, str], definition: Definition
) -> dict[str, str]:
    locales = dict.fromkeys([*label, *part])
    return {
        one: f"{_said(label, one, definition)} – {_said(part, one, definition)}" for one in locales
    }


def _said(text: Mapping[str, str], locale: str, definition: Definition) -> str:
    return _line(
        text.get(locale) or text.get(definition.default_locale) or next(iter(text.values()))
    )


def _line(text: str) -> str:
    return _BREAKS.sub(" ", plain(text)).strip()


def _coded(definition: Definition, asked: object, place: Place) -> tuple[Coded, ...]:
    assert isinstance(asked, SingleChoice | MultipleChoice)
    options: list[Option] = options_of(definition, asked)
    return tuple(
        Coded(
            one.value,
            {locale: _line(text) for locale, text in one.label.items()},
            one.counts_as or "",
        )
        for one in options
    )


def _ticked(column: Column, option: Coded) -> Column:
    locales = dict.fromkeys([*column.label, *option.label])
    label = {
        locale: " – ".join(filter(None, (column.label.get(locale), option.label.get(locale))))
        for locale in locales
    }
    values = (
        Coded("0", {"zh-CN": "未选", "en": "not chosen"}),
        Coded("1", {"zh-CN": "选了", "en": "chosen"}, option.counts_as),
    )
    name = f"{column.question}.{option.value}"
    return replace(column, name=name, kind="flag", label=label, values=values)


def _bounded(column: Column, place: Place, kind: Kind) -> Column:
    assert place.bounds is not None
    least, most = (f"{bound:.15g}" if isinstance(bound, float) else bound for bound in place.bounds)
    return replace(column, kind=kind, least=least, most=most)


def _chosen(place: Place) -> Callable[[Stored], Values]:
    slot = place.slot
    table = [None, *range(len(place.values))]
    return lambda stored: [table[answers[slot]] for answers in stored.answers]


def _rated(place: Place, least: int) -> Callable[[Stored], Values]:
    slot = place.slot
    table = [None, *range(least, least + len(place.values))]
    return lambda stored: [table[answers[slot]] for answers in stored.answers]


def _tick(place: Place, number: int) -> Callable[[Stored], Values]:
    byte, bit = divmod(number, BITS)
    slot, at = place.slot, place.slot + 1 + byte
    return lambda stored: [
        (answers[at] >> bit) & 1 if answers[slot] else None for answers in stored.answers
    ]


def _number(place: Place, made: Callable[[float], object]) -> Callable[[Stored], Values]:
    position = place.position
    return lambda stored: [
        None if one is None or (number := one[position]) is None else made(number)
        for one in stored.numbers
    ]


def _day(number: float) -> date:
    return date.fromordinal(int(number))


def _text(place: Place) -> Callable[[Stored], Values]:
    position = place.position
    return lambda stored: [
        None if (text := texts.get(position)) is None else plain(text) for texts in stored.texts
    ]


def asked(definition: Definition, layout: Layout) -> tuple[Coded, ...]:
    """All that takes answers, by the codes that results name it by, with its label."""
    return tuple(
        Coded(place.code, _column(definition, one, place).label)
        for one, place in zip(answerable(definition), layout.places, strict=True)
    )
