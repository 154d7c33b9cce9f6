"""What goes in and out about questionnaires: the definition itself."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from app.core.schemas import Body, Code, Reply

Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
_Sentence = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Localized = Annotated[
    dict[Locale, _Sentence],
    Field(min_length=1, description="The text in each language, by locale."),
]
Value = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"),
    Field(description="What is stored and counted; the label is what people see."),
]
CountsAs = Literal["positive", "negative", "excluded"]
MAX_OPTIONS = 254
"""An option is stored in one byte; 0 means unanswered."""


class Option(Body):
    """One answer that can be chosen."""

    value: Value
    label: Localized
    counts_as: CountsAs | None = Field(
        None, description="What a vote for it counts as in a rate; excluded: don't know."
    )


Options = Annotated[list[Option], Field(min_length=1, max_length=MAX_OPTIONS)]


class Comparison(Body):
    """A condition upon the answer to an earlier question; exactly one comparison."""

    question: Code
    in_: list[Value] | None = Field(None, alias="in", min_length=1)
    not_in: list[Value] | None = Field(None, min_length=1)
    gte: float | None = None
    lte: float | None = None
    answered: bool | None = None

    @model_validator(mode="after")
    def _one(self) -> "Comparison":
        given = (self.in_, self.not_in, self.gte, self.lte, self.answered)
        if sum(one is not None for one in given) != 1:
            raise ValueError("give exactly one of in, not_in, gte, lte, answered")
        return self


class AllOf(Body):
    """True when all conditions are."""

    all: list["Condition"] = Field(min_length=1, max_length=50)


class AnyOf(Body):
    """True when at least one condition is."""

    any: list["Condition"] = Field(min_length=1, max_length=50)


class Not(Body):
    """True when the condition is not."""

    not_: "Condition" = Field(alias="not")


Condition = Comparison | AllOf | AnyOf | Not


class _Question(Body):
    code: Code
    label: Localized
    hint: Localized | None = None
    required: bool = False
    visible_if: Condition | None = Field(
        None, description="Asked only when this holds of earlier answers."
    )
    page: Code | None = Field(None, description="Questions with the same page stand together.")


class _Choice(_Question):
    scale: Code | None = Field(None, description="A scale of the questionnaire, or `options`.")
    options: Options | None = None


class SingleChoice(_Choice):
    """One of the options."""

    type: Literal["single_choice"]
    indicator: bool = Field(False, description="Whether the pooled rate counts it.")


class MultipleChoice(_Choice):
    """Any of the options, up to a number."""

    type: Literal["multiple_choice"]
    max_selected: int | None = Field(None, ge=1, le=MAX_OPTIONS)


class Rating(_Question):
    """A whole number on a scale such as 0 to 10."""

    type: Literal["rating"]
    min: int = Field(1, ge=-100, le=100)
    max: int = Field(5, ge=-100, le=100)


class Number(_Question):
    """A number."""

    type: Literal["number"]
    min: float | None = Field(None, ge=-1e12, le=1e12)
    max: float | None = Field(None, ge=-1e12, le=1e12)


class TextQuestion(_Question):
    """A text of the person's own."""

    type: Literal["text"]
    max_length: int = Field(500, ge=1, le=5000, description="In characters.")


class Note(_Question):
    """A text to read; it takes no answer."""

    type: Literal["note"]


Question = Annotated[
    SingleChoice | MultipleChoice | Rating | Number | TextQuestion | Note,
    Field(discriminator="type"),
]


class Definition(Body):
    """A questionnaire: its texts, scales and questions."""

    title: Localized
    default_locale: Locale = "zh-CN"
    intro: Localized | None = None
    consent: Localized | None = None
    thanks: Localized | None = None
    scales: dict[Code, Options] = Field(default_factory=dict, max_length=50)
    questions: list[Question] = Field(default_factory=list, max_length=300)


class QuestionnaireIn(Definition):
    """A draft, and who owns it."""

    unit: Code | None = Field(None, description="The owner; by default the caller's own unit.")


class QuestionnaireOut(Reply):
    """A questionnaire: its draft, or one published version."""

    code: str
    unit: str | None
    version: int | None = Field(description="The version shown; null for the draft.")
    versions: list[int] = Field(description="All published versions.")
    title: dict[str, str]
    default_locale: str
    intro: dict[str, str] | None
    consent: dict[str, str] | None
    thanks: dict[str, str] | None
    scales: dict[str, list[Option]]
    questions: list[Question]


class Published(Reply):
    """What publishing made."""

    code: str
    version: int
    missing_translations: list[str] = Field(
        description="Pointers to texts that lack a language the questionnaire has elsewhere."
    )
