"""The ground that all rooms' schemas stand on."""

import base64
import binascii
import re
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.core.problems import FieldError, InvalidInput

Item = TypeVar("Item")

MAX_ID = 2**31 - 1
"""The largest number that a row can have."""

Code = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"),
    Field(description="A code of your own choosing: letters, digits, dot, underscore, hyphen."),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]

# C0 controls but tab and line ends, and lone surrogates: PostgreSQL or UTF-8 refuse them.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")

_ESCAPED = re.compile(rb"\\[ubf]")

_NUMBER = re.compile(r"[0-9]{1,10}")

_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
_YEARS = range(2000, 2101)


def _written_out(value: Any) -> Any:
    # Bare numbers would be taken for seconds since 1970.
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE_AND_TIME.match(value)):
        return value
    raise PydanticCustomError("not_rfc3339", "Write a time such as 2026-11-01T08:00:00+08:00.")


def _plausible(value: datetime) -> datetime:
    if value.year not in _YEARS:
        raise PydanticCustomError("absurd_date", "The year must lie between 2000 and 2100.")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_plausible)]
"""A point in time with its timezone, as RFC 3339 writes it."""


def storable(text: str) -> bool:
    """Whether a text is free of control characters and halves of surrogate pairs."""
    return _UNSTORABLE.search(text) is None


class Body(BaseModel):
    """What comes in: unknown fields and unstorable characters are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        if isinstance(value, dict) and not _all_storable(value):
            raise PydanticCustomError(
                "control_character", "Texts must not hold control characters such as NUL."
            )
        return value


def _all_storable(value: Any) -> bool:
    # What msgspec writes without such an escape holds nothing of the kind: ten times as fast.
    with suppress(msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
        if _ESCAPED.search(msgspec.json.encode(value)) is None:
            return True
    texts: list[str] = []
    waiting = [value]
    for one in waiting:
        if isinstance(one, str):
            texts.append(one)
        elif isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    # One search over all is several times as fast as one for each.
    return storable("".join(texts))


class Reply(BaseModel):
    """What goes out."""

    model_config = ConfigDict(from_attributes=True)


class Page(Reply, Generic[Item]):
    """One page of a list, and the cursor of the next."""

    # Pydantic does not pass a docstring on to Page[Item].
    model_config = ConfigDict(json_schema_extra={"description": __doc__})

    items: list[Item] = Field(description="At most `limit` of them.")
    next: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")


class ProblemDocument(Reply):
    """A problem document (RFC 9457)."""

    type: str = Field(
        description="The kind of problem: stable, and an address that explains it.",
        examples=["/problems/already-answered"],
    )
    title: str = Field(description="What happened, in one line.")
    status: int = Field(description="The HTTP status.", examples=[409])
    detail: str = Field(description="What can be done about it.")
    request_id: str = Field(description="Name it when you ask the operator for help.")
    errors: list[dict[str, str]] = Field(
        description="What was wrong with which field: `pointer`, `code`, `message`."
    )


Limit = Annotated[int, Field(ge=1, le=1000, description="Items in a page.")]
Cursor = Annotated[str, Field(max_length=200, description="`next` of the page before.")]


def to_cursor(position: str) -> str:
    """An opaque cursor for the position after which the next page begins."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def from_cursor(cursor: str | None) -> str | None:
    """The position in a cursor; None without one, or where it is empty.

    Errors: InvalidInput for one that we did not make.
    """
    if not cursor:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise bad_cursor() from error
    if not storable(position):
        raise bad_cursor()
    return position


def number_in_cursor(cursor: str | None) -> int | None:
    """The position in a cursor of what is ordered by a number. Errors: as `from_cursor`."""
    position = from_cursor(cursor)
    if position is None:
        return None
    if not _NUMBER.fullmatch(position) or int(position) > MAX_ID:
        raise bad_cursor()
    return int(position)


def instant_in_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The position in a cursor of what is ordered by an instant, and then by its id.

    Errors: as `from_cursor`.
    """
    position = from_cursor(cursor)
    if position is None:
        return None
    instant, _, key = position.partition(" ")
    try:
        found = datetime.fromisoformat(instant), UUID(key)
    except ValueError:
        raise bad_cursor() from None
    if found[0].tzinfo is None:
        raise bad_cursor()
    return found


def to_instant_cursor(instant: datetime, key: UUID) -> str:
    """The cursor that `instant_in_cursor` reads."""
    return to_cursor(f"{instant.isoformat()} {key}")


def bad_cursor() -> InvalidInput:
    """The problem with a cursor that we did not make."""
    message = "Pass `next` of an earlier page unchanged, or leave the cursor out."
    return InvalidInput(errors=[FieldError("?cursor", "bad_cursor", message)])


def paged(rows: list[Any], limit: int, position: str) -> tuple[list[Any], str | None]:
    """Cut `limit + 1` rows to a page; `position` names the attribute that orders them."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], to_cursor(str(getattr(rows[limit - 1], position)))
