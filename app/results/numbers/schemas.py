"""What goes in and out about numeric answers."""

from pydantic import AwareDatetime, ConfigDict, Field

from app.campaigns.schemas import Sandbox
from app.core.schemas import Code, Reply
from app.results.schemas import OfChannel, OfPopulation, Quality, RowsQuery
from app.units.schemas import UnitRef


class NumbersQuery(RowsQuery):
    """Which numbers to describe, and for which units."""

    question: Code = Field(description="The code of a number or a rating.", examples=["homework"])
    population: OfPopulation = None
    channel: OfChannel = None
    quality: Quality = "all"


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
    comparable: bool = Field(
        True,
        description="False, and only then in the reply, where the question is not the same to all "
        "populations, such as a rating to 5 and one to 10: ask for one `population`.",
    )
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
                    "answered": 3,
                    "sum": 135.0,
                    "mean": 45.0,
                    "sd": 15.0,
                    "min": 30.0,
                    "max": 60.0,
                    "quantiles": {"p5": 31.5, "p25": 37.5, "p50": 45.0, "p75": 52.5, "p95": 58.5},
                },
                "rows": [
                    {
                        "unit": {"code": "S1", "name": "东风小学"},
                        "answered": 1,
                        "sum": 30.0,
                        "mean": 30.0,
                        "sd": None,
                        "min": 30.0,
                        "max": 30.0,
                        "quantiles": dict.fromkeys(("p5", "p25", "p50", "p75", "p95"), 30.0),
                    },
                ],
                "next": None,
            }
        },
    )
