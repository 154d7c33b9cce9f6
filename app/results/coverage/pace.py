"""How fast responses come in, and when a target is met at this pace. Pure functions of numbers."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from app.core import clock

DAYS = 7
HORIZON = timedelta(days=366)
"""Beyond it nobody should be told a day: no pace lasts so long."""


@dataclass(frozen=True)
class Window:
    """The last days of a campaign that takes answers."""

    since: date
    today: date
    last: date
    """The last day on which it is open."""

    @property
    def days(self) -> int:
        """How many they are; today, which is not over, is one of them."""
        return (self.today - self.since).days + 1

    def pace(self, responses: int) -> Fraction:
        """Responses a day, of so many in these days."""
        return Fraction(responses, self.days)

    def expected_on(self, gap: int, pace: Fraction) -> date | None:
        """The day at whose end so many more have come in, if each from tomorrow on brings the pace.

        None without a gap or a pace, and beyond the horizon.
        """
        if gap <= 0 or pace <= 0:
            return None
        days = math.ceil(gap / pace)
        return self.today + timedelta(days) if days <= HORIZON.days else None


def window(opens_at: datetime, closes_at: datetime, now: datetime) -> Window | None:
    """The last seven days in Asia/Shanghai, or since opening; None outside of the two instants."""
    if not opens_at <= now < closes_at:
        return None
    today = clock.day_of(now)
    return Window(
        since=max(clock.day_of(opens_at), today - timedelta(days=DAYS - 1)),
        today=today,
        # Who closes at midnight is not open on the day that begins then.
        last=clock.day_of(closes_at - timedelta(microseconds=1)),
    )
