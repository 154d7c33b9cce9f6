"""What answers are given to, one by one: matrices taken apart into rows, options with a text of
their own into the choice and that text."""

from collections.abc import Iterator
from typing import NamedTuple

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
    SingleChoice,
    TextQuestion,
)
from app.questionnaires.visibility import Comparison, Condition

Answered = SingleChoice | MultipleChoice | Rating | Number | Date | TextQuestion


class Answerable(NamedTuple):
    """One thing that takes an answer under its code."""

    asked: Answered
    conditions: tuple[Condition, ...]
    """Asked only where all of them hold."""
    number: int
    """The position of the question that it is of."""


def answerable(definition: Definition) -> Iterator[Answerable]:
    """All that takes answers, in the order in which it is asked and stored."""
    for number, question in enumerate(definition.questions):
        conditions = (question.visible_if,) if question.visible_if else ()
        for asked, own in _parts(definition, question):
            yield Answerable(asked, conditions + own, number)


def options_of(
    definition: Definition, question: SingleChoice | MultipleChoice | Matrix
) -> list[Option]:
    """The options of a choice, from its scale or its own; none where there is no such scale."""
    if question.scale is not None:
        return definition.scales.get(question.scale, [])
    return question.options or []


def _parts(
    definition: Definition, question: Question
) -> Iterator[tuple[Answered, tuple[Condition, ...]]]:
    match question:
        case Note():
            return
        case Matrix():
            for row in question.rows:
                yield _row(question, row.value), ()
        case SingleChoice() | MultipleChoice():
            yield question, ()
            for option in options_of(definition, question):
                if option.text_length is not None:
                    chosen = Comparison.model_validate(
                        {"question": question.code, "in": [option.value]}
                    )
                    yield _text(question, option, option.text_length), (chosen,)
        case _:
            yield question, ()


def _row(matrix: Matrix, row: str) -> SingleChoice:
    # Not validated again: a draft's code may be too long together with its row.
    return SingleChoice.model_construct(
        type="single_choice",
        code=f"{matrix.code}.{row}",
        label=matrix.label,
        required=matrix.required,
        scale=matrix.scale,
        options=matrix.options,
        indicator=matrix.indicator,
    )


def _text(question: SingleChoice | MultipleChoice, option: Option, longest: int) -> TextQuestion:
    return TextQuestion.model_construct(
        type="text",
        code=f"{question.code}.{option.value}",
        label=option.label,
        required=False,
        max_length=longest,
    )
