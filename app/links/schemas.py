"""What goes in and out about links and invitations."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.schemas import Body, Code, Reply
from app.units.schemas import Kind

MAX_UNITS = 20_000
MAX_INVITATIONS = 1_000_000

_Population = Annotated[
    str,
    Field(description="The code of one of the campaign's populations.", examples=["parent"]),
]
_Batch = Annotated[int, Field(description="The batch's number; revoking names it.", examples=[12])]

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
    url: str = Field(
        description="The address of its page, for people.",
        examples=["https://survey.example.cn/s/k7Rw2mXa"],
    )
    unit: str = Field(description="The code of the unit that answers count for.")
    population: _Population
    revoked: bool = Field(description="Whether it was revoked: it no longer takes answers.")


def link_url(code: str, public_url: str) -> str:
    """The address of a link's page."""
    return f"{public_url}/s/{code}"


def link_out(link: Any, public_url: str) -> LinkOut:
    """A link of `queries` as replies show it."""
    return LinkOut(
        code=link.code,
        url=link_url(link.code, public_url),
        unit=link.unit,
        population=link.population,
        revoked=link.revoked,
    )


class LinksOut(Reply):
    """The links that were asked for, in order of their units' codes."""

    items: list[LinkOut] = Field(description="All of them, new or not: one per unit.")


class InvitationsIn(Body):
    """How many invitations, for whom."""

    unit: Code = Field(description="The unit that the answers count for.")
    population: Code = Field(description="The code of one of the campaign's populations.")
    count: int = Field(
        ge=1,
        le=MAX_INVITATIONS,
        strict=True,
        description="How many; with those made before no more than are enrolled, unless `admin`.",
        examples=[1000],
    )


class Invitation(Reply):
    """One invitation: it admits one response."""

    token: str = Field(
        description="The secret that admits the response.",
        examples=["AAAADAAAAABx8Jm2kPzQw4v5n6M"],
    )
    url: str = Field(
        description="The address of its page, for the person invited.",
        examples=["https://survey.example.cn/i/AAAADAAAAABx8Jm2kPzQw4v5n6M"],
    )


class InvitationsOut(Reply):
    """A batch of invitations. The tokens are stored nowhere: keep the reply."""

    batch: _Batch
    items: list[Invitation] = Field(description="As many as were asked for.")


class BatchOut(Reply):
    """A batch of invitations as it stands, without its tokens."""

    batch: _Batch
    unit: str = Field(description="The code of the unit that answers count for.", examples=["S1"])
    population: _Population
    count: int = Field(description="How many invitations it has, used or not.", examples=[1000])
    created_at: datetime = Field(description="When it was made.")
    revoked: bool = Field(description="Whether it was revoked: its tokens admit nothing more.")
    roster: int | None = Field(
        description="The roster whose people it invites; null where it was made by number.",
        examples=[None],
    )


def batch_out(batch: Any) -> BatchOut:
    """A batch of `queries` as replies show it."""
    return BatchOut(
        batch=batch.id,
        unit=batch.unit,
        population=batch.population,
        count=batch.invitations,
        created_at=batch.created_at,
        revoked=batch.revoked,
        roster=batch.roster,
    )
