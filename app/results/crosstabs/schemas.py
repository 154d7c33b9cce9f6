"""What goes in and out about cross-tabs."""

from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field

from app.campaigns.schemas import Sandbox
from app.core.schemas import Body, Code, Reply
from app.questionnaires.layout import QuestionType
from app.questionnaires.texts import CountsAs
from app.results.schemas import Bounds, IntervalKind, OfChannel, Quality, Within

RowLack = Literal["no_votes", "several_answers"]
NoAssociation = Literal["several_answers", "same_question", "too_few_options"]


class CrosstabQuery(Body):
    """Which two questions to set against each other, and for whom."""

    rows: Code = Field(
        description="A question that is answered by choosing: single or multiple choice, a rating, "
        "a matrix row as `code.row`. Each option is a row.",
        examples=["overall"],
    )
    columns: Code = Field(description="Another one; each option is a column.", examples=["improve"])
    within: Within = None
    population: Code | None = Field(
        None,
        description="Only this population; by default all that are asked both questions, which "
        "must be the same questions to each.",
    )
    channel: OfChannel = None
    quality: Quality = "all"


class CrosstabQuestion(Reply):
    """One of the two questions."""

    question: str = Field(description="Its code.", examples=["overall"])
    type: QuestionType = Field(description="Of a matrix row: single_choice.")


class CrosstabMissing(Reply):
    """Respondents who did not answer both."""

    rows: int = Field(description="Answered the columns' question alone.", examples=[2])
    columns: int = Field(description="Answered the rows' question alone.", examples=[12])
    both: int = Field(description="Answered neither.", examples=[1])


class CrosstabOption(Reply):
    """One option, over all of the other question's."""

    value: str = Field(description="The option's value, or the rating.", examples=["satisfied"])
    counts_as: CountsAs | None = Field(description="What it counts as, where it says so.")
    answered: int = Field(
        description="Persons who chose it and answered the other question too.", examples=[60]
    )
    missing: int = Field(
        description="Persons who chose it and did not answer the other question. Both together "
        "are what results count, but for tallies.",
        examples=[3],
    )


class CrosstabRow(CrosstabOption):
    """One row."""

    counts: dict[str, int] = Field(
        description="Of those who answered: how many chose each option of the columns.",
        examples=[{"sports": 40, "meals": 25}],
    )
    shares: dict[str, float] | None = Field(
        description="Counts / answered; of several answers they sum to more than 1. Null where "
        "nobody answered.",
        examples=[{"sports": 0.6667, "meals": 0.4167}],
    )
    rate: float | None = Field(
        description="Positive votes / (positive + negative) among the columns; null where there "
        "are none, or where the columns' options count as nothing."
    )
    interval: Bounds | None = Field(
        description="Of that rate: Wilson's at 95 %, without correction, since nobody knows of "
        "how many persons such a row is a sample."
    )
    no_interval: RowLack | None = Field(description="Why there is none.")


class Association(Reply):
    """Whether the two questions go together."""

    chi_square: float = Field(
        description="Pearson's, without Yates's correction, of the options that anybody chose.",
        examples=[11.2],
    )
    df: int = Field(description="Degrees of freedom.", examples=[4])
    p: float = Field(
        description="How probable a table at least as far from independence is by chance.",
        examples=[0.024],
    )
    cramers_v: float = Field(
        description="How closely, from 0 to 1, without correction for its bias, which is upward "
        "in small samples.",
        examples=[0.14],
    )
    low_expected: bool = Field(
        description="A warning: more than a fifth of the cells expect fewer than 5 persons, or one "
        "fewer than 1. Don't trust p then."
    )


class CrosstabOut(Reply):
    """Two questions against each other."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    sandbox: Sandbox = False
    as_of: AwareDatetime = Field(
        description="Responses acknowledged before are counted; from a replica, those that had "
        "reached it."
    )
    exact: bool = Field(description="True: live and nothing hidden.")
    populations: list[str] = Field(
        description="The populations that are counted, in the campaign's order.",
        examples=[["parent"]],
    )
    asked: dict[Literal["rows", "columns"], CrosstabQuestion] = Field(
        description="The questions.",
        examples=[
            {
                "rows": {"question": "overall", "type": "single_choice"},
                "columns": {"question": "improve", "type": "multiple_choice"},
            }
        ],
    )
    respondents: int = Field(description="Persons with a counted response.", examples=[120])
    tallied: int = Field(
        description="Respondents of tallies, who are left out: nobody knows who of them gave "
        "which two answers.",
        examples=[0],
    )
    answered: int = Field(description="Persons who answered both questions.", examples=[105])
    missing: CrosstabMissing
    columns: list[CrosstabOption] = Field(
        description="The columns in the questionnaire's order, with their totals."
    )
    rows: list[CrosstabRow] = Field(description="The rows in the questionnaire's order.")
    interval_kind: IntervalKind = Field(
        description="`sample`: all were asked by telephone; `indicative` 参考: people chose by "
        "themselves to answer; `none`: no row has an interval."
    )
    association: Association | None = Field(description="`no_association` says why there is none.")
    no_association: NoAssociation | None = Field(
        description="A multiple choice, whose answers are not persons; a question against itself; "
        "fewer than two options of one question were chosen."
    )

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "campaign": "2026-autumn",
                "as_of": "2026-11-21T08:00:00Z",
                "exact": True,
                "populations": ["parent"],
                "asked": {
                    "rows": {"question": "bus", "type": "single_choice"},
                    "columns": {"question": "overall", "type": "single_choice"},
                },
                "respondents": 103,
                "tallied": 0,
                "answered": 100,
                "missing": {"rows": 1, "columns": 2, "both": 0},
                "columns": [
                    {"value": "good", "counts_as": "positive", "answered": 80, "missing": 1},
                    {"value": "bad", "counts_as": "negative", "answered": 20, "missing": 0},
                ],
                "rows": [
                    {
                        "value": "yes",
                        "counts_as": None,
                        "answered": 50,
                        "missing": 2,
                        "counts": {"good": 45, "bad": 5},
                        "shares": {"good": 0.9, "bad": 0.1},
                        "rate": 0.9,
                        "interval": [0.7864, 0.9565],
                        "no_interval": None,
                    },
                    {
                        "value": "no",
                        "counts_as": None,
                        "answered": 50,
                        "missing": 0,
                        "counts": {"good": 35, "bad": 15},
                        "shares": {"good": 0.7, "bad": 0.3},
                        "rate": 0.7,
                        "interval": [0.5625, 0.809],
                        "no_interval": None,
                    },
                ],
                "interval_kind": "indicative",
                "association": {
                    "chi_square": 6.25,
                    "df": 1,
                    "p": 0.0124,
                    "cramers_v": 0.25,
                    "low_expected": False,
                },
                "no_association": None,
            }
        },
    )
