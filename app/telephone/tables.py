"""Tables of the telephone: every revision of every interview that a contractor delivered."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


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
    received_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())

    __table_args__ = (
        ForeignKeyConstraint(
            ["campaign_id", "population"],
            ["campaign_populations.campaign_id", "campaign_populations.position"],
        ),
        CheckConstraint("status IN ('counted', 'already_answered', 'no_answers')", "status"),
        CheckConstraint("revision >= 1", "revision"),
        Index(None, "campaign_id", "unit_id"),
    )
