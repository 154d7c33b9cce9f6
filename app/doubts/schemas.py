"""What goes in and out about doubts."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.core.schemas import Body, Reply, Text
from app.units.schemas import UnitRef

Sign = Literal[
    "fast", "straight", "burst", "network", "devices", "succession", "template", "comment"
]


class SignOut(Reply):
    """A sign, and what it means by the thresholds in force."""

    sign: Sign = Field(description="Its name, as the rows and XINSHENG_QUALITY have it.")
    explanation: dict[str, str] | None = Field(
        description="In words, by language; null where it is switched off.",
        examples=[{"zh-CN": "用时不到…", "en": "answered in less than …"}],
    )
    responses: int = Field(description="Counted responses that have it.", examples=[12])


class DoubtsRow(Reply):
    """The doubtful responses of a unit and population."""

    unit: UnitRef = Field(description="The unit that they were given to.")
    population: str = Field(description="The population's code.", examples=["parent"])
    flagged: int = Field(
        description="Counted responses with any sign; `quality=clean` leaves them out.",
        examples=[14],
    )
    signs: dict[Sign, int] = Field(
        description="How many have which sign; one response can have several.",
        examples=[{"fast": 12, "comment": 5}],
    )


class DoubtsOut(Reply):
    """What is doubtful in a campaign, and why."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    judged_at: datetime | None = Field(
        description="As of when responses were last judged; null where they never were."
    )
    thresholds: dict[str, float | None] = Field(
        description="By what they were judged, by the names of XINSHENG_QUALITY; null: that sign "
        "is switched off.",
        examples=[{"fast": 0.3, "burst": None}],
    )
    signs: list[SignOut] = Field(description="All signs that there are.")
    rows: list[DoubtsRow] = Field(
        description="Units and populations with doubtful responses, in order of the units' codes."
    )


class VoidIn(Body):
    """Why something is voided, or restored."""

    reason: Annotated[Text, StringConstraints(max_length=500)] = Field(
        description="For those who look into it later. Name no respondent.",
        examples=["班级群里转发了答案"],
    )


class RestoredOut(Reply):
    """How a voiding was taken back."""

    at: datetime = Field(description="When.")
    by: str | None = Field(description="The client that did it.")
    reason: str = Field(description="Why.")
    responses: int = Field(description="Responses that are counted again.", examples=[118])
    answered_again: int = Field(
        description="Those that stay voided: their persons have answered in another way since.",
        examples=[2],
    )
    withdrawn: int = Field(description="Those that their persons withdrew meanwhile.", examples=[1])


class VoidOut(Reply):
    """A link or batch that was voided. It is revoked for good, restored or not."""

    void: int = Field(description="The number of this voiding.", examples=[3])
    link: str | None = Field(description="The link's code; null for a batch.")
    batch: int | None = Field(description="The batch of invitations; null for a link.")
    unit: str = Field(description="The code of the unit.", examples=["S1"])
    population: str = Field(description="The population's code.", examples=["parent"])
    reason: str = Field(description="Why.")
    at: datetime = Field(description="When.")
    by: str | None = Field(description="The client that did it.")
    responses: int = Field(description="Responses that it took out of the count.", examples=[121])
    finished: bool = Field(
        description="False while some are still to be voided or restored, which goes on by itself."
    )
    restored: RestoredOut | None = Field(description="Null while it is in force.")
