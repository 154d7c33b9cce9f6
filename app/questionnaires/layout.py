"""Where each answer of a published version is stored.

A response's closed answers are a string of bytes, one slot of it or more for each question, in
the order of the questionnaire; 0 is always unanswered. What a slot's values mean:

    single_choice    1 slot: the option's position, from 1
    multiple_choice  1 slot: 1 when answered; then a bit for each option, eight in a slot
    rating           1 slot: the rating less the lowest, from 1
    number, date     1 slot: 1 when answered; the value itself is stored apart, of a date the
                     days since 0001-01-01, which is 1
    text             1 slot: 1 when answered; the text is stored apart

A matrix is as many single choices as it has rows, and the text that goes with an option is a text
question behind its choice: see `answerable`.

What is counted are cells: one for each option or rating, and one for "answered" where the options
don't say it. The numbers of responses in each cell are all that rates and shares need, and a cell
never needs more than one slot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from app.questionnaires.answerable import Answered, answerable, options_of
from app.questionnaires.schemas import (
    Date,
    Definition,
    MultipleChoice,
    Number,
    Rating,
    SingleChoice,
    TextQuestion,
)
from app.questionnaires.texts import CountsAs

QuestionType = Literal["single_choice", "multiple_choice", "rating", "number", "date", "text"]
BITS = 8
LARGEST = 1e12
"""A number without bounds of its own still lies within ± this."""
FIRST_DAY, LAST_DAY = "1900-01-01", "2199-12-31"
"""A date without bounds of its own lies within these."""
_WHOLE = 255
"""The mask of a cell that is about a slot's whole value."""


class Cell(NamedTuple):
    """A response is in a cell when `slot & mask == value`, of its closed answers."""

    slot: int
    mask: int
    value: int


@dataclass(frozen=True)
class Place:
    """Where one question's answers are stored and counted."""

    code: str
    type: QuestionType
    slot: int
    """Its first slot."""
    first: int
    """Its first cell."""
    position: int
    """Its position among numbers and dates, or among the texts; else 0."""
    values: tuple[str, ...]
    """The values of its options or ratings, in order; empty for numbers and texts."""
    counts_as: Mapping[str, CountsAs]
    """What the options count as, where they say."""
    indicator: bool
    bounds: tuple[float, float] | tuple[str, str] | None = None
    """Of a number or date: the least and the most that it takes."""
    most: int | None = None
    """Of a multiple choice: how many may be chosen."""

    @property
    def size(self) -> int:
        """How many slots it takes."""
        if self.type == "multiple_choice":
            return 1 + -(-len(self.values) // BITS)
        return 1

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Its cells: "answered" first, where it takes one of its own; then one for each value."""
        if self.type in ("single_choice", "rating"):
            numbers = range(1, len(self.values) + 1)
            return tuple(Cell(self.slot, _WHOLE, number) for number in numbers)
        cells = [Cell(self.slot, _WHOLE, 1)]
        if self.type == "multiple_choice":
            for number in range(len(self.values)):
                byte, bit = divmod(number, BITS)
                cells.append(Cell(self.slot + 1 + byte, 1 << bit, 1 << bit))
        return tuple(cells)

    def answered(self, counted: Sequence[int]) -> int:
        """Persons who answered it, from the counts of the layout's cells."""
        if self.type in ("single_choice", "rating"):
            return sum(counted[self.first : self.first + len(self.values)])
        return counted[self.first]

    def counts(self, counted: Sequence[int]) -> dict[str, int]:
        """Votes for each value, zeros included, from the counts of the layout's cells."""
        start = self.first + (self.type == "multiple_choice")
        votes = counted[start : start + len(self.values)]
        return dict(zip(self.values, votes, strict=True))


@dataclass(frozen=True)
class Layout:
    """The places of all answerable questions of one version."""

    places: tuple[Place, ...]
    size: int
    """Slots in all: the length of a response's closed answers."""
    numbers: int
    texts: int

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of all places, in order."""
        return tuple(cell for place in self.places for cell in place.cells)


def values_of(
    definition: Definition, question: SingleChoice | MultipleChoice | Rating
) -> tuple[str, ...]:
    """The values that answers to it are counted by, in order."""
    if isinstance(question, Rating):
        return tuple(str(value) for value in range(question.min, question.max + 1))
    return tuple(option.value for option in options_of(definition, question))


def numbers_of(question: Number) -> tuple[float, float]:
    """The least and the largest number that it takes."""
    least = -LARGEST if question.min is None else question.min
    most = LARGEST if question.max is None else question.max
    return least, most


def days_of(question: Date) -> tuple[str, str]:
    """The first and the last day that it takes."""
    return question.min or FIRST_DAY, question.max or LAST_DAY


def layout_of(definition: Definition) -> Layout:
    """Lay out a definition that was checked for publishing."""
    places: list[Place] = []
    size = cells = numbers = texts = 0
    for question, *_ in answerable(definition):
        by_itself = isinstance(question, TextQuestion)
        numeric = isinstance(question, Number | Date)
        position = texts if by_itself else numbers if numeric else 0
        place = _place(definition, question, slot=size, first=cells, position=position)
        places.append(place)
        size += place.size
        cells += len(place.cells)
        numbers += numeric
        texts += by_itself
    return Layout(tuple(places), size, numbers, texts)


def _place(
    definition: Definition, question: Answered, *, slot: int, first: int, position: int
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
        first=first,
        position=position,
        values=values,
        counts_as=counts_as,
        indicator=isinstance(question, SingleChoice) and question.indicator,
        bounds=_bounds(question),
        most=_most(question, values),
    )


def _bounds(question: Answered) -> tuple[float, float] | tuple[str, str] | None:
    if isinstance(question, Number):
        return numbers_of(question)
    return days_of(question) if isinstance(question, Date) else None


def _most(question: Answered, values: Sequence[str]) -> int | None:
    if not isinstance(question, MultipleChoice):
        return None
    return question.max_selected or len(values)
