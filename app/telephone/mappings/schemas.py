"""What a mapping says: which column is which field, and what the contractor's codes mean."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.core.schemas import Body, Code, Reply
from app.telephone.schemas import InterviewIn

ANSWERS = "answers."
FIELDS = frozenset(InterviewIn.model_fields) - {"answers", "calls"}
"""The fields that a column can be, besides `answers.` and the code of a question."""
REQUIRED = tuple(name for name, one in InterviewIn.model_fields.items() if one.is_required())
NAMING = frozenset({"interview_id", "phone", "external_id", "sample_id"})
"""What says who it was: no mapping holds any of it."""
TIMES = ("started_at", "ended_at")
MAX_COLUMNS = 500
_QUESTION = re.compile(r"[A-Za-z0-9._-]{1,130}")
_PARTS = ("%Y", "%m", "%d")


def _field(name: str) -> str:
    question = name.removeprefix(ANSWERS)
    if name in FIELDS or (question != name and _QUESTION.fullmatch(question)):
        return name
    raise PydanticCustomError(
        "unknown_field", "Give a field of an interview, or answers. and the code of a question."
    )


def _coded(name: str) -> str:
    if name in NAMING:
        raise PydanticCustomError(
            "names_a_person", "A mapping holds no ids and no phones: these stand in each interview."
        )
    return _field(name)


def _timed(name: str) -> str:
    if name in TIMES or name.startswith(ANSWERS):
        return _field(name)
    raise PydanticCustomError("no_time", "Times are started_at, ended_at and answers of days.")


def _format(text: str) -> str:
    try:
        written = datetime(2026, 11, 22, tzinfo=UTC).strftime(text)
        read = datetime.strptime(written, text)  # noqa: DTZ007 - it may have an offset
    except (ValueError, re.error):
        read = None
    if read is None or not all(part in text for part in _PARTS) or read.year != 2026:
        raise PydanticCustomError(
            "bad_format", "Write the form of a time such as %Y-%m-%d %H:%M, or of a day: %Y-%m-%d."
        )
    return text


Header = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Cell = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Field_ = Annotated[str, AfterValidator(_field)]
CodedField = Annotated[str, AfterValidator(_coded)]
TimeField = Annotated[str, AfterValidator(_timed)]
TimeFormat = Annotated[str, StringConstraints(max_length=50), AfterValidator(_format)]
Plain = int | float | str | None


class MappingIn(Body):
    """How a contractor's own columns and codes are read as fields of interviews."""

    columns: dict[Header, Field_] = Field(
        default_factory=dict,
        max_length=MAX_COLUMNS,
        description="For each column of a file, as its first row names it, which field it is; "
        "answers are `answers.` and the question's code. Other columns are left aside.",
        examples=[{"录音编号": "recording", "结果": "disposition", "Q1": "answers.overall"}],
    )
    values: dict[CodedField, dict[Cell, Plain | list[str]]] = Field(
        default_factory=dict,
        max_length=MAX_COLUMNS,
        description="For each field, what the contractor's own codes mean; others stay as they "
        "are.",
        examples=[{"disposition": {"成功": "1.1"}, "answers.overall": {"1": "satisfied"}}],
    )
    constants: dict[CodedField, Plain] = Field(
        default_factory=dict,
        max_length=MAX_COLUMNS,
        description="What a field is where a row of a file says nothing of it.",
        examples=[{"population": "parent"}],
    )
    times: dict[TimeField, TimeFormat] = Field(
        default_factory=dict,
        description="The form of times, as strptime has it; in Asia/Shanghai unless the form has "
        "an offset (%z).",
        examples=[{"ended_at": "%Y-%m-%d %H:%M"}],
    )
    separator: Annotated[str, StringConstraints(min_length=1, max_length=5)] = Field(
        ";", description="What stands between several choices in a cell.", examples=[";"]
    )

    @model_validator(mode="after")
    def _one_column_each(self) -> "MappingIn":
        if len(set(self.columns.values())) < len(self.columns):
            raise PydanticCustomError("two_columns", "Give each field one column only.")
        return self


class MappingOut(MappingIn, Reply):
    """A saved mapping."""

    code: Code = Field(description="The contractor's own name for it.", examples=["nightly"])
    changed_at: datetime = Field(description="When it was last changed.")
