"""What goes in and out when a contractor's file and ours are held against each other."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.campaigns.schemas import Sandbox
from app.core.schemas import Body, Reply

By = Literal["batch", "day", "unit"]
What = Literal["stored", "refused"]
_HIDDEN = "The bureau sees the exact number. A contractor is told none but that of a day, see there"


class Numbers(Reply):
    """What deliveries held, as each was told: items are interviews, or rows of tallies."""

    deliveries: int = Field(description="How many there were.")
    in_progress: int = Field(description="How many of them are still being taken.")
    sent: int = Field(description="Items looked at: stored, replayed and refused.")
    stored: int = Field(
        description="Items stored: accepted or updated, whether or not they are counted."
    )
    replayed: int = Field(description="Items that were on file already, with the same content.")
    refused: int = Field(description="Items that were not taken.")


class Interviews(Reply):
    """What is on file of interviews, by their latest revisions."""

    interviews: int = Field(description="Interviews on file.")
    refused: int = Field(description="Items refused, where that much of them was readable.")
    by_disposition: dict[str, int] = Field(
        description="Interviews by AAPOR disposition.", examples=[{"1.1": 812, "2.11": 96}]
    )
    digest: str | None = Field(
        description="SHA-256, in hex, of their lines; null with `digest=false` and where there "
        "are none.",
        examples=["3b1e0a9c5f0d" + "0" * 52],
    )


class Late(Reply):
    """Interviews that came more than a day after they ended."""

    interviews: int = Field(description="How many.")
    longest_seconds: int | None = Field(description="The longest time from end to arrival.")


class Tallies(Numbers):
    """What was delivered and is on file of tallies."""

    live: int = Field(description="Batches that count.")
    superseded: int = Field(description="Revisions whose place a later one has taken.")
    rows: int = Field(description="Rows of the live batches.")
    respondents: int = Field(description="Respondents in the live batches.")


class Difference(Reply):
    """Where a delivery's own numbers and the rows on file are not the same."""

    batch: str | None = Field(description="The delivery's name; null where there is none of it.")
    received_at: datetime | None = Field(description="When it was received.")
    what: What = Field(description="Which number.")
    reported: int = Field(description="What the delivery was told.")
    found: int = Field(description="How many rows there are.")


class LateDay(Reply):
    """A day on which the first delivery came after the hour."""

    day: date = Field(description="The day, in Asia/Shanghai.")
    first_at: datetime = Field(description="When the first delivery of that day was received.")


class ShortDay(Reply):
    """A day on which fewer interviews were stored than agreed on."""

    day: date = Field(description="The day, in Asia/Shanghai.")
    stored: int = Field(description="Items of interviews stored of that day's deliveries.")


class Punctuality(Reply):
    """How the deliveries of the days that are due keep to the plan."""

    missing: list[date] = Field(description="Days of the plan on which nothing was received.")
    late: list[LateDay] = Field(description="Days on which the first delivery came too late.")
    short: list[ShortDay] = Field(description="Days with fewer interviews than agreed on.")


class Source(Interviews, Numbers):
    """One contractor: what it sent, and what is on file of it."""

    source: str = Field(description="The contractor's client_id.", examples=["c_5ZkP1xQv"])
    revisions: int = Field(description="Revisions on file, earlier ones included.")
    before_deliveries: int = Field(
        description="Revisions on file from before deliveries were; no delivery tells of them."
    )
    already_answered: int | None = Field(
        description=f"Interviews with persons who had answered, which are not counted. {_HIDDEN}."
    )
    balanced: bool = Field(description="Whether every delivery's numbers are those of the rows.")
    differences: list[Difference] = Field(description="Where they are not, at most 100.")
    late: Late = Field(description="Interviews that came more than a day after they ended.")
    plan: Punctuality | None = Field(description="Against the plan of deliveries; null without.")
    tallies: Tallies = Field(description="The same of tallies; all else is about interviews.")


class BatchRow(Reply):
    """One delivery."""

    source: str = Field(description="The contractor's client_id.", examples=["c_5ZkP1xQv"])
    name: str = Field(description="The delivery's Idempotency-Key, or the batch of the tallies.")
    kind: Literal["interviews", "tallies"] = Field(description="What it held.")
    form: str = Field(description="json, ndjson, csv or xlsx.", examples=["ndjson"])
    received_at: datetime = Field(description="When it was received.")
    finished_at: datetime | None = Field(description="When all was taken; null until then.")
    sent: int = Field(description="Items looked at so far.")
    stored: int = Field(description="Items stored, whether or not they are counted.")
    replayed: int = Field(description="Items that were on file already, with the same content.")
    refused: int = Field(description="Items that were not taken.")
    already_answered: int | None = Field(
        description=f"Of those stored, what is not counted since the person had answered. {_HIDDEN}"
        "."
    )


