"""Tables of reconciliation: what is expected when, and who had answered before they were called."""

from datetime import date, time

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base


class DeliveryPlan(Base):
    """On which days a contractor is to deliver, by when, and how much."""

    __tablename__ = "delivery_plans"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    """The contractor."""
    first_day: Mapped[date]
    last_day: Mapped[date]
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    """1 is Monday."""
    due_by: Mapped[time]
    """On the clocks of Asia/Shanghai."""
    interviews: Mapped[int | None]
    """How many a day are agreed on, where that is agreed."""

    __table_args__ = (
        CheckConstraint("last_day >= first_day", "days"),
        CheckConstraint("interviews >= 1", "interviews"),
    )


class AnsweredBefore(Base):
    """A response that had come before a contractor's interview with the same person.

    Once for each contractor, however often it delivers the person, and only where the response is
    none of its own: what these amount to on a day is told to the contractor.
    """

    __tablename__ = "answered_before"

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    """No foreign key: whoever changes the campaign would wait for a whole delivery."""
    source_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    """The contractor."""
    mark: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    """The response, as an HMAC under the campaign's identity key; it goes with the claims."""
    day: Mapped[date]
    """The day in Asia/Shanghai on which the contractor delivered the person first."""
