"""What goes in and out about trends."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.campaigns.schemas import Channel
from app.core.schemas import Body, Code, Reply
from app.results.ranking.schemas import Mode
from app.results.schemas import Bounds, IntervalKind, Lack, Quality
from app.units.schemas import UnitRef

MAX_CAMPAIGNS = 20
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
Incomparable = Literal["other_question", "not_asked", "no_votes", "several_answers", "suppressed"]


def campaigns_of(campaigns: str) -> list[str]:
    """The codes of campaigns. Errors: PydanticCustomError for none, repeated or too many."""
    codes = [code.strip() for code in campaigns.split(",")]
    if not all(map(_CODE.fullmatch, codes)):
        raise PydanticCustomError("not_codes", "Name campaigns by their codes, with commas.")
    if len(set(codes)) < len(codes):
        raise PydanticCustomError("repeated", "Name each only once.")
    if len(codes) > MAX_CAMPAIGNS:
        raise PydanticCustomError("too_many", "Name at most {most}.", {"most": MAX_CAMPAIGNS})
    return codes


def _checked(campaigns: str) -> str:
    campaigns_of(campaigns)
    return campaigns


class TrendQuery(Body):
    """Whose rates to follow, and over which campaigns."""

    unit: Code = Field(description="The unit, with all below it.", examples=["S1"])
    campaigns: Annotated[str, Field(max_length=1500), AfterValidator(_checked)] = Field(
        description="Codes of campaigns, separated by commas: the earliest first, since each is "
        f"compared with the one before it; at most {MAX_CAMPAIGNS}.",
        examples=["2025-autumn,2026-autumn"],
    )
    population: Code = Field(description="The population's code in all of them.")
    question: Code | None = Field(None, description="Only this question, instead of the pool.")
    channel: Channel | None = Field(
        None, description="Only responses of this channel, instead of the headline channels."
    )
    quality: Quality = "all"


class Change(Reply):
    """How far a rate has moved since the campaign before."""

    difference: float = Field(description="The rate less the one before.", examples=[0.03])
    z: float | None = Field(
        description="In standard errors, the pooled rate's votes clustered by person; null where "
        "both rates are 0 or both 1.",
        examples=[1.963],
    )
    p: float | None = Field(
        description="How probable so large a difference is where nothing has changed; null where "
        "z is.",
        examples=[0.0496],
    )
    significant: bool = Field(description="Whether p is below 0.05.")
    same_mode: bool = Field(
        description="Whether people were asked in the same way; else the way alone may have moved "
        "the rate."
    )


class TrendPoint(Reply):
    """One campaign's figures."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    title: str = Field(description="As people are shown it.", examples=["2026 年秋季满意度调查"])
    period: str | None = Field(description="Its semester.", examples=["2026-autumn"])
    opens_at: datetime = Field(description="From when on it took answers.")
    channels: list[Channel] | None = Field(
        description="What is counted: the channel asked for, else the campaign's headline "
        "channels; null for all."
    )
    mode: Mode | None = Field(description="How people were asked; null without responses.")
    respondents: int = Field(
        description="Persons who answered by these; in a release those whose answers are in its "
        "figures.",
        examples=[1000],
    )
    n: float = Field(
        description="How many independent answers the rate is worth: those who took a side; "
        "pooled, their votes by the design effect.",
        examples=[1000.0],
    )
    rate: float | None = Field(description="As in results.", examples=[0.88])
    interval: Bounds | None = Field(description="As in results.", examples=[[0.858, 0.8988]])
    interval_kind: IntervalKind = Field(description="As in results.")
    no_interval: Lack | None = Field(description="As in results.")
    change: Change | None = Field(
        description="Since the campaign before in the list; null for the first, and where "
        "`not_compared` says why."
    )
    not_compared: Incomparable | None = Field(
        description="The question, or the set of indicators, differs in type, options or what they "
        "count as; one of the two campaigns does not ask it, or has no votes; one person gives "
        "several answers to it; or one of the two is hidden."
    )
    suppressed: bool = Field(
        description="Whether the figures are hidden to protect persons: people answered, and the "
        "release shows none of their answers."
    )


class TrendOut(Reply):
    """One unit's rates from campaign to campaign."""

    unit: UnitRef
    population: str = Field(description="The population's code.", examples=["parent"])
    question: str | None = Field(description="Null: the indicator questions, pooled.")
    as_of: AwareDatetime = Field(description="Responses acknowledged before are counted.")
    exact: bool = Field(
        description="True: live. False: of each campaign's latest release, for results:read."
    )
    rows: list[TrendPoint] = Field(description="In the order asked for.")

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "unit": {"code": "S1", "name": "东风小学"},
                "population": "parent",
                "question": "overall",
                "as_of": "2026-11-21T08:00:00Z",
                "exact": True,
                "rows": [
                    {
                        "campaign": "2026-autumn",
                        "title": "2026 年秋季满意度调查",
                        "period": "2026-autumn",
                        "opens_at": "2026-11-01T00:00:00Z",
                        "channels": ["phone"],
                        "mode": "phone",
                        "respondents": 1000,
                        "n": 1000.0,
                        "rate": 0.88,
                        "interval": [0.8584, 0.8987],
                        "interval_kind": "sample",
                        "no_interval": None,
                        "change": None,
                        "not_compared": None,
                        "suppressed": False,
                    }
                ],
            }
        },
    )
