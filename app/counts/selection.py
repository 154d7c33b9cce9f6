"""What is read of the counts, and what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from app.questionnaires.layout import Layout
from app.responses.tables import Channel

Source = Literal["all", "individual", "tally"]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which of a campaign's responses are counted, and what they are grouped by."""

    campaign_id: int
    root_id: int
    """Only responses given to this unit and all below it."""
    layouts: Mapping[int, Layout]
    """The populations to count, by position, and how their answers lie."""
    level: str | None = None
    """The kind of unit to group by; None: not by unit."""
    by_channel: bool = False
    by_day: bool = False
    since: date | None = None
    """Only responses of this day of answering and later; with `by_day` alone."""
    channel: Channel | None = None
    source: Source = "all"
    """Single responses, counts that were aggregated elsewhere, or both. The latter are clean."""
    clean: bool = False
    """Whether responses that were flagged are left out."""
    respondents_only: bool = False
    """Whether the sums end after the number of respondents."""


class Counted(NamedTuple):
    """The sums of one group. What is not grouped by is None."""

    unit: str | None
    """The code of the unit at the asked level; None also for what was given to a unit above."""
    unit_name: str | None
    population: int
    """Always grouped by: sums mean something only within one population's layout."""
    channel: int | None
    day: date | None
    sums: Sequence[int]
    """See `sums` for what stands where."""
