"""Tables of the telephone: deliveries, and every revision of every interview that they held."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


class Delivery(Base):
    """One delivery of a contractor: what it held, in numbers, and what became of it.

    A repetition that is answered from its Idempotency-Key is none. A long one is counted up as
    its parts are committed, each part together with its numbers.
    """

    __tablename__ = "deliveries"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    source_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    """The contractor that sent it."""
    kind: Mapped[str] = mapped_column(Text)
    """`interviews` or `tallies`."""
    form: Mapped[str] = mapped_column(Text)
    """`json`, `ndjson`, `csv` or `xlsx`."""
    name: Mapped[str] = mapped_column(Text)
    """The contractor's own name for it: its Idempotency-Key, or the batch of its tallies."""
    job_id: Mapped[UUID | None]
    """The background job that takes it, where it is a long one."""
    received_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    """None while it is being taken."""
    sent: Mapped[int] = mapped_column(server_default="0")
    """Items looked at: the sum of the five that follow."""
    accepted: Mapped[int] = mapped_column(server_default="0")
    replayed: Mapped[int] = mapped_column(server_default="0")
    updated: Mapped[int] = mapped_column(server_default="0")
    already_answered: Mapped[int] = mapped_column(server_default="0")
    """The true number, whatever the items were told."""
    told_updated: Mapped[int] = mapped_column(server_default="0")
    """Of the already answered, how many corrected an earlier revision."""
    rejected: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        CheckConstraint("kind IN ('interviews', 'tallies')", "kind"),
        CheckConstraint("form IN ('json', 'ndjson', 'csv', 'xlsx')", "form"),
        CheckConstraint(
            "sent = accepted + replayed + updated + already_answered + rejected", "sum"
        ),
        Index(None, "campaign_id", "source_id", "received_at"),
    )


class Refusal(Base):
    """An item of a delivery that was not taken, and why; never what stood in it."""

    __tablename__ = "refusals"

    delivery_id: Mapped[int] = mapped_column(
        ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True
    )
    index: Mapped[int] = mapped_column(primary_key=True)
    """Its place in the delivery, from 0."""
    interview_id: Mapped[str | None] = mapped_column(Text)
    """None where it had no readable one."""
    unit: Mapped[str | None] = mapped_column(Text)
    """The unit's code as it was sent, where it was readable."""
    day: Mapped[date | None]
    """The day of `ended_at` in Asia/Shanghai, where it was readable."""
    problem: Mapped[str] = mapped_column(Text)
    """The slug of the problem, such as `invalid-input`."""
    errors: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    """Its errors: pointer, code and message; in a table also row and column."""


class DeliveryChunk(Base):
    """A piece of a delivery that waits for its job, compressed and encrypted; gone with the job."""

    __tablename__ = "delivery_chunks"

    delivery_id: Mapped[int] = mapped_column(
        ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    """From 0."""
    sealed: Mapped[bytes] = mapped_column(BYTEA)


class InterviewMapping(Base):
    """How a contractor's own columns and codes are to be read."""

    __tablename__ = "interview_mappings"

    source_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class Interview(Base):
    """One revision of one interview. The phone number is never kept, only its claim."""

    __tablename__ = "interviews"

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    """The contractor that delivered it."""
    interview_id: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    content_mac: Mapped[bytes] = mapped_column(BYTEA)
    """Keyed hash of the whole item, the phone number included: is it the same again?"""
    submission_id: Mapped[UUID]
    """The response that it makes, where it is counted; the same for every revision."""
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    population: Mapped[int] = mapped_column(SmallInteger)
    disposition: Mapped[str] = mapped_column(Text)
    """AAPOR final disposition, such as 1.1."""
    attempts: Mapped[int | None] = mapped_column(SmallInteger)
    child: Mapped[str | None] = mapped_column(Text)
    sample_id: Mapped[str | None] = mapped_column(Text)
    interviewer: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime] = mapped_column(Instant)
    status: Mapped[str] = mapped_column(Text)
    """`counted`, `already_answered` (the person had answered) or `no_answers`."""
    language: Mapped[str | None] = mapped_column(Text)
    recording: Mapped[str | None] = mapped_column(Text)
    """Where the contractor has the recording, in its own terms."""
    recording_sha256: Mapped[str | None] = mapped_column(Text)
    calls: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    """Every attempt, the first one first: `at`, `disposition`, `interviewer`, `seconds`."""
    delivery_id: Mapped[int | None]
    """The delivery that brought it; None for those from before deliveries were on file."""
    received_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())

    __table_args__ = (
        ForeignKeyConstraint(
            ["campaign_id", "population"],
            ["campaign_populations.campaign_id", "campaign_populations.position"],
        ),
        CheckConstraint("status IN ('counted', 'already_answered', 'no_answers')", "status"),
        CheckConstraint("revision >= 1", "revision"),
        # What was corrected, so that the latest revisions are found without sorting them all.
        Index(
            "ix_interviews_corrections",
            "campaign_id",
            "source_id",
            "interview_id",
            "revision",
            postgresql_where=text("revision > 1"),
        ),
        Index(None, "campaign_id", "unit_id"),
    )
