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
Name = Annotated[Text, Field(max_length=200, description="For people.", examples=["潍城区"])]


Students = Annotated[Heads | None, Field(description="Students enrolled.", examples=[1200])]
Parents = Annotated[
    Heads | None, Field(description="Parents, as heads to be surveyed.", examples=[2100])
]
Teachers = Annotated[Heads | None, Field(description="Teachers employed.", examples=[90])]


class UnitIn(Body):
    """A unit, as its bureau describes it."""

    name: Name
    kind: Kind = Field(description="Its level in the tree; levels may be skipped.")
    parent: Code | None = Field(None, description="The code of the unit above it.")
    stage: Stage | None = Field(None, description="For schools: the stage that they teach.")
    residents: Heads | None = Field(None, description="Residents, for four-population surveys.")


class EnrolmentIn(Body):
    """Enrolment of one unit in one period."""

    period: Period
    students: Students = None
    parents: Parents = None
    teachers: Teachers = None


class EnrolmentOut(Reply):
    """Enrolment as it stands."""

    period: Period
    students: Students
    parents: Parents
    teachers: Teachers


class UnitOut(Reply):
    """A unit as it stands."""

    code: Code
    name: Name
    kind: Kind = Field(description="Its level in the tree.")
    parent: Code | None = Field(description="The code of the unit above it; null at the top.")
    stage: Stage | None = Field(description="For schools: the stage that they teach.")
    residents: int | None = Field(description="Residents, for four-population surveys.")


class UnitDetail(UnitOut):
    """A unit with its enrolment."""

    enrolment: list[EnrolmentOut] = Field(description="By period, the latest first.")


class ImportOut(Reply):
    """What an import did, or would do."""

    created: int = Field(description="Units that are new.")
    updated: int = Field(description="Units that changed, or whose enrolment did.")
    unchanged: int = Field(description="Units that were so already.")


class UnitRow(UnitIn):
    """One row of an import: a unit, and its enrolment where a period is given."""

    code: Code
    period: Period | None = None
    students: Students = None
    parents: Parents = None
    teachers: Teachers = None


class UnitRef(Reply):
    """A unit as other replies name it."""

    code: Code
    name: Name
