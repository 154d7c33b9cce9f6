"""Time: instants are UTC, days are those of Asia/Shanghai."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def day_of(instant: datetime) -> date:
    """The day in Asia/Shanghai that an instant falls on."""
    return instant.astimezone(SHANGHAI).date()
