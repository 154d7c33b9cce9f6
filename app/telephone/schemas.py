"""What goes in and out when contractors deliver."""

import re
import unicodedata
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.campaigns.schemas import Sandbox
from app.core import clock
from app.core.problems import FieldError, InvalidInput, Malformed, pointer
from app.core.schemas import Body, Code, ProblemDocument, Reply, Time
from app.telephone.dispositions import NAMES

MAX_INTERVIEWS = 1000
_LONGEST = timedelta(days=366)
_MAX_ERRORS = 50
_TIME: TypeAdapter[datetime] = TypeAdapter(Time)
_DIGITS = re.compile(r"[0-9]{1,9}")
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LANGUAGE = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$"
_SHA256 = r"^[0-9A-Fa-f]{64}$"


def _known(code: str) -> str:
    if code not in NAMES:
        raise PydanticCustomError(
            "unknown_disposition", "Give one of AAPOR's final dispositions that /docs lists."
        )
    return code


def _spelled(child: Any) -> Any:
    """One spelling for each number: 2, "2" and " 02" are the same child."""
    if isinstance(child, int) and not isinstance(child, bool):
        return str(child)
    text = unicodedata.normalize("NFKC", child).strip() if isinstance(child, str) else child
    return str(int(text)) if isinstance(text, str) and _DIGITS.fullmatch(text) else text


_Reference = Annotated[str, StringConstraints(min_length=1, max_length=64)]
# Question codes are taken as they are written, as they are online.
_QuestionCode = Annotated[str, StringConstraints(strip_whitespace=False)]
_LISTED = "; ".join(f"{code} {name}" for code, name in NAMES.items())
_Disposition = Annotated[
    str,
    AfterValidator(_known),
    Field(
        description=f"AAPOR's. 1.1 and 1.2 need answers, others have none: {_LISTED}.",
        json_schema_extra={"enum": list(NAMES)},
        examples=["1.1"],
    ),
]


class Call(Body):
    """One attempt to reach the person."""

    at: Time = Field(description="When it was made.")
    disposition: _Disposition
    interviewer: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="Who called, in the contractor's own terms."
    )
    seconds: int | None = Field(None, ge=0, le=86_400, strict=True, description="How long it took.")


class InterviewIn(Body):
    """One interview, or one person called in vain, as its contractor reports it."""

    interview_id: Code = Field(description="The contractor's own name for it.", examples=["V-1"])
    unit: Code = Field(description="The code of the unit that it counts for.", examples=["S1"])
    population: Code = Field(
        description="The code of one of the campaign's populations.", examples=["parent"]
    )
    child: Annotated[_Reference, BeforeValidator(_spelled)] | None = Field(
        None,
        description="Which of the person's children it is about: a number from 1, as online and "
        "in rosters, where it is known; else a word of the contractor's that tells them apart. "
        "The first child is the one without.",
        examples=["2"],
    )
    phone: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        None,
        description="The number that was called; only keyed hashes of it are kept. Without a "
        "country's prefix it is taken as one of mainland China.",
        examples=["+8613800000000"],
    )
    external_id: Code | None = Field(
        None,
        description="Under which the person stands in the bureau's own system, where the roster "
        "says so; kept as a keyed hash.",
        examples=["F-20391"],
    )
    sample_id: _Reference | None = Field(
        None, description="Under which the person called stands in the sample."
    )
    disposition: _Disposition
    attempts: int | None = Field(None, ge=1, le=999, strict=True, description="Calls it took.")
    interviewer: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="Who asked, in the contractor's own terms."
    )
    started_at: Time | None = Field(None, description="When the interview began.")
    ended_at: Time = Field(description="When it ended: inside the campaign's window.")
    language: Annotated[str, StringConstraints(pattern=_LANGUAGE)] | None = Field(
        None, description="In which it was held (BCP 47).", examples=["zh-CN"]
    )
    recording: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="Under which the contractor has its recording, in its own terms."
    )
    recording_sha256: Annotated[str, StringConstraints(pattern=_SHA256)] | None = Field(
        None, description="SHA-256 of the recording, as 64 hexadecimal digits."
    )
    calls: Annotated[list[Call], Field(min_length=1, max_length=50)] | None = Field(
        None, description="Every attempt, the first one first; `attempts` is their number."
    )
    answers: dict[_QuestionCode, Any] | None = Field(
        None,
        description="Answers by question code. 1.2 may leave required questions unanswered.",
        examples=[{"overall": "satisfied"}],
    )
    revision: int = Field(
        1, ge=1, le=2**31 - 1, strict=True, description="Higher for each correction."
    )

    @model_validator(mode="after")
    def _in_order(self) -> "InterviewIn":
        began = self.started_at
        if began is not None and not timedelta() <= self.ended_at - began <= _LONGEST:
            raise PydanticCustomError(
                "times_in_order", "An interview ends after it began, and within a year."
            )
        if self.calls is not None and self.attempts not in (None, len(self.calls)):
            raise PydanticCustomError(
                "attempts_differ", "`attempts` is the number of `calls`: leave one of them out."
            )
        return self


ItemStatus = Literal["accepted", "replayed", "updated", "already_answered", "rejected"]


class ItemError(Reply):
    """One thing that is wrong with an item."""

    pointer: str = Field(
        description="A JSON pointer into the body, else into the line's or row's item.",
        examples=["/unit"],
    )
    code: str = Field(description="What is wrong, for programs.", examples=["not_found"])
    message: str = Field(description="What would be right, for people.")
    row: int | None = Field(
        None, description="In a table: the row, as Excel counts them; else left out.", examples=[7]
    )
    column: str | None = Field(
        None,
        description="In a table: the column's letter and name; left out where it is of none.",
        examples=["C 结果"],
    )


