"""What goes in and out about results and coverage."""

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.campaigns.schemas import Channel, Sandbox
from app.core.schemas import Body, Code, Cursor, Limit, Reply
from app.counts.selection import Source
from app.units.schemas import Kind, UnitRef

Dimension = Literal["unit", "population", "channel", "question", "day"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)


def dimensions_of(by: str) -> frozenset[str]:
    """What `by` groups by. Errors: PydanticCustomError for an unknown or repeated word."""
    named = [word.strip() for word in by.split(",")] if by else []
    if not set(named) <= set(DIMENSIONS):
        raise PydanticCustomError(
            "unknown_dimension", "Name any of {known}, separated by commas.", _KNOWN
        )
    if len(set(named)) < len(named):
        raise PydanticCustomError("repeated", "Name each only once.")
    return frozenset(named)


_KNOWN = {"known": ", ".join(DIMENSIONS)}


def _checked(by: str) -> str:
    dimensions_of(by)
    return by


By = Annotated[str, Field(max_length=100), AfterValidator(_checked)]
"""Dimensions, separated by commas."""
Bounds = tuple[float, float]
IntervalKind = Literal["sample", "indicative", "none"]
Lack = Literal["no_votes", "more_than_heads", "several_answers", "suppressed"]


Within = Annotated[
    Code | None,
    Field(
        description="Only this unit and all below it; by default all that the caller can see of "
        "the campaign."
    ),
]
OfPopulation = Annotated[Code | None, Field(description="Only this population of the campaign.")]
OfChannel = Annotated[Channel | None, Field(description="Only responses of this channel.")]
Quality = Annotated[
    Literal["all", "clean"],
    Field(description="`clean` leaves out responses that were flagged as doubtful."),
]


class RowsQuery(Body):
    """For which units rows are read, and how many at once."""

    level: Kind = Field("school", description="The kind of unit that rows are for.")
    within: Within = None
    limit: Limit | None = Field(None, description="Rows in a page; without it all rows come.")
    cursor: Cursor | None = Field(None, description="`next` of the page before.")


ReleaseNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
OF_RELEASE = "Of this release, by its number, instead of live or of the latest one."


class ResultsQuery(RowsQuery):
    """Which results to read, and what to group them by."""

    by: By = Field(
        "",
        description=f"Any of {', '.join(DIMENSIONS)}, separated by commas; "
        "what is left out is summed over.",
        examples=["unit,question"],
    )
    population: OfPopulation = None
    channel: OfChannel = None
    question: Code | None = Field(None, description="Only this question, instead of the pool.")
    source: Source = Field(
        "all", description="Single responses, counts that were aggregated elsewhere, or both."
    )
    quality: Quality = "all"
    release: ReleaseNumber | None = Field(None, description=OF_RELEASE)


