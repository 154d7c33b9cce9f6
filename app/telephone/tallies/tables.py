"""Tables of tallies: every revision of every batch, its rows, and the guard against counting twice.

Nothing of a person stands here.
"""

from datetime import date, datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


class Tally(Base):
    """One revision of one batch of counts; the highest is the one that counts."""

    __tablename__ = "tallies"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    source_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    """The client that delivered it."""
    batch: Mapped[str] = mapped_column(Text)
    """The source's own name for it."""
    revision: Mapped[int]
    channel: Mapped[int] = mapped_column(SmallInteger)
    as_of: Mapped[datetime] = mapped_column(Instant)
    """When the counts were as they are here."""
    source_note: Mapped[str | None] = mapped_column(Text)
    method: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(BYTEA)
    """SHA-256 of the content, whatever its spelling: is it the same again?"""
    rows: Mapped[int]
    """How many there are; a revision without rows withdraws its batch."""
    respondents: Mapped[int] = mapped_column(BigInteger)
    """Over all rows."""
    received_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())

    __table_args__ = (
        UniqueConstraint("campaign_id", "source_id", "batch", "revision"),
        CheckConstraint("revision >= 1", "revision"),
    )


class TallyRow(Base):
    """The counts of one unit and population in one revision of a batch.

    Rows are kept when a later revision takes their place, and no longer live. Of one source, one
    live row at most is about the same unit, population and channel.
    """

    __tablename__ = "tally_rows"

    tally_id: Mapped[int] = mapped_column(ForeignKey("tallies.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True)
    population: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    campaign_id: Mapped[int]
    source_id: Mapped[int]
    channel: Mapped[int] = mapped_column(SmallInteger)
    day: Mapped[date]
    """The day of `as_of` in Asia/Shanghai."""
    live: Mapped[bool]
    """Whether it counts."""
    respondents: Mapped[int]
    cells: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    """Respondents in each cell of the layout of the population's questionnaire version."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["campaign_id", "population"],
            ["campaign_populations.campaign_id", "campaign_populations.position"],
        ),
        CheckConstraint("respondents >= 0", "respondents"),
        Index(
            "uq_tally_rows_live",
            "campaign_id",
            "population",
            "unit_id",
            "channel",
            "source_id",
            unique=True,
            postgresql_where=text("live"),
        ),
    )


class SourceKind(Base):
    """How a source tells of the answers of a unit's population: one by one, or counted.

    The key is what keeps it from doing both. The row of tallies goes with the last live one; that
    of interviews stays.
    """

    __tablename__ = "source_kinds"

    # No foreign key: whoever changes the campaign would wait for every delivery.
    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True)
    population: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    """`interviews` or `tallies`."""

    __table_args__ = (CheckConstraint("kind IN ('interviews', 'tallies')", "kind"),)
