"""Rules of rankings: who is ranked, by what, and beside whom."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign, CampaignPopulation
from app.counts.layouts import layouts_of
from app.counts.selection import Selection
from app.questionnaires.layout import Layout
from app.results import ordering, queries
from app.results.counting import Asked
from app.results.coverage.reach import lines, reached
from app.results.heads import Heads, heads_at
from app.results.ranking.schemas import (
    AmongSiblings,
    Because,
    BottomUnit,
    Equity,
    RankedUnit,
    RankingOut,
    RankingQuery,
)
from app.results.ranking.standings import Standing, standings
from app.results.released import View, view_of
from app.results.service import asked_about, chosen, scope, units_at
from app.results.statistics import ranks, spread
from app.units.schemas import UnitRef

BOTTOM = 10
"""How many of the lowest are named, and who ties with the last of them."""


class Placed(NamedTuple):
    """Where a row of a ranking stands."""

    unranked: bool
    rank: int
    unit: str


@dataclass(frozen=True)
class _Field:
    """All that is to be ranked."""

    units: Mapping[str, str]
    """Names by code."""
    standing: Mapping[str | None, Standing]
    because: Mapping[str, list[Because]]
    """Why units are not ranked; of those that are, nothing."""
    rates: Mapping[str, Fraction]
    """Of the units that are ranked."""
    ranks: Mapping[str, int]
    ranges: Mapping[str, tuple[int, int] | None]
    siblings: Mapping[str, AmongSiblings]


async def ranking(
    session: AsyncSession, caller: Principal, campaign: Campaign, query: RankingQuery
) -> RankingOut:
    """The units of one kind by their rates in the campaign's headline channels.

    Errors: NoRelease for who may read only releases; NotFound for `within`; InvalidInput for an
    unknown population, question or cursor, and for more units than `MAX_ROWS`.
    """
    view = await view_of(session, caller, campaign, query.release)
    beyond = ordering.after(query.cursor, Placed)
    root_id = await scope(session, caller, campaign, query.within)
    populations = chosen(await campaigns.populations(session, campaign.id), query.population)
    layouts = await layouts_of(session, populations)
    reading = _Reading(session, campaign, view, query, root_id, populations, layouts)
    units = await units_at(session, root_id, query.level)
    heads = await reading.heads(query.level)
    standing = await reading.standings(query.level, heads)
    behind = await _behind(reading, units)
    because = _because(units, standing, campaign, behind)
    field = await _ranked(reading, units, standing, because)
    codes = {one.position: one.code for one in populations}
    rows, following = await ordering.page(
        _rows(field, codes, beyond), beyond=beyond, limit=query.limit
    )
    reply = RankingOut(
        campaign=campaign.code,
        sandbox=campaign.sandbox_of is not None,
        as_of=view.as_of,
        exact=view.exact,
        level=query.level,
        population=query.population,
        question=query.question,
        headline_channels=campaign.headline_channels,
        min_rank=campaign.min_rank,
        ranked=len(field.rates),
        equity=_equity(field.rates, heads),
        bottom=_bottom(field),
        rows=rows,
        next=following,
    )
    if view.release is not None:
        reply.release = view.release.number
    return reply


@dataclass(frozen=True)
class _Reading:
    """What is read, at one level of the tree or another."""

    session: AsyncSession
    campaign: Campaign
    view: View
    query: RankingQuery
    root_id: int
    populations: Sequence[CampaignPopulation]
    layouts: Mapping[int, Layout]

    @property
    def asked(self) -> Asked:
        return asked_about(self.query.question, self.layouts)

    async def heads(self, level: str) -> Heads:
        return await heads_at(
            self.session, self.campaign, self.populations, root_id=self.root_id, level=level
        )

    async def standings(self, level: str, heads: Heads) -> Mapping[str | None, Standing]:
        selection = Selection(
            campaign_id=self.campaign.id,
            root_id=self.root_id,
            layouts=self.layouts,
            level=level,
            by_channel=True,
            clean=self.query.quality == "clean",
        )
        seen = await self.view.seen(self.session, selection)
        return standings(
            seen,
            self.asked,
            self.populations,
            heads=heads,
            channels=self.campaign.headline_channels,
        )


async def _behind(reading: _Reading, units: Collection[str]) -> set[str]:
    """The units that have not met a target of the populations and channels that are ranked.

    Of a release as of then: its ranking stays what it was. What is not known holds nobody back.
    """
    campaign = reading.campaign
    headline = campaign.headline_channels
    ours = [
        line
        for line in lines(reading.populations)
        if headline is None or line.target.channel is None or line.target.channel in headline
    ]
    reach = await reached(
        reading.session,
        campaign,
        await campaigns.populations(reading.session, campaign.id),
        root_id=reading.root_id,
        level=reading.query.level,
        view=reading.view,
        asked=ours,
    )
    return {code for code in units if any(reach.standing(code, line).met is False for line in ours)}


def _because(
    units: Collection[str],
    standing: Mapping[str | None, Standing],
    campaign: Campaign,
    behind: Collection[str],
) -> dict[str, list[Because]]:
    found: dict[str, list[Because]] = {}
    for code in units:
        one = standing.get(code)
        reasons: list[Because] = []
        if one is not None and one.hidden:
            reasons.append("suppressed")
        elif one is None or one.n < campaign.min_rank or one.rate is None:
            reasons.append("too_few")
        if code in behind:
            reasons.append("below_target")
        found[code] = reasons
    return found


async def _ranked(
    reading: _Reading,
    units: Mapping[str, str],
    standing: Mapping[str | None, Standing],
    because: Mapping[str, list[Because]],
) -> _Field:
    rates = {
        code: rate
        for code in sorted(units)
        if not because[code] and (rate := standing[code].rate) is not None
    }
    ranges = ranks.rank_ranges([standing[code].interval for code in rates])
    return _Field(
        units=units,
        standing=standing,
        because=because,
        rates=rates,
        ranks=_ranks(rates),
        ranges=dict(zip(rates, ranges, strict=True)),
        siblings=await _siblings(reading, standing, rates),
    )


def _ranks(rates: Mapping[str, Fraction]) -> dict[str, int]:
    return dict(zip(rates, ranks.ranks(list(rates.values())), strict=True))


async def _siblings(
    reading: _Reading, standing: Mapping[str | None, Standing], rates: Mapping[str, Fraction]
) -> dict[str, AmongSiblings]:
    """Every unit whose parent is read too, beside the others under that parent."""
    parents = await queries.parents(reading.session, reading.root_id, reading.query.level)
    above: dict[str, Standing] = {}
    for kind in sorted({one.kind for one in parents.values()}):
        found = await reading.standings(kind, await reading.heads(kind))
        above.update({code: one for code, one in found.items() if code is not None})
    families: dict[str, dict[str, Fraction]] = {}
    for code, rate in rates.items():
        if code in parents:
            families.setdefault(parents[code].code, {})[code] = rate
    placed = {family: _ranks(of) for family, of in families.items()}
    return {
        code: _among(
            parent, placed.get(parent.code, {}).get(code), standing.get(code), above, families
        )
        for code, parent in parents.items()
    }


def _among(
    parent: Any,
    rank: int | None,
    standing: Standing | None,
    above: Mapping[str, Standing],
    families: Mapping[str, Mapping[str, Fraction]],
) -> AmongSiblings:
    over = above.get(parent.code)
    parent_rate = over.rate if over else None
    rate = standing.rate if standing else None
    return AmongSiblings(
        parent=UnitRef(code=parent.code, name=parent.name),
        rank=rank,
        of=len(families.get(parent.code, {})),
        parent_rate=None if parent_rate is None else float(parent_rate),
        difference=None if rate is None or parent_rate is None else float(rate - parent_rate),
    )


def _rows(
    field: _Field, populations: Mapping[int, str], beyond: Placed | None
) -> Iterator[tuple[Placed, RankedUnit]]:
    ranked = ((field.ranks.get(code), code) for code in field.units)
    for place in sorted(Placed(rank is None, rank or 0, code) for rank, code in ranked):
        if beyond is None or place > beyond:
            yield place, _row(field, populations, place.unit)


def _row(field: _Field, populations: Mapping[int, str], code: str) -> RankedUnit:
    standing = field.standing.get(code, Standing())
    rate, rank = standing.rate, field.ranks.get(code)
    return RankedUnit(
        unit=UnitRef(code=code, name=field.units[code]),
        rank=rank,
        rank_range=field.ranges.get(code),
        rate=None if rate is None else float(rate),
        interval=standing.interval,
        interval_kind=standing.kind,
        respondents=standing.respondents,
        n=standing.n,
        insufficient=rank is None,
        because=field.because[code],
        mode=standing.mode,
        shares={populations[one]: float(share) for one, share in standing.shares.items()},
        among_siblings=field.siblings.get(code),
    )


def _bottom(field: _Field) -> list[BottomUnit]:
    codes, rates = list(field.rates), list(field.rates.values())
    return [
        BottomUnit(
            unit=UnitRef(code=codes[place], name=field.units[codes[place]]),
            rank=field.ranks[codes[place]],
            rate=float(rates[place]),
        )
        for place in ranks.bottom(rates, BOTTOM)
    ]


def _equity(rates: Mapping[str, Fraction], heads: Heads) -> Equity:
    weighed = [
        (float(rate), students)
        for code, rate in rates.items()
        if (students := heads.stated.get((code, "students"))) is not None
    ]
    values, weights = [rate for rate, _ in weighed], [float(m) for _, m in weighed]
    return Equity(
        coefficient_of_variation=spread.coefficient_of_variation(values, weights),
        mean=spread.weighted_mean(values, weights),
        weighted_by="students",
        units=len(weighed),
    )
