"""How far units are with targets: what was reached, of how many, and what is not known of it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.schemas import Target
from app.campaigns.tables import Campaign, CampaignPopulation
from app.counts import origins, sums
from app.counts.layouts import layouts_of
from app.counts.selection import Counted, Selection
from app.responses.tables import Channel
from app.results import queries as results
from app.results import rates
from app.results.counting import Respondents
from app.results.coverage import queries
from app.results.coverage.issued import service as issued
from app.results.released import View

Responded = Counter[tuple[str | None, int, int | None]]
"""Responses by unit code, population and channel."""


@dataclass(frozen=True)
class Line:
    """One of a population's targets."""

    population: CampaignPopulation
    number: int
    target: Target

    @property
    def basis(self) -> str:
        """What it is a share of, as `queries.silent` names it."""
        if self.target.basis == "issued":
            return queries.issued_to(self.population.position)
        return self.target.basis


def lines(populations: Iterable[CampaignPopulation]) -> list[Line]:
    """All targets of populations, in order."""
    return [
        Line(population, number, Target.model_validate(stored))
        for population in populations
        for number, stored in enumerate(population.targets)
    ]


@dataclass(frozen=True)
class Standing:
    """How far one unit is with one target. What is not known is None."""

    basis: int | None
    missing: int
    """Units below of which the basis, a sum, knows nothing."""
    required: int | None
    responded: int
    share: float | None
    met: bool | None
    gap: int | None


@dataclass
class Reach:
    """What is known of the units of one kind."""

    responded: Responded
    heads: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By unit code and basis."""
    issued: Mapping[tuple[str, int, int], int] = field(default_factory=dict)
    """By unit code, population and channel."""
    returning: Mapping[int, Collection[int]] = field(default_factory=dict)
    """By population, the channels that bring back what was handed out."""
    silent: Mapping[tuple[str, str], Sequence[tuple[str, str]]] = field(default_factory=dict)
    """By unit code and basis, the units that the basis lacks: code and kind."""
    responded_below: Mapping[str, Responded] = field(default_factory=dict)
    """By kind, for those kinds that the silent units are of."""
    populations: Sequence[int] = ()

    def channels(self, line: Line) -> Collection[int]:
        """Through which channels responses count for a target."""
        if line.target.channel is not None:
            return (Channel[line.target.channel],)
        if line.target.basis == "issued":
            return self.returning.get(line.population.position, ())
        return tuple(Channel)

    def standing(self, unit: str, line: Line) -> Standing:
        """How far a unit is with a target."""
        channels = self.channels(line)
        position = line.population.position
        responded = _sum(self.responded, unit, position, channels)
        basis = self._basis(unit, line, channels)
        if basis is None:
            return Standing(None, 0, None, responded, None, None, None)
        required = rates.required(line.target.share, basis, line.target.at_least)
        missing, outside = self._lacking(unit, line, channels)
        short = required - responded
        met: bool | None = short <= 0
        if missing and met:
            met = None
        return Standing(
            basis=basis,
            missing=missing,
            required=required,
            responded=responded,
            share=rates.share(responded - outside, basis),
            met=met,
            gap=None if met is None else max(short, 0),
        )

    def _basis(self, unit: str, line: Line, channels: Collection[int]) -> int | None:
        position = line.population.position
        if line.target.basis == "respondents":
            # Of nobody's answers no share is reached, and none is missed.
            return (
                sum(_sum(self.responded, unit, one, channels) for one in self.populations) or None
            )
        if line.target.basis == "issued":
            found = [self.issued.get((unit, position, one)) for one in channels]
            known = [one for one in found if one is not None]
            return sum(known) if known else None
        return self.heads.get((unit, line.target.basis))

    def _lacking(self, unit: str, line: Line, channels: Collection[int]) -> tuple[int, int]:
        """How many units the basis lacks, and how many responses come from them."""
        position = line.population.position
        from_each = [
            _sum(self.responded_below[kind], code, position, channels)
            for code, kind in self.silent.get((unit, line.basis), ())
        ]
        if line.target.basis == "issued":
            from_each = [one for one in from_each if one]
        return len(from_each), sum(from_each)


def _sum(responded: Responded, unit: str, population: int, channels: Iterable[int]) -> int:
    return sum(responded[unit, population, one] for one in channels)


async def reached(
    session: AsyncSession,
    campaign: Campaign,
    populations: Sequence[CampaignPopulation],
    *,
    root_id: int,
    level: str,
    view: View,
    asked: Sequence[Line] | None = None,
) -> Reach:
    """How far the units of a kind within a unit are with targets, live or as of a release.

    `asked`: with which; by default all of the populations' own.
    """
    asked = lines(populations) if asked is None else asked
    responded = await _responded(session, campaign, populations, root_id, level, view)
    found = Reach(responded, populations=[one.position for one in populations])
    if not asked:
        return found
    found.heads = await results.bases(session, root_id, level=level, period=campaign.period)
    if any(line.target.basis == "issued" for line in asked):
        found.issued = await _issued(session, campaign.id, root_id, level)
        with_invitations = await queries.invited(session, campaign.id)
        found.returning = await issued.returning(session, campaign.id, with_invitations)
    silent: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in await queries.silent(
        session,
        root_id,
        level=level,
        period=campaign.period,
        campaign_id=campaign.id,
        bases={line.basis for line in asked},
    ):
        silent[row.unit, row.basis].append((row.code, row.kind))
    found.silent = silent
    found.responded_below = {
        kind: await _responded(session, campaign, populations, root_id, kind, view)
        for kind in sorted({kind for units in silent.values() for _, kind in units})
    }
    return found


async def _issued(
    session: AsyncSession, campaign_id: int, root_id: int, level: str
) -> dict[tuple[str, int, int], int]:
    revoked = await queries.revoked_batches(session, campaign_id)
    # What came back was issued, whatever became of the rest.
    answered = await origins.answered(session, campaign_id, origins.BATCH, revoked)
    rows = await queries.issued(
        session,
        campaign_id,
        root_id,
        level=level,
        invitation=Channel.invitation,
        answered=answered,
    )
    return {(row.unit, row.population, row.channel): int(row.n) for row in rows}


async def _responded(
    session: AsyncSession,
    campaign: Campaign,
    populations: Sequence[CampaignPopulation],
    root_id: int,
    level: str,
    view: View,
) -> Responded:
    selection = Selection(
        campaign_id=campaign.id,
        root_id=root_id,
        layouts=await layouts_of(session, populations),
        level=level,
        by_channel=True,
        respondents_only=view.exact,
    )
    seen = await view.seen(session, selection)
    return added(seen.respondents if seen.respondents is not None else respondents(seen.found))


def respondents(found: Iterable[Counted]) -> Iterator[Respondents]:
    """The respondents of groups whose sums say them."""
    for one in found:
        yield Respondents(one.unit, one.population, one.channel, one.sums[sums.RESPONDENTS])


def added(groups: Iterable[Respondents]) -> Responded:
    """Respondents by unit, population and channel."""
    responded: Responded = Counter()
    for unit, population, channel, n in groups:
        responded[unit, population, channel] += n
    return responded