class ItemProblem(ProblemDocument):
    """A problem document (RFC 9457) about one item."""

    errors: list[ItemError] = Field(description="What was wrong with which field.")  # type: ignore[assignment]


class InterviewResult(Reply):
    """What became of one item."""

    index: int = Field(
        description="Its place in the request, from 0: in NDJSON its line, in a table its row "
        "among those that are not empty."
    )
    interview_id: str | None = Field(description="Null where the item has no readable one.")
    status: ItemStatus = Field(
        description="`replayed`: it came before with the same content. `updated`: it took the "
        "place of an earlier revision. `already_answered`: kept for the call statistics and not "
        "counted; said only of phones in the contractor's own assigned sample."
    )
    problem: ItemProblem | None = Field(
        None, description="Why a rejected item was not taken; left out of the others."
    )


class InterviewsOut(Reply):
    """What became of a delivery: how many of each, and every item in the request's order."""

    delivery: int = Field(description="The delivery, under which it is on file.", examples=[12])
    sandbox: Sandbox = False
    accepted: int = Field(description="Items that are new and on file.", examples=[1])
    replayed: int = Field(description="Items that had come before, the same.", examples=[0])
    updated: int = Field(description="Items that corrected an earlier revision.", examples=[0])
    already_answered: int = Field(
        description="Items that are told so, as at `status`; those of other phones are among "
        "the accepted or updated.",
        examples=[0],
    )
    rejected: int = Field(description="Items that were not taken.", examples=[0])
    results: list[InterviewResult] = Field(description="One for each item, in the request's order.")


class DeliveryQueued(Reply):
    """A delivery that is taken in the background."""

    delivery: int = Field(description="The delivery, under which it is on file.", examples=[12])
    sandbox: Sandbox = False
    job: str = Field(
        description="Where its job tells how far it is, and in the end how many items became what.",
        examples=["/v1/jobs/7d0c7a0e-57ba-4dd1-a9d4-1c33e2b2f4d4"],
    )


class RefusalOut(Reply):
    """An item that was not taken."""

    index: int = Field(description="Its place in the delivery, from 0.", examples=[6])
    interview_id: str | None = Field(description="Null where the item has no readable one.")
    problem: ItemProblem = Field(description="Why.")


class RevisionOut(Reply):
    """One revision of an interview as its contractor delivered it."""

    revision: int = Field(description="Its number.", examples=[1])
    disposition: str = Field(description="AAPOR's.", examples=["1.1"])
    attempts: int | None = Field(description="Calls it took.", examples=[2])
    interviewer: str | None = Field(description="Who asked.", examples=["W-17"])
    language: str | None = Field(description="The language that was spoken.", examples=["zh-CN"])
    recording: str | None = Field(
        description="Where the contractor has the recording, in its own terms; null when what "
        "leads to persons was erased.",
        examples=["2026/11/V-1.wav"],
    )
    recording_sha256: str | None = Field(description="The hash of the recording.")
    calls: list[Call] | None = Field(description="Every attempt, where they were delivered.")
    ended_at: datetime = Field(description="When it ended.")
    delivery: int | None = Field(description="The delivery that brought it.", examples=[12])
    received_at: datetime = Field(description="When it came.")
    status: Literal["answered", "no_answers"] = Field(
        description="Whether it came with answers. Which of these count is told in numbers only, "
        "or anyone with a list of phones could ask who has answered.",
        examples=["answered"],
    )


class InterviewHistory(Reply):
    """Every revision of an interview, the first one first."""

    interview_id: str = Field(description="The contractor's own name for it.", examples=["V-1"])
    revisions: list[RevisionOut] = Field(description="The last of them is in force.")


def decode_interviews(body: bytes) -> list[Any]:
    """The items of a request, not yet looked at. Errors: Malformed, InvalidInput."""
    try:
        envelope = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed() from error
    if not isinstance(envelope, dict):
        raise _refused("", "wrong_type", 'Send an object: {"interviews": […]}.')
    if not envelope.keys() <= {"interviews"}:
        raise _refused("", "unknown_field", "There is no other field than `interviews` here.")
    items = envelope.get("interviews")
    if not isinstance(items, list):
        raise _refused("/interviews", "wrong_type", "Send a list of interviews.")
    if not 1 <= len(items) <= MAX_INTERVIEWS:
        message = f"Send 1 to {MAX_INTERVIEWS:,} interviews at once."
        raise _refused("/interviews", "too_many" if items else "too_few", message)
    return items


def _refused(where: str, code: str, message: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError(where, code, message)])


def read_interview(item: Any) -> InterviewIn:
    """One item, its shape checked. Errors: InvalidInput, with pointers into the item."""
    try:
        return InterviewIn.model_validate(item)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        errors = [FieldError(_place(one["loc"]), one["type"], one["msg"]) for one in found]
        raise InvalidInput(errors=errors[:_MAX_ERRORS]) from None


def _place(location: tuple[int | str, ...]) -> str:
    # What stands in the place of an unknown field's name can be anything, even a phone number.
    if location[:1] == ("calls",):
        known = Call.model_fields
        return pointer(
            [one for one in location if isinstance(one, int) or one in {"calls", *known}]
        )
    return pointer([one for one in location[:1] if one in InterviewIn.model_fields])


def readable_code(item: Any, name: str) -> str | None:
    """A code, such as the `interview_id`, of an item of whatever shape."""
    said = item.get(name) if isinstance(item, dict) else None
    return said if isinstance(said, str) and _CODE.fullmatch(said) else None


def readable_day(item: Any) -> date | None:
    """The day, in Asia/Shanghai, on which an item of whatever shape ended."""
    said = item.get("ended_at") if isinstance(item, dict) else None
    try:
        return clock.day_of(_TIME.validate_python(said))
    except ValidationError:
        return None
