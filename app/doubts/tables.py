"""Tables of doubts: how far responses were judged, and what was voided."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


class Judging(Base):
    """Up to where the ledger was looked through for campaigns to judge: one row."""

    __tablename__ = "judging"

    single: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    seen_below: Mapped[int] = mapped_column(BigInteger)
    """The campaigns of all rows of transactions below this one are known."""
    server: Mapped[int] = mapped_column(BigInteger)
    """The PostgreSQL cluster whose transaction that is: their ids don't travel."""

    __table_args__ = (CheckConstraint("single", "single"),)


class JudgedCampaign(Base):
    """A campaign whose responses were judged, and whether that is to be done again."""

    __tablename__ = "judged_campaigns"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    due: Mapped[bool]
    """Whether responses have come or gone since."""
    thresholds: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What they were judged by; null where they never were."""
    judged_at: Mapped[datetime | None] = mapped_column(Instant)
    seconds: Mapped[float] = mapped_column(server_default="0")
    """How long that took."""


class Void(Base):
    """A link or a batch of invitations found to be fraudulent: nothing through it counts."""

    __tablename__ = "voids"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    link_id: Mapped[int | None] = mapped_column(ForeignKey("links.id"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("invitation_batches.id"))
    reason: Mapped[str] = mapped_column(Text)
    client_id: Mapped[int | None] = mapped_column(ForeignKey("clients.id"))
    voided_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    responses: Mapped[int] = mapped_column(server_default="0")
    """How many were taken out of the count."""
    restore_reason: Mapped[str | None] = mapped_column(Text)
    restored_by: Mapped[int | None] = mapped_column(ForeignKey("clients.id"))
    restored_at: Mapped[datetime | None] = mapped_column(Instant)
    """Null while it is in force."""
    restored: Mapped[int] = mapped_column(server_default="0")
    """How many are counted again."""
    answered_again: Mapped[int] = mapped_column(server_default="0")
    """How many stay voided, since their persons have answered in another way."""
    withdrawn: Mapped[int] = mapped_column(server_default="0")
    """How many their persons withdrew meanwhile."""
    settled: Mapped[bool] = mapped_column(server_default="false")
    """Whether nothing is left to do; if not, it goes on in the background."""

    __table_args__ = (
        CheckConstraint("num_nonnulls(link_id, batch_id) = 1", "origin"),
        Index(
            "uq_voids_link_id",
            "link_id",
            unique=True,
            postgresql_where=text("restored_at IS NULL"),
        ),
        Index(
            "uq_voids_batch_id",
            "batch_id",
            unique=True,
            postgresql_where=text("restored_at IS NULL"),
        ),
    )
