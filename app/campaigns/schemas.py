"""What goes in and out about campaigns."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.core.schemas import Body, Code, Text, Time
from app.units.schemas import Period

State = Literal["draft", "open", "closed", "archived"]
Channel = Literal["wechat", "link", "invitation", "phone", "onsite", "paper"]
Identity = Literal["wechat", "invitation", "device"]
HeadBasis = Literal["students", "parents", "teachers", "residents"]
"""What units state: heads."""
Basis = Literal["students", "parents", "teachers", "residents", "issued", "respondents"]
MAX_POPULATIONS = 20


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("repeated", "Name each only once.")
    return values


Persons = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
_Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Line = Annotated[str, StringConstraints(max_length=500)]
Notes = Annotated[dict[_Label, _Line], Field(max_length=20)]


class Target(Body):
    """A share of people that must be reached."""

    name: _Label = Field(
        description="What coverage calls it, once per population.", examples=["semester"]
    )
    basis: Basis = Field(
        description="What the share is of: the unit's enrolment or residents; `issued`: the "
        "questionnaires that were handed out (invitations, and what `PUT …/issued` states), so "
        "that the share is the feedback rate; `respondents`: everybody who answered in the "
        "campaign, of whatever population."
    )
    share: float = Field(
        gt=0, le=1, strict=True, description="0.5 is half of the basis.", examples=[0.5]
    )
    channel: Channel | None = Field(
        None,
        description="Only responses of this channel count. Of `issued`: only what was handed out "
        "for it.",
    )
    at_least: Persons | None = Field(
        None,
        description="So many in any case, however small the basis; left out where it is not set.",
        examples=[600],
        exclude_if=lambda value: value is None,
    )

    @model_validator(mode="after")
    def _can_be_issued(self) -> Self:
        if self.basis == "issued" and self.channel in ("wechat", "phone"):
            message = "Nothing is issued for it: name link, invitation, onsite, paper, or none."
            raise PydanticCustomError("not_issued", message)
        return self


class Population(Body):
    """One population of a campaign and what it is asked."""

    questionnaire: Code
    version: int = Field(ge=1, le=2**31 - 1, strict=True, description="A published version.")
    weight: float | None = Field(
        None, ge=0, le=1_000_000, strict=True, description="Its weight in the composite rate."
    )
    under_14: bool = Field(
        False,
        strict=True,
        description="They are children: only anonymous invitations are admitted, and interviews "
        "come without a phone number or anything else that leads to a child.",
    )
    max_children: int = Field(
        1,
        ge=1,
        le=9,
        strict=True,
        description="For how many of their children one person may answer, once for each.",
    )
    targets: list[Target] = Field(
        default_factory=list, max_length=20, description="Shares that coverage measures against."
    )

    @field_validator("max_children")
    @classmethod
    def _children_have_none(cls, max_children: int, info: ValidationInfo) -> int:
        if max_children > 1 and info.data.get("under_14"):
            raise PydanticCustomError("children_of_children", "Children answer for themselves: 1.")
        return max_children

    @field_validator("targets")
    @classmethod
    def _names_distinct(cls, targets: list[Target]) -> list[Target]:
        _distinct([target.name for target in targets])
        return targets


class CampaignIn(Body):
    """A campaign, as its bureau sets it up."""

    title: Annotated[Text, Field(max_length=200)] = Field(
        description="What people are shown as its name.", examples=["2026 年秋季满意度调查"]
    )
    period: Period | None = Field(None, description="The semester whose enrolment it goes by.")
    region: Code = Field(description="The unit that owns it, and the subtree that it runs in.")
    opens_at: Time = Field(description="From when on links answer, with its timezone.")
    closes_at: Time = Field(description="Until when links answer; after opens_at.")
    delivery_days: int = Field(
        7,
        ge=0,
        le=365,
        strict=True,
        description="For how many days after closing interviews from inside the window are taken.",
    )
    populations: dict[Code, Population] = Field(
        min_length=1, max_length=MAX_POPULATIONS, description="By code, such as parent or teacher."
    )
    identity: Annotated[list[Identity], Field(min_length=1), AfterValidator(_distinct)] = Field(
        ["wechat", "invitation", "device"],
        description="Which proofs of a person are admitted online, strongest first.",
    )
    once_per: Literal["campaign", "population", "unit"] = Field(
        "population", description="One answer per person in each of these."
    )
    on_duplicate: Literal["keep_first", "keep_last"] = Field(
        "keep_first", description="Which answer stands when a person answers again."
    )
    min_cell: Annotated[Persons, Field(ge=5)] = Field(
        10, description="Published cells with fewer respondents are hidden."
    )
    min_rank: Persons = Field(30, description="Units with fewer respondents are not ranked.")
    headline_channels: (
        Annotated[list[Channel], Field(min_length=1), AfterValidator(_distinct)] | None
    ) = Field(None, description="The channels that ranking goes by; null for all.")
    purpose: Annotated[Text, Field(max_length=500)] | None = Field(
        None,
        description="What the answers are for: people are told before they answer.",
        examples=["用于评价和改进学校工作"],
    )
    retention_days: int = Field(
        180,
        ge=1,
        le=3650,
        strict=True,
        description="Days after the last delivery after which everything that could lead to a "
        "person is erased: claims and their key, texts, details of interviews. Closed answers, "
        "which say nothing of anybody then, and their counts stay.",
    )
    answers_shown_minutes: int = Field(
        30,
        ge=0,
        le=525_600,
        strict=True,
        description="For how long a receipt shows the answers themselves. The longer, the longer "
        "somebody can demand to be shown what was answered.",
    )
    contact: Notes | None = Field(
        None, description="Whom to ask, as the page shows it.", examples=[{"phone": "0536-12345"}]
    )
    legal: Notes | None = Field(
        None,
        description="What the statistics law asks a form to show.",
        examples=[{"表号": "教满 1 表", "制定机关": "潍坊市教育局"}],
    )

    @field_validator("closes_at")
    @classmethod
    def _after_opening(cls, closes_at: datetime, info: ValidationInfo) -> datetime:
        opens_at = info.data.get("opens_at")
        if opens_at is not None and closes_at <= opens_at:
            raise PydanticCustomError("window", "It must close after it opens.")
        return closes_at

    @field_validator("identity")
    @classmethod
    def _children_invited(cls, identity: list[str], info: ValidationInfo) -> list[str]:
        populations: dict[str, Population] = info.data.get("populations", {})
        if "invitation" not in identity and any(one.under_14 for one in populations.values()):
            message = "Populations under 14 answer by invitation only: admit invitations."
            raise PydanticCustomError("children_need_invitations", message)
        return identity


Sandbox = Annotated[
    bool,
    Field(
        description="True: this is a sandbox, for trying. It behaves as the campaign that it is "
        "of, and nothing in it counts anywhere. Left out of replies about real campaigns.",
        exclude_if=lambda value: not value,
    ),
]


class CampaignOut(CampaignIn):
    """A campaign as it stands: without `code` and `state` it can be put again."""

    code: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    state: State = Field(
        description="Moved by open, close and archive alone. While `open`, links answer inside "
        "the window."
    )
    sandbox: Sandbox = False
