"""The table in which processes add up what nears its limit."""

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base


class LimitCount(Base):
    """What all processes have counted of one key in one minute. Not logged: lost in a crash."""

    __tablename__ = "limit_counts"

    minute: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """Minutes since 1970."""
    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """A hash of policy and key: no address stands here."""
    used: Mapped[int]

    __table_args__ = ({"prefixes": ["UNLOGGED"]},)