class Received(Numbers):
    """What was received of interviews on a day."""

    tallies: int = Field(description="Deliveries of tallies on this day.")
    already_answered: int | None = Field(
        description="Persons who had answered. To the bureau: items, exactly. To a contractor: "
        "responses that had come before it first delivered their persons, its own not among them; "
        "rounded down at random by up to two `min_cell`, null where that leaves none and until "
        "the day is over."
    )


class DayRow(Reply):
    """One day of Asia/Shanghai: what was received on it, and what ended on it."""

    source: str = Field(description="The contractor's client_id.", examples=["c_5ZkP1xQv"])
    day: date | None = Field(
        description="The day; null for refused items whose `ended_at` was not readable."
    )
    received: Received = Field(description="Deliveries received on this day, whole.")
    ended: Interviews = Field(description="Interviews that ended on this day, whenever received.")


class UnitCalled(Reply):
    """A unit's code and name."""

    code: str = Field(description="The unit's code.", examples=["S1"])
    name: str = Field(description="The unit's name.", examples=["第一小学"])


class UnitRow(Interviews):
    """One unit of the campaign's region."""

    source: str = Field(description="The contractor's client_id.", examples=["c_5ZkP1xQv"])
    unit: UnitCalled | None = Field(
        description="The unit; null for refused items that named none of the campaign's."
    )
    already_answered: int | None = Field(
        description=f"Of these, what is not counted since the person had answered. {_HIDDEN}."
    )


class ReconciliationOut(Reply):
    """What contractors sent, and what is on file of it."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    sandbox: Sandbox = False
    as_of: datetime = Field(description="When this was so: all of it at one instant.")
    by: By | None = Field(description="What the rows are for.")
    balanced: bool = Field(description="Whether every source is.")
    totals: Numbers = Field(description="Interviews over all sources that are shown.")
    sources: list[Source] = Field(description="A contractor sees itself alone.")
    rows: list[BatchRow | DayRow | UnitRow] = Field(
        description="By batch in order of receipt, by day, or by unit, as asked for."
    )


def _distinct(weekdays: list[int]) -> list[int]:
    if len(set(weekdays)) != len(weekdays):
        raise PydanticCustomError("repeated_weekday", "Name each weekday once.")
    return sorted(weekdays)


class PerDay(Body):
    """How much was agreed on for each day of a plan."""

    interviews: int | None = Field(
        None, ge=1, le=10_000_000, strict=True, description="Interviews; null where none are."
    )


class PlanIn(Body):
    """On which days a contractor is to deliver."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    first_day: date = Field(alias="from", description="The first day.", examples=["2026-11-02"])
    last_day: date = Field(alias="to", description="The last day.", examples=["2026-11-22"])
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], AfterValidator(_distinct)] = Field(
        default=[1, 2, 3, 4, 5, 6, 7],
        min_length=1,
        max_length=7,
        description="The days of the week, 1 for Monday to 7 for Sunday.",
        examples=[[1, 2, 3, 4, 5]],
    )
    by: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(
        description="By when something is to have come, on the clocks of Asia/Shanghai.",
        examples=["20:00"],
    )
    per_day: PerDay = Field(PerDay(), description="How much on each of these days.")

    @model_validator(mode="after")
    def _in_order(self) -> "PlanIn":
        days = (self.last_day - self.first_day).days
        if not 0 <= days <= 366 or self.first_day.year not in range(2000, 2101):
            raise PydanticCustomError(
                "bad_days",
                "The last day must not come before the first, nor a year after it; the year must "
                "lie between 2000 and 2100.",
            )
        return self


class PlanOut(PlanIn):
    """A contractor's plan of deliveries."""

    source: str = Field(description="The contractor's client_id.", examples=["c_5ZkP1xQv"])


class Plans(Reply):
    """The plans of deliveries in a campaign."""

    items: list[PlanOut] = Field(description="In order of `source`.")
    next: None = Field(None, description="Always null: all of them come.")


class Signature(Reply):
    """By whom a statement is signed."""

    algorithm: Literal["Ed25519"] = Field(description="RFC 8032.")
    key_id: str = Field(description="Which key of GET /v1/signing-keys.", examples=["9f3a01c7"])
    value: str = Field(description="The signature of the canonical statement, in base64url.")


class SignedStatement(Reply):
    """A statement, and its signature."""

    signature: Signature = Field(description="Over the statement in canonical form.")
    statement: dict[str, Any] = Field(
        description="What was delivered, as docs/reconciliation.md describes it.",
        examples=[{"number": "2026-autumn/c_5ZkP1xQv/2026-11-22/3b1e0a9c5f0d", "digest": "…"}],
    )


class SigningKey(Reply):
    """A key that verifies statements."""

    key_id: str = Field(description="As signatures name it.", examples=["9f3a01c7"])
    algorithm: Literal["Ed25519"] = Field(description="RFC 8032.")
    public_key: str = Field(description="Its 32 bytes, in base64url.")
    pem: str = Field(description="The same for openssl.")


class SigningKeys(Reply):
    """The keys that verify statements; the first signs."""

    items: list[SigningKey] = Field(description="Those of former secrets follow.")
    next: None = Field(None, description="Always null: all of them come.")
