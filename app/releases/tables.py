"""Tables of releases: what the public was shown of a campaign, and from when until when."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


class Release(Base):
    """A numbered, frozen set of figures."""

    __tablename__ = "releases"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """From 1, without gaps."""
    as_of: Mapped[datetime] = mapped_column(Instant)
    """Responses acknowledged before are in its respondents."""
    final: Mapped[bool]
    """After the last delivery: what stood apart until then is pooled, and no release follows."""
    min_cell: Mapped[int]
    respondents: Mapped[int] = mapped_column(BigInteger)
    """Persons with a counted response."""
    included: Mapped[int] = mapped_column(BigInteger)
    """Those of them whose answers are in its figures."""
    hidden: Mapped[int]
    """Cells with respondents, and no figures."""
    digest: Mapped[bytes]
    """SHA-256 of everything that it shows."""

    __table_args__ = (CheckConstraint("number >= 1", "number"),)


class ReleasedCell(Base):
    """What releases show of one cell, from the first until the last one that show it so."""

    __tablename__ = "released_cells"

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True)
    population: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    channel: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    pooled: Mapped[bool] = mapped_column(primary_key=True)
    """Whether it holds what was left over in cells of the units below, rather than the cell."""
    first_release: Mapped[int] = mapped_column(primary_key=True)
    last_release: Mapped[int | None]
    """None: it is shown still."""
    respondents: Mapped[int]
    """Of the cell, at its first release; 0 where it is pooled, since the cells have them."""
    sums: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    """Its figures, as running counts have them; None: hidden."""

    __table_args__ = (
        Index("ix_released_cells_campaign_id_last_release", "campaign_id", "last_release"),
    )
