"""What goes in and out about links and invitations."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.schemas import Body, Code, Reply
from app.units.schemas import Kind

MAX_UNITS = 20_000
MAX_INVITATIONS = 1_000_000

LinkCode = Annotated[str, Field(examples=["k7Rw2mXa"])]


class LinksIn(Body):
    """Which links are wanted: for units by name, or for all of one kind within a unit."""

    population: Code = Field(description="The code of one of the campaign's populations.")
    units: Annotated[list[Code], Field(min_length=1, max_length=MAX_UNITS)] | None = Field(
        None, description="The codes of units; or else `level` and `within`."
    )
    level: Kind | None = Field(None, description="A link for each unit of this kind …")
    within: Code | None = Field(None, description="… that is this unit or lies below it.")

    @model_validator(mode="after")
    def _one_way(self) -> "LinksIn":
        by_level = (self.level is not None, self.within is not None)
        if by_level != ((self.units is None),) * 2:
            raise PydanticCustomError("which_units", "Give either units, or level and within.")
        return self


class LinkOut(Reply):
    """A link as it stands."""

    code: LinkCode = Field(description="Its own name, as the address holds it.")
    url: str = Field(examples=["https://survey.example.cn/s/k7Rw2mXa"])
    unit: str = Field(description="The code of the unit that answers count for.")
    population: str
    revoked: bool = Field(description="Whether it was revoked: it no longer takes answers.")


class LinksOut(Reply):
    """The links that were asked for, in order of their units' codes."""

    items: list[LinkOut]


class InvitationsIn(Body):
    """How many invitations, for whom."""

    unit: Code = Field(description="The unit that the answers count for.")
    population: Code = Field(description="The code of one of the campaign's populations.")
    count: int = Field(ge=1, le=MAX_INVITATIONS, strict=True)


class Invitation(Reply):
    """One invitation: it admits one response."""

    token: str
    url: str


class InvitationsOut(Reply):
    """A batch of invitations. The tokens are stored nowhere: keep the reply."""

    batch: int
    items: list[Invitation]


class BatchOut(Reply):
    """A batch of invitations as it stands, without its tokens."""

    batch: int
    unit: str
    population: str
    count: int
    created_at: datetime
    revoked: bool = Field(description="Whether it was revoked: its tokens admit nothing more.")
