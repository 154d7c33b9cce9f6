"""Tables of retention: what was destroyed, and which files may still hold campaigns' keys."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


class Destruction(Base):
    """A campaign's identity key was destroyed, with what hung on it."""

    __tablename__ = "destructions"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    cause: Mapped[str] = mapped_column(Text, primary_key=True)
    """`command`: somebody asked for it. `retention`: its time was over; texts went too."""
    destroyed_at: Mapped[datetime] = mapped_column(Instant)
    erased: Mapped[dict[str, int]] = mapped_column(JSONB)
    """How many rows of what."""
    recorded_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    """When this database learnt of it: later than `destroyed_at` where it was restored since."""

    __table_args__ = (CheckConstraint("cause IN ('command', 'retention')", "cause"),)


class KeysFile(Base):
    """A backup's file of campaigns' keys, as the folder was seen when one was last made there."""

    __tablename__ = "key_files"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    """As the file's header has it."""
    folder: Mapped[str] = mapped_column(Text, primary_key=True)
    made_at: Mapped[datetime] = mapped_column(Instant)
    kept_days: Mapped[int | None]
    """The newest `--keep-keys` that was used with the folder; None where none ever was."""

    __table_args__ = (CheckConstraint("kept_days >= 1", "kept_days"),)
