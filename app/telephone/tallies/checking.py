"""Whether counts can be true: each row against the campaign and its own arithmetic."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.core.problems import FieldError, pointer
from app.questionnaires.answerable import answerable
from app.questionnaires.layout import Place
from app.questionnaires.schemas import MultipleChoice
from app.responses.directory import Population, Rules
from app.telephone.tallies.schemas import TallyRowIn

UNKNOWN_UNIT = "not_found"
_CLOSED = frozenset({"single_choice", "multiple_choice", "rating"})


@dataclass(frozen=True, slots=True)
class Row:
    """One row, checked: its unit and population found, its counts in the cells of the layout."""

    index: int
    """Its place among the rows of the request."""
    unit: str
    unit_id: int
    population: int
    respondents: int
    cells: list[int]


@dataclass(frozen=True, slots=True)
class _Closed:
    """A question that can be counted."""

    place: Place
    numbers: Mapping[str, int]
    """The cell of each option."""
    most: int
    """How many options one person may choose."""


class Countable:
    """What can be counted of one population."""

    def __init__(self, population: Population) -> None:
        questionnaire = population.questionnaire
        layout = questionnaire.validator.layout
        self.position = population.position
        self._width = len(layout.cells)
        self._closed: dict[str, _Closed] = {}
        self._open: set[str] = set()
        places = zip(answerable(questionnaire.definition), layout.places, strict=True)
        for (asked, *_), place in places:
            if place.type not in _CLOSED:
                self._open.add(place.code)
                continue
            first, most = place.first, 1
            if isinstance(asked, MultipleChoice):
                first, most = place.first + 1, asked.max_selected or len(place.values)
            numbers = {value: first + n for n, value in enumerate(place.values)}
            self._closed[place.code] = _Closed(place, numbers, most)

    def cells(self, sent: TallyRowIn) -> tuple[list[int], list[FieldError]]:
        """The counts by cell, and everything that is wrong; pointers are into the row."""
        cells = [0] * self._width
        errors: list[FieldError] = []
        for code, counts in sent.counts.items():
            asked = self._closed.get(code)
            if asked is None:
                errors.append(self._uncountable(code))
                continue
            errors += _fill(cells, sent, code, counts, asked)
        for code in sent.answered.keys() - sent.counts.keys():
            message = "Say how many answered a question only together with its counts."
            errors.append(FieldError(pointer(["answered", code]), "without_counts", message))
        return cells, errors

    def _uncountable(self, code: str) -> FieldError:
        where = pointer(["counts", code])
        if code in self._open:
            message = "Leave it out: numbers, dates and texts are not counted by option."
            return FieldError(where, "not_closed", message)
        message = "Give the code of a question of the population's questionnaire version; a row "
        return FieldError(where, "unknown_question", message + "of a matrix is `code.row`.")


def _fill(
    cells: list[int], sent: TallyRowIn, code: str, counts: Mapping[str, int], asked: _Closed
) -> Iterator[FieldError]:
    """Put one question's counts into their cells; yields what is wrong with them."""
    known = True
    for value, number in counts.items():
        where = pointer(["counts", code, value])
        cell = asked.numbers.get(value)
        if cell is None:
            known = False
            yield FieldError(where, "not_an_option", "Give the value of one of its options.")
            continue
        cells[cell] = number
        if number > sent.respondents:
            message = "No more persons than `respondents` can have chosen it."
            yield FieldError(where, "above_respondents", message)
    together, largest = sum(counts.values()), max(counts.values(), default=0)
    if largest <= sent.respondents and together > sent.respondents * asked.most:
        message = "Its counts together are more than `respondents` can have chosen."
        yield FieldError(pointer(["counts", code]), "sum_above_respondents", message)
    answered = sent.answered.get(code)
    if answered is not None and known:
        yield from _answered(sent, code, answered, together, largest, asked)
    if asked.place.type == "multiple_choice":
        likely = min(together, sent.respondents)
        cells[asked.place.first] = likely if answered is None else answered


def _answered(
    sent: TallyRowIn, code: str, answered: int, together: int, largest: int, asked: _Closed
) -> Iterator[FieldError]:
    where = pointer(["answered", code])
    if asked.place.type != "multiple_choice":
        message = "Leave it out: of this question it is the sum of its counts."
        yield FieldError(where, "not_multiple_choice", message)
    elif answered > min(sent.respondents, together):
        message = "It must not be above `respondents`, nor above the sum of the counts."
        yield FieldError(where, "too_many_answered", message)
    elif answered < largest or answered * asked.most < together:
        message = "So few persons cannot have made so many choices."
        yield FieldError(where, "too_few_answered", message)


class Checking:
    """The check of one batch, row by row."""

    def __init__(self, rules: Rules, units: Mapping[str, int]) -> None:
        """`units`: the ids of those that may be counted for."""
        self._units = units
        self._countable = {one.code: Countable(one) for one in rules.populations}
        self._seen: set[tuple[str, str]] = set()

    def row(self, sent: TallyRowIn, index: int) -> tuple[Row | None, Sequence[FieldError]]:
        """The row checked, or everything that is wrong with it, with pointers into the body."""
        errors: list[FieldError] = []
        unit_id = self._units.get(sent.unit)
        if unit_id is None:
            message = "Give the code of a unit in the campaign's region and in your subtree."
            errors.append(FieldError("/unit", UNKNOWN_UNIT, message))
        countable = self._countable.get(sent.population)
        cells: list[int] = []
        if countable is None:
            message = "Give the code of one of the campaign's populations."
            errors.append(FieldError("/population", "unknown_population", message))
        else:
            cells, wrong = countable.cells(sent)
            errors += wrong
        if (sent.unit, sent.population) in self._seen:
            message = "Send each unit and population once in a batch."
            errors.append(FieldError("", "repeated", message))
        self._seen.add((sent.unit, sent.population))
        if errors or unit_id is None or countable is None:
            here = pointer(["rows", index])
            return None, [FieldError(here + one.pointer, one.code, one.message) for one in errors]
        return Row(index, sent.unit, unit_id, countable.position, sent.respondents, cells), ()
