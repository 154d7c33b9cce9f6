"""What goes in and out when counts are delivered."""

from typing import Annotated, Any, Literal

import msgspec
from pydantic import AwareDatetime, Field, StringConstraints, ValidationError

from app.campaigns.schemas import Channel, Sandbox
from app.core.problems import FieldError, InvalidInput, Malformed, pointer
from app.core.schemas import Body, Code, Reply, Time

MAX_ROWS = 20_000
MOST = 10**9
"""The largest number that a count may be."""
_MAX_ERRORS = 50

Number = Annotated[int, Field(strict=True, ge=0, le=MOST)]
# Codes of questions and options are taken as they are written.
_Key = Annotated[str, StringConstraints(strip_whitespace=False)]
_Note = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class TallyRowIn(Body):
    """The counts of one unit and population."""

    unit: Code = Field(description="The unit that they count for, at any level.", examples=["S1"])
    population: Code = Field(
        description="The code of one of the campaign's populations.", examples=["parent"]
    )
    respondents: Number = Field(description="Persons who answered.", examples=[120])
    counts: dict[_Key, dict[_Key, Number]] = Field(
        description="By question, by option: how many chose it. A row of a matrix is a question "
        "`code.row`; a rating's options are its values as text. A question that is left out "
        "counts as unanswered by all; numbers, dates and texts are not taken.",
        examples=[{"overall": {"satisfied": 80, "basically_satisfied": 25}}],
    )
    answered: dict[_Key, Number] = Field(
        default={},
        description="By multiple choice: how many persons answered it. Left out, it is the most "
        "that is possible: the sum of its options, or all respondents where that is more.",
        examples=[{"improve": 96}],
    )


class TallyIn(Body):
    """One revision of a batch, but for its rows, which are read one by one."""

    revision: int = Field(
        1,
        ge=1,
        le=2**31 - 1,
        strict=True,
        description="Higher for each correction: it replaces the batch whole.",
    )
    channel: Channel = Field(description="How the persons answered.", examples=["phone"])
    as_of: Time = Field(
        description="When the counts were so: inside the campaign's window. Its day in "
        "Asia/Shanghai is the day that results count them on."
    )
    source_note: _Note | None = Field(
        None, description="Where they come from, such as the name of a system."
    )
    method: _Note | None = Field(None, description="How they were counted.")


class RowChange(Reply):
    """What a revision changed for one unit and population."""

    unit: str = Field(description="The unit's code.", examples=["S1"])
    population: str = Field(description="The population's code.", examples=["parent"])
    before: int | None = Field(
        description="Respondents in the revision before; null: it had no such row.", examples=[None]
    )
    after: int | None = Field(
        description="Respondents in this revision; null: it has no such row.", examples=[120]
    )
    counts_changed: int = Field(
        description="How many of its counts are others than before.", examples=[4]
    )


class Changes(Reply):
    """What a revision changed against the one before, in all."""

    respondents_before: int = Field(description="Over all rows of the revision before.")
    respondents_after: int = Field(description="Over all rows of this revision.", examples=[120])
    rows_changed: int = Field(
        description="Rows that came, went or have another number.", examples=[1]
    )
    counts_changed: int = Field(description="Counts in them that are others.", examples=[4])
    rows: list[RowChange] = Field(
        description="The first 100 of them, in order of unit code and population; all are to be "
        "had at `…/changes`."
    )


class TallyReply(Reply):
    """What became of a delivered batch."""

    batch: str = Field(description="The source's own name for it.", examples=["week-46"])
    sandbox: Sandbox = False
    revision: int = Field(description="The revision that counts now.", examples=[1])
    status: Literal["accepted", "replayed", "updated"] = Field(
        description="`accepted`: it is new. `replayed`: this revision came before with the same "
        "content. `updated`: it took the place of the revision before."
    )
    changed: Changes
    nested: list[str] = Field(
        description="A warning: units, at most 100, that this source counts by themselves while "
        "it also counts a unit above them, for the same population and channel. Both are added "
        "up, so nobody may be in two of them.",
        examples=[[]],
    )


class SourceRef(Reply):
    """Who delivered something."""

    client_id: str = Field(description="The client's id.")
    name: str = Field(description="The client's name.", examples=["Contractor A"])


class TallyRevision(Reply):
    """One revision of a batch."""

    revision: int = Field(description="Its number.", examples=[1])
    channel: Channel = Field(description="How the persons answered.", examples=["phone"])
    as_of: AwareDatetime = Field(description="When the counts were so.")
    source_note: str | None = Field(description="Where they come from.")
    method: str | None = Field(description="How they were counted.")
    rows: int = Field(description="How many rows it has.", examples=[1])
    respondents: int = Field(description="Over all rows.", examples=[120])
    received_at: AwareDatetime = Field(description="When it was delivered.")


class TallyBatch(TallyRevision):
    """A batch, as its latest revision has it."""

    batch: str = Field(description="The source's own name for it.", examples=["week-46"])
    source: SourceRef
    state: Literal["live", "withdrawn"] = Field(
        description="`withdrawn`: the latest revision has no rows."
    )


class TallyHistory(TallyBatch):
    """A batch with its history."""

    revisions: list[TallyRevision] = Field(
        description="The latest first, at most 1,000 of them; all stay on file."
    )


def decode_tally(body: bytes) -> tuple[TallyIn, list[Any]]:
    """A request's batch, and its rows, not yet looked at. Errors: Malformed, InvalidInput."""
    try:
        sent = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed() from error
    if not isinstance(sent, dict):
        raise _refused("", "wrong_type", "Send an object with `channel`, `as_of` and `rows`.")
    # Taken out, so that they are not looked at all at once.
    rows = sent.pop("rows", None)
    try:
        tally = TallyIn.model_validate(sent)
    except ValidationError as error:
        raise InvalidInput(errors=_errors(error, [])) from None
    if not isinstance(rows, list):
        raise _refused("/rows", "wrong_type", "Send a list of rows.")
    if len(rows) > MAX_ROWS:
        raise _refused("/rows", "too_many", f"Send at most {MAX_ROWS:,} rows in a batch.")
    return tally, rows


def read_row(row: Any, index: int) -> TallyRowIn:
    """One row, its shape checked. Errors: InvalidInput, with pointers into the body."""
    try:
        return TallyRowIn.model_validate(row)
    except ValidationError as error:
        raise InvalidInput(errors=_errors(error, ["rows", index])) from None


def _errors(error: ValidationError, path: list[str | int]) -> list[FieldError]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        FieldError(pointer([*path, *_steps(one["loc"])]), one["type"], one["msg"])
        for one in found[:_MAX_ERRORS]
    ]


def _steps(location: tuple[int | str, ...]) -> list[int | str]:
    # Pydantic marks what is wrong with a key itself.
    return [step for step in location if step != "[key]"]


def _refused(where: str, code: str, message: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError(where, code, message)])
