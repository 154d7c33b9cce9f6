"""What goes in and out about questionnaires: the definition itself."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.core.schemas import Body, Code, Reply

Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
_Sentence = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Localized = Annotated[
    dict[Locale, _Sentence],
    Field(
        min_length=1,
        max_length=20,
        description="The text in each language, by locale.",
        examples=[{"zh-CN": "满意", "en": "Satisfied"}],
    ),
]
Value = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"),
    Field(description="What is stored and counted; the label is what people see."),
]
CountsAs = Literal["positive", "negative", "excluded"]
MAX_OPTIONS = 254
"""An option is stored in one byte; 0 means unanswered."""
MAX_NESTING = 20
"""Lists and objects inside one another in a `visible_if`: `not` in `all` counts three."""
VersionNumber = Annotated[
    int, Field(ge=1, le=2**31 - 1, description="A published version, from 1.", examples=[1])
]
_T = TypeVar("_T")
Maybe = Annotated[_T | None, Field(exclude_if=lambda value: value is None)]
"""What was left out stays out when a definition is written."""


class Option(Body):
    """One answer that can be chosen."""

    value: Value
    label: Localized
    counts_as: Maybe[CountsAs] = Field(
        None, description="What a vote for it counts as in a rate; excluded: don't know."
    )


Options = Annotated[list[Option], Field(min_length=1, max_length=MAX_OPTIONS)]
Compared = Value | Annotated[int, Field(strict=True, description="For ratings.")]


class Comparison(Body):
    """A condition upon the answer to an earlier question; exactly one comparison."""

    question: Code
    in_: Maybe[list[Compared]] = Field(
        None,
        alias="in",
        min_length=1,
        max_length=MAX_OPTIONS,
        description="Answered with one of these values.",
    )
    not_in: Maybe[list[Compared]] = Field(
        None,
        min_length=1,
        max_length=MAX_OPTIONS,
        description="Unanswered, or answered with none of these values.",
    )
    gte: Maybe[float] = Field(None, description="Answered with a number of at least this.")
    lte: Maybe[float] = Field(None, description="Answered with a number of at most this.")
    answered: Maybe[bool] = Field(None, description="Answered at all, or, if false, not.")

    @model_validator(mode="after")
    def _one(self) -> "Comparison":
        given = (self.in_, self.not_in, self.gte, self.lte, self.answered)
        if sum(one is not None for one in given) != 1:
            raise PydanticCustomError(
                "one_comparison", "Give exactly one of in, not_in, gte, lte, answered."
            )
        return self


class AllOf(Body):
    """True when all conditions are."""

    all: list["Condition"] = Field(
        min_length=1, max_length=50, description="Conditions that must all hold."
    )


class AnyOf(Body):
    """True when at least one condition is."""

    any: list["Condition"] = Field(
        min_length=1, max_length=50, description="Conditions of which one must hold."
    )


class Not(Body):
    """True when the condition is not."""

    not_: "Condition" = Field(alias="not", description="The condition that must not hold.")


def _form(condition: Any) -> str:
    if not isinstance(condition, dict):
        return type(condition).__name__
    forms = {"all": "AllOf", "any": "AnyOf", "not": "Not"}
    return next((form for name, form in forms.items() if name in condition), "Comparison")


Condition = Annotated[
    Annotated[Comparison, Tag("Comparison")]
    | Annotated[AllOf, Tag("AllOf")]
    | Annotated[AnyOf, Tag("AnyOf")]
    | Annotated[Not, Tag("Not")],
    Discriminator(
        _form,
        custom_error_type="wrong_condition",
        custom_error_message="Give a comparison, or an object of `all`, `any` or `not`.",
    ),
]


def _shallow(condition: Any) -> Any:
    """Refuse nesting that recursive code could not follow. Walks without recursion itself."""
    level = [condition]
    for _ in range(MAX_NESTING + 1):
        nested = [one for one in level if isinstance(one, dict | list)]
        if not nested:
            return condition
        level = [
            inner for one in nested for inner in (one.values() if isinstance(one, dict) else one)
        ]
    raise PydanticCustomError("too_deep", "Nest conditions less deeply.")


class _Question(Body):
    code: Code
    label: Localized
    hint: Maybe[Localized] = Field(None, description="An explanation below the label, by locale.")
    required: bool = Field(False, description="Whether it must be answered where it is asked.")
    visible_if: Annotated[Maybe[Condition], BeforeValidator(_shallow)] = Field(
        None, description="Asked only when this holds of earlier answers."
    )
    page: Maybe[Code] = Field(None, description="Questions with the same page stand together.")


class _Choice(_Question):
    scale: Maybe[Code] = Field(None, description="A scale of the questionnaire, or `options`.")
    options: Maybe[Options] = Field(None, description="The question's own options, or `scale`.")


class SingleChoice(_Choice):
    """One of the options."""

    type: Literal["single_choice"] = Field(description="Answered with one option's value.")
    indicator: bool = Field(False, description="Whether the pooled rate counts it.")


class MultipleChoice(_Choice):
    """Any of the options, up to a number."""

    type: Literal["multiple_choice"] = Field(
        description="Answered with a list of options' values, in any order."
    )
    max_selected: Maybe[int] = Field(
        None, ge=1, le=MAX_OPTIONS, description="How many may be chosen; by default all."
    )


class Rating(_Question):
    """A whole number on a scale such as 0 to 10."""

    type: Literal["rating"] = Field(description="Answered with a whole number.")
    # These bounds keep the steps within the byte that an answer is stored in.
    min: int = Field(1, ge=-100, le=100, description="The lowest rating.")
    max: int = Field(5, ge=-100, le=100, description="The highest rating.")


class Number(_Question):
    """A number."""

    type: Literal["number"] = Field(description="Answered with a number.")
    min: Maybe[float] = Field(
        None, ge=-1e12, le=1e12, description="The least number taken; by default -1e12."
    )
    max: Maybe[float] = Field(
        None, ge=-1e12, le=1e12, description="The largest number taken; by default 1e12."
    )


class TextQuestion(_Question):
    """A text of the person's own."""

    type: Literal["text"] = Field(description="Answered with a text.")
    max_length: int = Field(500, ge=1, le=5000, description="The longest text, in characters.")


