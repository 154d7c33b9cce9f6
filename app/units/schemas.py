"""What goes in and out about units."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.core.schemas import Body, Code, Reply, Text

Kind = Literal["province", "city", "county", "district", "school", "grade", "class"]
Stage = Literal["kindergarten", "primary", "junior", "senior", "vocational"]
Heads = Annotated[int, Field(ge=0, le=1_500_000_000, strict=True)]
Period = Annotated[
    str,
    StringConstraints(pattern=r"^(19|20|21)\d\d-(autumn|spring)$"),
    Field(description="A semester. 2026-autumn and 2027-spring are school year 2026."),
]
_NAME = Field(max_length=200, examples=["潍城区"])


class UnitIn(Body):
    """A unit, as its bureau describes it."""

    name: Annotated[Text, _NAME]
    kind: Kind = Field(description="Its level in the tree; levels may be skipped.")
    parent: Code | None = Field(None, description="The code of the unit above it.")
    stage: Stage | None = Field(None, description="For schools: the stage that they teach.")
    residents: Heads | None = Field(None, description="Residents, for four-population surveys.")


class EnrolmentIn(Body):
    """Enrolment of one unit in one period."""

    period: Period
    students: Heads | None = Field(None, description="Students enrolled.")
    parents: Heads | None = Field(None, description="Parents, as heads to be surveyed.")
    teachers: Heads | None = Field(None, description="Teachers employed.")


class EnrolmentOut(Reply):
    """Enrolment as it stands."""

    period: str
    students: int | None
    parents: int | None
    teachers: int | None


class UnitOut(Reply):
    """A unit as it stands."""

    code: str
    name: str
    kind: Kind
    parent: str | None
    stage: Stage | None
    residents: int | None


class UnitDetail(UnitOut):
    """A unit with its enrolment, latest period first."""

    enrolment: list[EnrolmentOut]


class ImportOut(Reply):
    """What an import did, or would do."""

    created: int
    updated: int
    unchanged: int


class UnitRow(UnitIn):
    """One row of an import: a unit, and its enrolment where a period is given."""

    code: Code
    period: Period | None = None
    students: Heads | None = None
    parents: Heads | None = None
    teachers: Heads | None = None


class UnitRef(Reply):
    """A unit as other replies name it."""

    code: str
    name: str
