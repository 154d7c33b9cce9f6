"""What goes in and out about questionnaires: the definition itself."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from app.core.schemas import Body, Code, Reply
from app.questionnaires.texts import (
    MAX_OPTIONS,
    CountsAs,
    Day,
    Flag,
    Locale,
    Localized,
    Maybe,
    Value,
)
from app.questionnaires.visibility import Condition, shallow

MAX_ROWS = 100
VersionNumber = Annotated[
    int, Field(ge=1, le=2**31 - 1, description="A published version, from 1.", examples=[1])
]


class Option(Body):
    """One answer that can be chosen."""

    value: Value
    label: Localized
    counts_as: Maybe[CountsAs] = Field(
        None, description="What a vote for it counts as in a rate; excluded: don't know."
    )
    exclusive: Flag = Field(
        False, description="Of a multiple choice: it stands alone, as does `none of these`."
    )
    text_length: Maybe[int] = Field(
        None,
        ge=1,
        le=500,
        description="A text may go with this option, such as `other`, of up to this many "
        "characters; it is answered as `question.value`.",
        examples=[100],
    )


Options = Annotated[list[Option], Field(min_length=1, max_length=MAX_OPTIONS)]


class _Question(Body):
    code: Code
    label: Localized
    hint: Maybe[Localized] = Field(None, description="An explanation below the label, by locale.")
    required: bool = Field(False, description="Whether it must be answered where it is asked.")
    visible_if: Annotated[Maybe[Condition], BeforeValidator(shallow)] = Field(
        None, description="Asked only when this holds of earlier answers."
    )
    page: Maybe[Code] = Field(None, description="Questions with the same page stand together.")


class _Choice(_Question):
    scale: Maybe[Code] = Field(None, description="A scale of the questionnaire, or `options`.")
    options: Maybe[Options] = Field(None, description="The question's own options, or `scale`.")
    random_order: Flag = Field(
        False,
        description="Each person is shown the options in an order of their own, which the "
        "`submission_id` determines; those that are exclusive or take a text stay in place.",
    )


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
    whole: Flag = Field(False, description="Whether only whole numbers are taken.")
    measure: Maybe[Localized] = Field(
        None, description="What is counted, such as minutes, shown behind the number."
    )


class Date(_Question):
    """A day of the calendar."""

    type: Literal["date"] = Field(description="Answered with a day such as 2026-09-01.")
    min: Maybe[Day] = Field(None, description="The first day taken.")
    max: Maybe[Day] = Field(None, description="The last day taken.")


class Row(Body):
    """One line of a matrix."""

    value: Value
    label: Localized


class Matrix(_Question):
    """Several lines, each answered with one option of the same scale."""

    type: Literal["matrix"] = Field(
        description="Each row answers by itself, as `code.row`, with one option's value."
    )
    rows: list[Row] = Field(min_length=1, max_length=MAX_ROWS, description="What is judged.")
    scale: Maybe[Code] = Field(None, description="A scale of the questionnaire, or `options`.")
    options: Maybe[Options] = Field(None, description="The matrix's own options, or `scale`.")
    indicator: bool = Field(False, description="Whether the pooled rate counts its rows.")


class TextQuestion(_Question):
    """A text of the person's own."""

    type: Literal["text"] = Field(description="Answered with a text.")
    max_length: int = Field(500, ge=1, le=5000, description="The longest text, in characters.")


class Note(_Question):
    """A text to read; it takes no answer."""

    type: Literal["note"] = Field(description="Takes no answer.")


Question = Annotated[
    SingleChoice | MultipleChoice | Rating | Number | Date | TextQuestion | Matrix | Note,
    Field(discriminator="type"),
]


class PageTexts(Body):
    """What stands at the head of a page."""

    title: Localized
    intro: Maybe[Localized] = Field(None, description="Shown below the title, by locale.")


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
    pages: Annotated[
        dict[Code, PageTexts], Field(max_length=50, exclude_if=lambda pages: not pages)
    ] = Field(default_factory=dict, description="What pages are headed by, by their codes.")
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


class PreviewIn(Body):
    """What is to be shown."""

    version: VersionNumber | None = Field(
        None, description="A published version; without it, the draft as it is when it is opened."
    )


class PreviewOut(Reply):
    """A link that shows a questionnaire to whoever has it, and stores nothing."""

    url: str = Field(
        description="The page's address. It cannot be taken back before it expires.",
        examples=["https://survey.example.edu.cn/p/AAAAAQAAAAEAAAAAa7…"],
    )
    expires_at: datetime = Field(description="From then on it leads nowhere: after seven days.")


class Warned(Reply):
    """Something that may not be meant so; the version is published all the same."""

    pointer: str = Field(
        description="A JSON pointer into the definition.", examples=["/questions/3/visible_if"]
    )
    code: str = Field(description="What it is, in one word.", examples=["always_true"])
    message: str = Field(description="What it means and what would be right.")


class Published(Reply):
    """The version that publishing made, or found to be the draft's already."""

    code: str = Field(description="The questionnaire's code.", examples=["satisfaction-six"])
    version: VersionNumber
    missing_translations: list[str] = Field(
        description="Pointers to translations that are not there, in languages that the title "
        "has: people are shown the default locale instead.",
        examples=[["/questions/3/hint/en"]],
    )
    warnings: list[Warned] = Field(
        description="What may not be meant so, such as a condition that hides nothing."
    )
