"""Tables of running counts: sums over the ledger of responses, kept by folding."""

from datetime import date, datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant

CHANNEL = "xinsheng_counts"
"""On which changes are announced (PostgreSQL's NOTIFY); a message is the id of a campaign."""


class RunningCount(Base):
    """The sums over a group of ledger rows that were folded; see `sums` for what stands where.

    A unit has the sums of what was given to itself, and apart from them of what was given to the
    units below it; each by day, and over all days.
    """

    __tablename__ = "running_counts"

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """The day of answering in Asia/Shanghai; infinity for all days together."""
    below: Mapped[bool] = mapped_column(primary_key=True)
    """Whether it counts what was given to the units below, rather than to the unit itself."""
    population: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    channel: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    flagged: Mapped[bool] = mapped_column(primary_key=True)
    """Whether it counts the doubtful responses, rather than the clean ones."""
    sums: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class OriginCount(Base):
    """How many of a population's folded responses came through a link, a batch or a contractor."""

    __tablename__ = "origin_counts"

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    origin_id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    """What `origin_id` names: a link's id means nothing among those of batches."""
    population: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    responses: Mapped[int] = mapped_column(BigInteger)


class FoldedCampaign(Base):
    """The shape of the tree that a campaign's sums `below` were made for."""

    __tablename__ = "folded_campaigns"

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    tree_moves: Mapped[int] = mapped_column(BigInteger)


class Folding(Base):
    """How far the ledger is folded: one row, changed together with the sums."""

    __tablename__ = "folding"

    single: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    folded_below: Mapped[int] = mapped_column(BigInteger)
    """Every row of a transaction below this one is in the sums, and no other row is."""
    seen_below: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    """At `seen_at`, everything that was committed was of a transaction below `seen_below`."""
    folded_until: Mapped[datetime] = mapped_column(Instant)
    """Everything that was committed by then is in the sums."""
    server: Mapped[int] = mapped_column(BigInteger)
    """The PostgreSQL cluster whose transactions the rows name: their ids don't travel."""

    __table_args__ = (CheckConstraint("single", "single"),)
