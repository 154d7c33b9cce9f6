"""What all processes know together of WeChat: sealed, for a short while, not logged."""

from datetime import datetime

from sqlalchemy import LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.sql import Instant


class WeChatExchange(Base):
    """A code that was exchanged, or is being exchanged, by one process for all."""

    __tablename__ = "wechat_exchanges"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """An HMAC of the browser's nonce and the code."""
    outcome: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sealed: who it is, or why that is not known; none while WeChat is being asked."""
    expires_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = ({"prefixes": ["UNLOGGED"]},)


class WeChatPass(Base):
    """The access token or the ticket of an account, which one process renews for all."""

    __tablename__ = "wechat_passes"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    """Whose and which, such as wx0123/ticket."""
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    renewed_at: Mapped[datetime | None] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    """From when on it is to be renewed, though it is still good."""
    expires_at: Mapped[datetime] = mapped_column(Instant)
    leased_until: Mapped[datetime] = mapped_column(Instant)
    """Until when one process is trusted to renew it."""

    __table_args__ = ({"prefixes": ["UNLOGGED"]},)
