"""Tables of campaigns: waves, their populations, their keys."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant

STATES = ("draft", "open", "closed", "archived")


class Campaign(Base):
    """A wave: who is asked what, where, when and under which rules."""

    __tablename__ = "campaigns"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    period: Mapped[str | None] = mapped_column(Text)
    region_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    """The unit that owns it, and the subtree that it runs in."""
    opens_at: Mapped[datetime] = mapped_column(Instant)
    closes_at: Mapped[datetime] = mapped_column(Instant)
    delivery_days: Mapped[int] = mapped_column(SmallInteger)
    identity: Mapped[list[str]] = mapped_column(ARRAY(Text))
    once_per: Mapped[str] = mapped_column(Text)
    on_duplicate: Mapped[str] = mapped_column(Text)
    min_cell: Mapped[int]
    min_rank: Mapped[int]
    headline_channels: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    contact: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    legal: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    purpose: Mapped[str | None] = mapped_column(Text)
    """What the answers are for, as people are told before they answer."""
    retention_days: Mapped[int] = mapped_column(SmallInteger, server_default="180")
    """Days after the last delivery for which what could lead to a person is kept."""
    answers_shown_minutes: Mapped[int] = mapped_column(server_default="30")
    """For so long after answering a receipt shows the answers."""
    erased_at: Mapped[datetime | None] = mapped_column(Instant)
    """When that was erased; the identity key went with it."""
    state: Mapped[str] = mapped_column(Text, server_default="draft")
    revision: Mapped[int] = mapped_column(server_default="1")
    """Goes up with every change of the campaign, its links or its batches: what a process has
    cached is valid exactly while this stands, and the intake checks it in its own statement."""
    sandbox_of: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id"), unique=True)
    """The campaign that this one is for trying: it behaves the same, and counts nowhere."""
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())

    __table_args__ = (
        CheckConstraint("state IN ('draft', 'open', 'closed', 'archived')", "state"),
        CheckConstraint("once_per IN ('campaign', 'population', 'unit')", "once_per"),
        CheckConstraint("on_duplicate IN ('keep_first', 'keep_last')", "on_duplicate"),
        CheckConstraint("closes_at > opens_at", "window"),
        CheckConstraint("min_cell >= 5", "min_cell"),
        CheckConstraint("retention_days >= 1", "retention_days"),
        CheckConstraint("answers_shown_minutes >= 0", "answers_shown_minutes"),
    )


class CampaignPopulation(Base):
    """One population of a campaign: its questionnaire version, weight and targets."""

    __tablename__ = "campaign_populations"

    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    """Its number within the campaign, from 0: what responses are stored under."""
    code: Mapped[str] = mapped_column(Text)
    questionnaire_id: Mapped[int]
    version: Mapped[int]
    weight: Mapped[float | None]
    under_14: Mapped[bool] = mapped_column(server_default="false")
    """Children: no identifier of theirs is taken, only anonymous invitations."""
    max_children: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    """For how many children one person may answer, once for each."""
    targets: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)

    __table_args__ = (
        CheckConstraint("max_children BETWEEN 1 AND 9", "max_children"),
        UniqueConstraint("campaign_id", "code"),
        ForeignKeyConstraint(
            ["questionnaire_id", "version"],
            ["questionnaire_versions.questionnaire_id", "questionnaire_versions.version"],
        ),
    )


class CampaignKey(Base):
    """A key of a campaign, wrapped by the keyring. Deleting the row destroys the key."""

    __tablename__ = "campaign_keys"

    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True
    )
    purpose: Mapped[str] = mapped_column(Text, primary_key=True)
    """`identity`: fingerprints of persons. `receipt`: receipts, which outlive the identities."""
    wrapped: Mapped[bytes]

    __table_args__ = (CheckConstraint("purpose IN ('identity', 'receipt')", "purpose"),)