class ResultRow(Reply):
    """The figures of one group. `unit`, `population`, `channel` and `day` stand where `by` asks."""

    unit: UnitRef | None = Field(
        None,
        description="Null: given to a unit that does not lie in one of the asked level, such as "
        "the county itself; such a row comes only where there are responses.",
    )
    population: str | None = Field(None, description="The population's code.", examples=["parent"])
    channel: Channel | None = Field(
        None, description="How the responses came in.", examples=["link"]
    )
    day: date | None = Field(None, description="The day in Asia/Shanghai of answering.")
    question: str | None = Field(
        description="Null: the votes of all indicator questions, pooled.", examples=["overall"]
    )
    respondents: int = Field(
        description="Persons with a counted response; for a question those who fill in a "
        "questionnaire that has it.",
        examples=[100],
    )
    included: int = Field(
        description="Those of them whose answers are in the figures: all of them in exact "
        "results; in a release those of the cells that it shows.",
        examples=[100],
    )
    answered: int | None = Field(
        description="Persons who answered the question, don't-know included. Pooled: their "
        "answers, summed over the indicator questions.",
        examples=[100],
    )
    missing: int | None = Field(
        description="Included less answered. Pooled: included times the indicator questions "
        "of their questionnaire, less answered.",
        examples=[0],
    )
    counts: dict[str, int] | None = Field(
        description="Votes by option value, or by rating; empty for numbers and texts.",
        examples=[
            {"satisfied": 60, "basically_satisfied": 30, "dissatisfied": 5, "dont_know": 5},
        ],
    )
    rate: float | None = Field(
        description="Positive votes / (positive + negative), not rounded; null where there are "
        "none. Don't-know and missing answers are not in it.",
        examples=[0.9473684210526315],
    )
    interval: Bounds | None = Field(
        description="Where the rate lies at 95 %: Wilson's interval with finite population "
        "correction, pooled votes clustered by person. `no_interval` says why there is none.",
        examples=[[0.8876, 0.9762]],
    )
    interval_kind: IntervalKind = Field(
        description="`sample`: of telephone interviews alone, honest where they are a random "
        "sample; `indicative` 参考: people chose by themselves to answer; `none`."
    )
    no_interval: Lack | None = Field(
        None,
        description="Why there is none: nobody took a side; more respondents than heads; a "
        "question with several answers; the figures are hidden.",
    )
    heads: int | None = Field(
        None,
        description="The N of the interval: the persons whom the unit states in the campaign's "
        "period, by the population's name (student, parent, teacher, resident), else by the basis "
        "of its targets. Null where that is not known, or is a sum that lacks units below "
        "(coverage's `basis_missing`): the interval is then without correction, and rather too "
        "wide than too narrow.",
        examples=[820],
    )
    dont_know_share: float | None = Field(
        description="Don't-know votes / answered; null where nobody answered.", examples=[0.05]
    )
    shares: dict[str, float] | None = Field(
        None,
        description="Of multiple choice alone: persons who chose each option / answered; together "
        "more than 1. Null where nobody answered or the figures are hidden.",
        examples=[{"sports": 0.62, "meals": 0.31}],
    )
    share_intervals: dict[str, Bounds] | None = Field(
        None,
        description="Where each of these shares lies at 95 %: Wilson's, of all who answered among "
        "`heads`. Null where these are fewer than the respondents.",
        examples=[{"sports": [0.54, 0.69], "meals": [0.24, 0.39]}],
    )
    share_interval_kind: IntervalKind | None = Field(
        None, description="As `interval_kind`, of these intervals."
    )
    suppressed: bool = Field(
        description="Whether figures are hidden (null) to protect persons: a cell has fewer than "
        "the campaign's `min_cell` respondents."
    )
    comparable: bool = Field(
        True,
        description="Stands where it is false: populations are asked different versions, in which "
        "this question is not the same (see `diff` of the questionnaire). Votes are added up by "
        "value, and each counts as its own version says; read them by population.",
    )


class CompositePart(Reply):
    """One population in the composite."""

    population: str = Field(description="The population's code.", examples=["parent"])
    weight: float | None = Field(
        description="As the campaign gives it; where it gives none, all weigh the same.",
        examples=[0.4],
    )
    share: float = Field(
        description="Of the composite: the weights of the populations that have votes, made to "
        "sum to 1.",
        examples=[0.5714285714285714],
    )
    respondents: int = Field(
        description="Persons whose answers are in the rate: `included` of the rows.",
        examples=[100],
    )
    rate: float | None = Field(description="The population's own rate.", examples=[0.95])
    interval: Bounds | None = Field(description="Of that rate.", examples=[[0.8876, 0.9762]])


class Composite(Reply):
    """The rates of several populations in one, by the campaign's weights."""

    rate: float | None = Field(
        description="The sum of share times rate; null where nothing has weight and votes.",
        examples=[0.93],
    )
    interval: Bounds | None = Field(
        description="Of independent populations: the variances of their intervals added; null "
        "where one of them has none.",
        examples=[[0.9, 0.95]],
    )
    interval_kind: IntervalKind = Field(description="As in the rows.")
    populations: list[CompositePart] = Field(description="In the campaign's order.")


class ResultsOut(Reply):
    """Results of one campaign."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    sandbox: Sandbox = False
    as_of: AwareDatetime = Field(description="Responses acknowledged before are counted.")
    exact: bool = Field(
        description="True: live and nothing hidden. False: the latest release, for results:read."
    )
    release: int | None = Field(None, description="The number of the release, where it is one.")
    rows: list[ResultRow] = Field(
        description="In order of unit code, population, channel, day and question."
    )
    composite: Composite | None = Field(
        None,
        description="Of campaigns with several populations, unless one is asked for: all that the "
        "rows count, of the indicators or of the question asked for, weighed by population.",
    )
    next: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "campaign": "2026-autumn",
                "as_of": "2026-11-21T08:00:00Z",
                "exact": True,
                "rows": [
                    {
                        "unit": {"code": "S1", "name": "东风小学"},
                        "question": "overall",
                        "respondents": 100,
                        "included": 100,
                        "answered": 100,
                        "missing": 0,
                        "counts": {
                            "satisfied": 60,
                            "basically_satisfied": 30,
                            "dissatisfied": 5,
                            "dont_know": 5,
                        },
                        "rate": 0.9473684210526315,
                        "interval": [0.8876, 0.9762],
                        "interval_kind": "indicative",
                        "no_interval": None,
                        "heads": 820,
                        "dont_know_share": 0.05,
                        "suppressed": False,
                    }
                ],
                "next": None,
            }
        },
    )
