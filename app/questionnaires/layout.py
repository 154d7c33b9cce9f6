"""Where each answer of a published version is stored.

A response's closed answers are a string of bytes, one slot of it or more for each question, in
the order of the questionnaire; 0 is always unanswered. What a slot's values mean:

    single_choice    1 slot: the option's position, from 1
    multiple_choice  1 slot: 1 when answered; then a bit for each option, eight in a slot
    rating           1 slot: the rating less the lowest, from 1
    number, text     1 slot: 1 when answered; the value itself is stored apart

So a count of (slot, value) pairs over many responses is all that rates and shares need, and a
slot never has to be read together with another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from app.questionnaires.schemas import (
    CountsAs,
    Definition,
    MultipleChoice,
    Note,
    Number,
    Option,
    Question,
    Rating,
    SingleChoice,
    TextQuestion,
)

QuestionType = Literal["single_choice", "multiple_choice", "rating", "number", "text"]
BITS = 8
LARGEST = 1e12
"""A number without bounds of its own still lies within ± this."""


@dataclass(frozen=True)
class Place:
    """Where one question's answers are stored, and what it takes to count them."""

    code: str
    type: QuestionType
    slot: int
    """Its first slot."""
    position: int
    """Its position among the numeric questions, or among the texts; else 0."""
    values: tuple[str, ...]
    """The values of its options or ratings, in order; empty for numbers and texts."""
    counts_as: Mapping[str, CountsAs]
    """What the options count as, where they say."""
    indicator: bool

    @property
    def size(self) -> int:
        """How many slots it takes."""
        if self.type == "multiple_choice":
            return 1 + -(-len(self.values) // BITS)
        return 1

    def answered(self, counted: Mapping[tuple[int, int], int]) -> int:
        """Persons who answered it, from counts by (slot, value)."""
        return sum(n for (slot, value), n in counted.items() if slot == self.slot and value)

    def counts(self, counted: Mapping[tuple[int, int], int]) -> dict[str, int]:
        """Votes for each value, zeros included, from counts by (slot, value)."""
        if self.type != "multiple_choice":
            return {
                value: counted.get((self.slot, number), 0)
                for number, value in enumerate(self.values, start=1)
            }
        votes = dict.fromkeys(self.values, 0)
        for (slot, bits), n in counted.items():
            first = (slot - self.slot - 1) * BITS
            if not self.slot < slot < self.slot + self.size:
                continue
            for offset, value in enumerate(self.values[first : first + BITS]):
                if bits >> offset & 1:
                    votes[value] += n
        return votes


@dataclass(frozen=True)
class Layout:
    """The places of all answerable questions of one version."""

    places: tuple[Place, ...]
    size: int
    """Slots in all: the length of a response's closed answers."""
    numbers: int
    texts: int


def options_of(definition: Definition, question: SingleChoice | MultipleChoice) -> list[Option]:
    """The options of a choice, from its scale or its own. Errors: KeyError for no such scale."""
    if question.scale is not None:
        return definition.scales[question.scale]
    return question.options or []


def values_of(
    definition: Definition, question: SingleChoice | MultipleChoice | Rating
) -> tuple[str, ...]:
    """The values that answers to it are counted by, in order. Errors: as `options_of`."""
    if isinstance(question, Rating):
        return tuple(str(value) for value in range(question.min, question.max + 1))
    return tuple(option.value for option in options_of(definition, question))


def range_of(question: Number) -> tuple[float, float]:
    """The least and the largest number that it takes."""
    least = -LARGEST if question.min is None else question.min
    most = LARGEST if question.max is None else question.max
    return least, most


def layout_of(definition: Definition) -> Layout:
    """Lay out a definition that was checked for publishing."""
    places: list[Place] = []
    size = numbers = texts = 0
    for question in _answerable(definition.questions):
        position = numbers if question.type == "number" else texts
        place = _place(definition, question, slot=size, position=position)
        places.append(place)
        size += place.size
        numbers += question.type == "number"
        texts += question.type == "text"
    return Layout(tuple(places), size, numbers, texts)


def _answerable(
    questions: Iterable[Question],
) -> Iterable[SingleChoice | MultipleChoice | Rating | Number | TextQuestion]:
    return (question for question in questions if not isinstance(question, Note))


def _place(
    definition: Definition,
    question: SingleChoice | MultipleChoice | Rating | Number | TextQuestion,
    *,
    slot: int,
    position: int,
) -> Place:
    values: tuple[str, ...] = ()
    counts_as: dict[str, CountsAs] = {}
    if isinstance(question, SingleChoice | MultipleChoice | Rating):
        values = values_of(definition, question)
    if isinstance(question, SingleChoice | MultipleChoice):
        options = options_of(definition, question)
        counts_as = {one.value: one.counts_as for one in options if one.counts_as}
    return Place(
        code=question.code,
        type=question.type,
        slot=slot,
        position=position if question.type in ("number", "text") else 0,
        values=values,
        counts_as=counts_as,
        indicator=isinstance(question, SingleChoice) and question.indicator,
    )
