"""What an XLSForm could not be made into: lines of a report, and what refuses the whole file."""

from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import Field

from app.core.problems import FieldError, pointer
from app.core.schemas import Reply
from app.questionnaires.schemas import QuestionnaireOut

MAX_LISTED = 1000
"""Lines of a report, and errors of a refusal."""
_MAX_HEADER = 100


class NotTaken(Reply):
    """A place of the file that the draft says nothing of, or not all of it."""

    sheet: str = Field(description="The sheet.", examples=["survey"])
    row: int = Field(description="The row, as a spreadsheet numbers it.", examples=[12])
    column: str = Field(
        description="The column's letter and its header, or that of the two which it has.",
        examples=["F (appearance)"],
    )
    message: str = Field(description="What was not taken, and what to do instead.")


class Report(Reply):
    """What became of an XLSForm."""

    taken: int = Field(description="How many questions the draft has of it.", examples=[12])
    not_taken: list[NotTaken] = Field(
        description=f"Every place that was left out in whole or in part: the first {MAX_LISTED}, "
        "in the order of the file."
    )
    not_listed: int = Field(description="How many more there are than are listed.", examples=[0])


class XlsformOut(QuestionnaireOut):
    """The draft that an XLSForm made, and what could not be taken of it."""

    report: Report


class Place(NamedTuple):
    """A cell of the file."""

    sheet: str
    row: int
    letter: str
    header: str


@dataclass
class Findings:
    """What was found while a file was read."""

    errors: list[FieldError] = field(default_factory=list)
    lines: list[tuple[Place, str]] = field(default_factory=list)
    _refused: set[str] = field(default_factory=set)

    def refuse(self, place: Place, code: str, message: str) -> None:
        """Nothing sensible can be made of this place, and so of the file."""
        at = _pointer(place)
        self._refused.add(at)
        self.errors.append(FieldError(at, code, message))

    def refused(self, place: Place) -> bool:
        """Whether something is wrong with this place already."""
        return _pointer(place) in self._refused

    def leave(self, place: Place, message: str) -> None:
        """The draft goes without this."""
        self.lines.append((place, message))

    def report(self, taken: int) -> Report:
        """The lines as they are replied, in the order of the file."""
        order = {"survey": 0, "choices": 1, "settings": 2}
        lines = sorted(self.lines, key=lambda line: (order.get(line[0].sheet, 3), line[0].row))
        listed = [
            NotTaken(sheet=one.sheet, row=one.row, column=_column(one), message=message)
            for one, message in lines[:MAX_LISTED]
        ]
        return Report(taken=taken, not_taken=listed, not_listed=len(lines) - len(listed))


def _pointer(place: Place) -> str:
    return pointer((place.sheet, place.row, place.header or place.letter))


def _column(place: Place) -> str:
    header = place.header[:_MAX_HEADER]
    return f"{place.letter} ({header})" if place.letter and header else place.letter or header