class Note(_Question):
    """A text to read; it takes no answer."""

    type: Literal["note"] = Field(description="Takes no answer.")


Question = Annotated[
    SingleChoice | MultipleChoice | Rating | Number | TextQuestion | Note,
    Field(discriminator="type"),
]


class Definition(Body):
    """A questionnaire: its texts, scales and questions."""

    title: Localized
    default_locale: Locale = Field("zh-CN", description="The language that every text has.")
    intro: Maybe[Localized] = Field(None, description="Shown before the questions, by locale.")
    consent: Maybe[Localized] = Field(
        None, description="What people agree to by sending, by locale."
    )
    thanks: Maybe[Localized] = Field(
        None, description="Shown once the answers are stored, by locale."
    )
    scales: dict[Code, Options] = Field(
        default_factory=dict, max_length=50, description="Options that several questions share."
    )
    questions: list[Question] = Field(
        default_factory=list, max_length=300, description="In the order in which they are asked."
    )


class QuestionnaireIn(Definition):
    """A draft, and who owns it. What a questionnaire was read as can be put again."""

    unit: Code | None = Field(
        None,
        description="The owner; when left out it stays, and of a new one is the caller's own unit. "
        "Null, visible to all, is for clients without a unit.",
    )
    code: Code | None = Field(None, description="Not looked at: the address names it.")
    version: VersionNumber | None = Field(None, description="Not looked at.")
    versions: list[VersionNumber] | None = Field(None, description="Not looked at.")


class QuestionnaireOut(Definition):
    """A questionnaire's draft, or one published version of it.

    What the definition left out is left out here; it can be put again as it is.
    """

    code: Code
    unit: Code | None = Field(description="The owner; null: visible to all.")
    version: VersionNumber | None = Field(description="The version shown; null for the draft.")
    versions: list[VersionNumber] = Field(description="All published versions, in order.")


class QuestionnaireItem(Reply):
    """A questionnaire in a list."""

    code: str = Field(description="The questionnaire's code.", examples=["satisfaction-six"])
    unit: str | None = Field(description="The owner; null: visible to all.")
    title: dict[str, str] = Field(description="The draft's title, by locale.")
    versions: list[int] = Field(description="All published versions, in order.")
    changed_at: datetime = Field(description="When the draft was last put.")


class Published(Reply):
    """The version that publishing made, or found to be the draft's already."""

    code: str = Field(description="The questionnaire's code.", examples=["satisfaction-six"])
    version: VersionNumber
    missing_translations: list[str] = Field(
        description="Pointers to translations that are not there, in languages that the title "
        "has: people are shown the default locale instead.",
        examples=[["/questions/3/hint/en"]],
    )
