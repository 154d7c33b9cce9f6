"""What goes in and out about rankings."""

from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field

from app.campaigns.schemas import Channel, Sandbox
from app.core.schemas import Code, Reply
from app.results.schemas import (
    OF_RELEASE,
    Bounds,
    IntervalKind,
    Quality,
    ReleaseNumber,
    RowsQuery,
)
from app.units.schemas import Kind, UnitRef

Mode = Literal["phone", "online", "onsite", "paper", "mixed"]
Because = Literal["too_few", "below_target", "suppressed"]


class RankingQuery(RowsQuery):
    """Which units to rank, and by what."""

    population: Code | None = Field(
        None,
        description="Only this population of the campaign; of several, by default, the composite "
        "of their weights.",
    )
    question: Code | None = Field(None, description="Only this question, instead of the pool.")
    quality: Quality = "all"
    release: ReleaseNumber | None = Field(None, description=OF_RELEASE)


class AmongSiblings(Reply):
    """A unit beside those under the same parent, and beside that parent."""

    parent: UnitRef
    rank: int | None = Field(description="Among the ranked ones; null unranked.", examples=[9])
    of: int = Field(description="How many of them are ranked.", examples=[12])
    parent_rate: float | None = Field(
        description="The parent's own rate, by the same channels.", examples=[0.931]
    )
    difference: float | None = Field(
        description="The unit's rate less the parent's.", examples=[0.012]
    )


class RankedUnit(Reply):
    """One unit in the ranking."""

    unit: UnitRef
    rank: int | None = Field(
        description="1 is the highest rate; ties share a rank (1, 2, 2, 4); null where "
        "`insufficient`.",
        examples=[3],
    )
    rank_range: tuple[int, int] | None = Field(
        description="The best and the worst rank that the intervals of 95 % allow: above are only "
        "units whose interval lies wholly above. Null without rank or interval.",
        examples=[[1, 9]],
    )
    rate: float | None = Field(description="As in results; of several populations their composite.")
    interval: Bounds | None = Field(description="Of the rate, as in results.")
    interval_kind: IntervalKind = Field(description="As in results.")
    respondents: int = Field(
        description="Persons who answered by these channels; in a release those whose answers are "
        "in its figures.",
        examples=[64],
    )
    n: int = Field(
        description="Those of them who took a side; pooled, on the question on which most did.",
        examples=[61],
    )
    insufficient: bool = Field(
        description="Whether it is not ranked: n below the campaign's `min_rank`, or a coverage "
        "target that is not met: any target of the populations that are ranked, but those of "
        "channels that are not. Where coverage's `met` is null, nobody is held back."
    )
    because: list[Because] = Field(
        description="Why it is insufficient; else empty. `suppressed`: people answered, and the "
        "release hides their answers, since they are too few to be shown safely."
    )
    mode: Mode | None = Field(
        description="How these people were asked; rates of different modes compare badly. Null "
        "without responses."
    )
    shares: dict[str, float] = Field(
        description="Each population's share in the rate: populations without votes drop out.",
        examples=[{"parent": 0.6, "teacher": 0.4}],
    )
    among_siblings: AmongSiblings | None = Field(
        description="Null for a unit whose parent lies outside of what is read."
    )


class BottomUnit(Reply):
    """One of the lowest."""

    unit: UnitRef
    rank: int = Field(description="As in the rows.", examples=[108])
    rate: float = Field(description="As in the rows.", examples=[0.71])


class Equity(Reply):
    """How unequal the ranked units are."""

    coefficient_of_variation: float | None = Field(
        description="差异系数: sqrt(Σ (m/M)(x - x̄)²) / x̄, with m a unit's students, M their sum, x "
        "its rate and x̄ the mean weighted likewise; null where no unit states its students.",
        examples=[0.0431],
    )
    mean: float | None = Field(description="The mean x̄.", examples=[0.934])
    weighted_by: Literal["students"] = Field(description="What weighs.")
    units: int = Field(description="Ranked units that state their students.", examples=[96])


class RankingOut(Reply):
    """The units of one kind in a campaign, ranked."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    sandbox: Sandbox = False
    as_of: AwareDatetime = Field(description="Responses acknowledged before are counted.")
    exact: bool = Field(description="True: live. False: of the latest release, for results:read.")
    release: int | None = Field(None, description="The number of the release, where it is one.")
    level: Kind = Field(description="The kind of unit that is ranked.")
    population: str | None = Field(description="Null: all populations of the campaign.")
    question: str | None = Field(description="Null: the indicator questions, pooled.")
    headline_channels: list[Channel] | None = Field(
        description="The campaign's: only responses by these are ranked; null for all."
    )
    min_rank: int = Field(description="The campaign's: the n below which none is ranked.")
    ranked: int = Field(description="How many units are ranked.", examples=[96])
    equity: Equity
    bottom: list[BottomUnit] = Field(
        description="后10名: the ten lowest, and all that tie with the tenth; the lowest first."
    )
    rows: list[RankedUnit] = Field(
        description="In order of rank and unit code; those that are insufficient come last."
    )
    next: str | None = Field(
        description="Pass it as `cursor` for the next page; null at the end. Ranks may change "
        "between two pages, so whoever publishes them reads all at once."
    )

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "campaign": "2026-autumn",
                "as_of": "2026-11-21T08:00:00Z",
                "exact": True,
                "level": "school",
                "population": "parent",
                "question": None,
                "headline_channels": ["phone"],
                "min_rank": 30,
                "ranked": 1,
                "equity": {
                    "coefficient_of_variation": 0.0,
                    "mean": 0.95,
                    "weighted_by": "students",
                    "units": 1,
                },
                "bottom": [{"unit": {"code": "S1", "name": "东风小学"}, "rank": 1, "rate": 0.95}],
                "rows": [
                    {
                        "unit": {"code": "S1", "name": "东风小学"},
                        "rank": 1,
                        "rank_range": [1, 1],
                        "rate": 0.95,
                        "interval": [0.8923, 0.9776],
                        "interval_kind": "sample",
                        "respondents": 100,
                        "n": 100,
                        "insufficient": False,
                        "because": [],
                        "mode": "phone",
                        "shares": {"parent": 1.0},
                        "among_siblings": None,
                    }
                ],
                "next": None,
            }
        },
    )
