"""What goes in and out about numeric answers."""

from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field

from app.campaigns.schemas import Channel, Sandbox
from app.core.schemas import Code, Reply
from app.results.schemas import CoverageQuery
from app.units.schemas import UnitRef


class NumbersQuery(CoverageQuery):
    """Which numbers to describe, and for which units."""

    question: Code = Field(description="The code of a number or a rating.", examples=["homework"])
    population: Code | None = Field(None, description="Only this population of the campaign.")
    channel: Channel | None = Field(None, description="Only responses of this channel.")
    quality: Literal["all", "clean"] = Field(
        "all", description="`clean` leaves out responses that were flagged as doubtful."
    )


class Quantiles(Reply):
    """So many lie below, interpolated as spreadsheets do (PERCENTILE.INC)."""

    p5: float = Field(description="5 of 100 lie below.", examples=[10])
    p25: float = Field(description="The lower quartile.", examples=[30])
    p50: float = Field(description="The median.", examples=[45])
    p75: float = Field(description="The upper quartile.", examples=[60])
    p95: float = Field(description="95 of 100 lie below.", examples=[120])


class Numbers(Reply):
    """What is said of some numbers."""

    answered: int = Field(description="How many answered with a number.", examples=[118])
    sum: float = Field(description="Of all numbers.", examples=[5664])
    mean: float | None = Field(description="Null without answers.", examples=[48])
    sd: float | None = Field(
        description="The standard deviation of a sample, over n - 1; null below two answers.",
        examples=[21.5],
    )
    min: float | None = Field(description="The least; null without answers.", examples=[0])
    max: float | None = Field(description="The largest; null without answers.", examples=[180])
    quantiles: Quantiles | None = Field(description="Null without answers.")


class NumbersRow(Numbers):
    """The numbers of one unit."""

    unit: UnitRef | None = Field(
        description="Null: given to a unit that does not lie in one of the asked level; such a row "
        "comes only where there are answers."
    )


class NumbersOut(Reply):
    """One question's numbers in a campaign."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    sandbox: Sandbox = False
    as_of: AwareDatetime = Field(description="Responses acknowledged before are counted.")
    exact: bool = Field(description="True: live and nothing hidden.")
    question: str = Field(description="The question's code.", examples=["homework"])
    total: Numbers
    rows: list[NumbersRow] = Field(description="In order of unit code.")
    next: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "campaign": "2026-autumn",
                "as_of": "2026-11-21T08:00:00Z",
                "exact": True,
                "question": "homework",
                "total": {
                    "answered": 0,
                    "sum": 0.0,
                    "mean": None,
                    "sd": None,
                    "min": None,
                    "max": None,
                    "quantiles": None,
                },
                "rows": [],
                "next": None,
            }
        },
    )
