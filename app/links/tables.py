"""Tables of links: short links, and batches of invitations."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


def _population() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["campaign_id", "population"],
        ["campaign_populations.campaign_id", "campaign_populations.position"],
    )


class Link(Base):
    """A short public link: one campaign, population and unit."""

    __tablename__ = "links"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    campaign_id: Mapped[int]
    population: Mapped[int]
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        _population(),
        Index(
            "uq_links_in_force",
            "campaign_id",
            "population",
            "unit_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )


class InvitationBatch(Base):
    """Invitations made together. Their tokens are signed, and stored nowhere."""

    __tablename__ = "invitation_batches"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    campaign_id: Mapped[int]
    population: Mapped[int]
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    count: Mapped[int]
    key_id: Mapped[bytes]
    """Which subkey signed them, so that the same request can be replied to again."""
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    roster: Mapped[int | None]
    """The roster whose people are invited, named by the first of its batches; null where nobody
    is known by more than the invitation."""

    __table_args__ = (
        _population(),
        CheckConstraint("count BETWEEN 1 AND 1000000", "count"),
        Index(None, "campaign_id", "population", "unit_id"),
    )
