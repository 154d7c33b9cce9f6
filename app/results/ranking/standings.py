"""How each unit stands before it is ranked: its rate over the populations, and of what."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from app.campaigns.tables import CampaignPopulation
from app.counts import sums
from app.counts.selection import Counted
from app.responses.tables import Channel
from app.results.composite import rate_of, shares_of
from app.results.counting import Asked, Respondents
from app.results.estimates import Estimate, estimate, kind_of, mixed, took_sides
from app.results.heads import Heads
from app.results.ranking.schemas import Mode
from app.results.released import Seen
from app.results.schemas import IntervalKind
from app.results.statistics.proportions import Interval

_MODES: dict[int, Mode] = {
    Channel.phone: "phone",
    Channel.wechat: "online",
    Channel.link: "online",
    Channel.invitation: "online",
    Channel.onsite: "onsite",
    Channel.paper: "paper",
}


def mode_of(channels: Collection[int]) -> Mode | None:
    """How people were asked who answered through these channels; None without any."""
    modes = {_MODES[channel] for channel in channels}
    if len(modes) > 1:
        return "mixed"
    return next(iter(modes), None)


@dataclass
class Standing:
    """What one unit's people said through the channels that count."""

    numbers: dict[int, Sequence[int]] = field(default_factory=dict)
    """The sums, by population."""
    channels: set[int] = field(default_factory=set)
    n: int = 0
    """Persons who took a side, as `estimates.took_sides` has them."""
    estimates: list[Estimate] = field(default_factory=list)
    """Of the populations that have votes."""
    shares: dict[int, Fraction] = field(default_factory=dict)
    """Their shares in the rate, by position."""
    answering: int = 0
    """Persons who answered, also those whose answers a release hides."""

    @property
    def hidden(self) -> bool:
        """Whether people answered and nothing of it is shown."""
        return self.answering > 0 and self.respondents == 0

    def add(self, counted: Counted) -> None:
        """Add the sums of one group."""
        before = self.numbers.get(counted.population)
        added = counted.sums if before is None else sums.added((before, counted.sums))
        self.numbers[counted.population] = added
        if counted.channel is not None and counted.sums[sums.RESPONDENTS]:
            self.channels.add(counted.channel)

    @property
    def respondents(self) -> int:
        """Persons who answered."""
        return sum(numbers[sums.RESPONDENTS] for numbers in self.numbers.values())

    @property
    def rate(self) -> Fraction | None:
        """The composite of the populations, exactly; of one its rate. None without votes."""
        return rate_of(self.estimates, self.shares)

    @property
    def interval(self) -> Interval | None:
        """The interval of the rate."""
        return mixed(self.estimates, [self.shares[one.population] for one in self.estimates])

    @property
    def kind(self) -> IntervalKind:
        """What that interval is."""
        return "none" if self.interval is None else kind_of(self.channels)

    @property
    def mode(self) -> Mode | None:
        """How these people were asked."""
        return mode_of(self.channels)


def _counts(group: Counted | Respondents, asked: Asked, channels: Collection[str] | None) -> bool:
    named = group.channel is not None and Channel(group.channel).name
    return group.population in asked.places and (channels is None or named in channels)


def standings(
    seen: Seen,
    asked: Asked,
    populations: Sequence[CampaignPopulation],
    *,
    heads: Heads,
    channels: Collection[str] | None,
) -> Mapping[str | None, Standing]:
    """How every unit with responses stands, by its code; None is the whole that is not by unit.

    `channels` None takes all of them.
    """
    counted: dict[str | None, Standing] = {}
    for one in seen.found:
        if _counts(one, asked, channels):
            counted.setdefault(one.unit, Standing()).add(one)
    for group in seen.respondents or ():
        if _counts(group, asked, channels):
            counted.setdefault(group.unit, Standing()).answering += group.respondents
    for unit, standing in counted.items():
        estimates = [
            estimate(asked, population, numbers, heads.of(unit, population))
            for population, numbers in standing.numbers.items()
        ]
        standing.estimates = [one for one in estimates if one.votes.v]
        standing.shares = shares_of(populations, standing.estimates)
        standing.n = sum(
            took_sides(asked, population, numbers)
            for population, numbers in standing.numbers.items()
        )
    return counted
