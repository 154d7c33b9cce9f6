"""What definitions are made of: texts by language, values, and fields that may be left out."""

from datetime import date
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

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
_T = TypeVar("_T")
Maybe = Annotated[_T | None, Field(exclude_if=lambda value: value is None)]
"""What was left out stays out when a definition is written."""


def _of_the_calendar(day: str) -> str:
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise PydanticCustomError("not_a_day", "There is no such day in the calendar.") from error
    return day


Day = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    AfterValidator(_of_the_calendar),
    Field(examples=["2026-09-01"]),
]
"""A day as ISO 8601 writes it: days compare as they are written."""
Flag = Annotated[bool, Field(exclude_if=lambda value: not value)]
"""What is false stays out too."""
