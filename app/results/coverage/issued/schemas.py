"""What goes in and out about what was handed out."""

from typing import Literal

from pydantic import Field

from app.core.schemas import Body, Code, Reply
from app.units.schemas import Heads

IssuedChannel = Literal["link", "onsite", "paper"]


class IssuedIn(Body):
    """How many questionnaires were handed out to one population of one unit."""

    unit: Code = Field(
        description="The unit, with all below it: what it states stands in place of what they do.",
        examples=["S1"],
    )
    population: Code = Field(
        description="The code of one of the campaign's populations.", examples=["parent"]
    )
    channel: IssuedChannel = Field(
        description="How: sheets of `paper`, `onsite`, or a `link` that was sent to so many. "
        "Invitations are counted by themselves.",
        examples=["paper"],
    )
    count: Heads | None = Field(
        description="How many in all, not how many more; null takes the statement back.",
        examples=[820],
    )


class IssuedOut(Reply):
    """What a unit states."""

    unit: str = Field(description="The unit's code.", examples=["S1"])
    population: str = Field(description="The population's code.", examples=["parent"])
    channel: IssuedChannel = Field(description="How they were handed out.", examples=["paper"])
    count: int | None = Field(
        description="How many in all; null: nothing is stated.", examples=[820]
    )
