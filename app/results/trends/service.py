"""Rules of trends: which rates follow on each other, and whether a change means anything."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.problems import FieldError, InvalidInput
from app.counts.layouts import layouts_of
from app.counts.selection import Selection
from app.questionnaires.layout import Layout
from app.results.comparing import comparable
from app.results.counting import questions
from app.results.estimates import Estimate, joined
from app.results.heads import heads_at
from app.results.ranking.standings import Standing, standings
from app.results.released import view_of
from app.results.service import asked_about, chosen, scope
from app.results.statistics import clusters, proportions
from app.results.trends.schemas import (
    Change,
    Incomparable,
    TrendOut,
    TrendPoint,
    TrendQuery,
    campaigns_of,
)
from app.units.schemas import UnitRef
from app.units.tables import Unit


@dataclass(frozen=True)
class _Wave:
    """What one campaign says about the unit."""

    campaign: Campaign
    layout: Layout
    asked: bool
    channels: Sequence[str] | None
    standing: Standing

    @property
    def estimate(self) -> Estimate | None:
        """Of the one population; None without votes."""
        return next(iter(self.standing.estimates), None)

    @property
    def n(self) -> float:
        """Independent answers that its rate is worth."""
        return clusters.effective(self.estimate.votes) if self.estimate else 0.0


async def trend(session: AsyncSession, caller: Principal, query: TrendQuery) -> TrendOut:
    """One unit's rate in each campaign, and what changed since the one before.

    Of each the live one, or for who may read only releases the latest release. Errors: NoRelease
    for a campaign without one; NotFound for a campaign, or a unit in one of them; InvalidInput for
    a population that one lacks, a question that all lack, a sandbox.
    """
    as_of = clock.now()
    waves = []
    unit_id = None
    for code in campaigns_of(query.campaigns):
        campaign = await campaigns.visible(session, caller, code)
        if campaign.sandbox_of is not None:
            message = "Leave sandboxes out: what is tried there is nobody's opinion."
            raise InvalidInput(errors=[FieldError("?campaigns", "sandbox", message)])
        unit_id = await scope(session, caller, campaign, query.unit)
        waves.append(await _wave(session, caller, campaign, unit_id, query))
    if not any(wave.asked for wave in waves):  # then it says what would be right
        asked_about(query.question, {0: waves[0].layout})
    unit = await session.get_one(Unit, unit_id)
    before: list[_Wave | None] = [None, *waves]
    return TrendOut(
        unit=UnitRef(code=unit.code, name=unit.name),
        population=query.population,
        question=query.question,
        as_of=as_of,
        exact=caller.may("results:exact"),
        rows=[_point(one, former, query) for former, one in zip(before, waves, strict=False)],
    )


async def _wave(
    session: AsyncSession, caller: Principal, campaign: Campaign, unit_id: int, query: TrendQuery
) -> _Wave:
    populations = chosen(await campaigns.populations(session, campaign.id), query.population)
    layouts = await layouts_of(session, populations)
    [layout] = layouts.values()
    known = {one.question for one in questions(layouts)}
    channels = [query.channel] if query.channel else campaign.headline_channels
    standing = Standing()
    if query.question is None or query.question in known:
        selection = Selection(
            campaign_id=campaign.id,
            root_id=unit_id,
            layouts=layouts,
            by_channel=True,
            clean=query.quality == "clean",
        )
        view = await view_of(session, caller, campaign)
        found = standings(
            await view.seen(session, selection),
            asked_about(query.question, layouts),
            populations,
            heads=await heads_at(session, campaign, populations, root_id=unit_id, level=None),
            channels=channels,
        )
        standing = found.get(None, standing)
    asked = query.question in {None, *known}
    return _Wave(campaign, layout, asked, channels, standing)


def _point(wave: _Wave, before: _Wave | None, query: TrendQuery) -> TrendPoint:
    standing = wave.standing
    found = joined(standing.estimates, standing.channels)
    rate = standing.rate
    reason = _not_compared(before, wave, query.question) if before else None
    return TrendPoint(
        campaign=wave.campaign.code,
        title=wave.campaign.title,
        period=wave.campaign.period,
        opens_at=wave.campaign.opens_at,
        channels=wave.channels,
        mode=standing.mode,
        respondents=standing.respondents,
        n=wave.n,
        rate=None if rate is None else float(rate),
        interval=found.interval,
        interval_kind=found.kind,
        no_interval="suppressed" if wave.standing.hidden else found.lack,
        change=_change(before, wave) if before and reason is None else None,
        not_compared=reason,
        suppressed=wave.standing.hidden,
    )


def _not_compared(before: _Wave, after: _Wave, question: str | None) -> Incomparable | None:
    if not (before.asked and after.asked):
        return "not_asked"
    if not comparable(before.layout, after.layout, question):
        return "other_question"
    if before.standing.hidden or after.standing.hidden:
        return "suppressed"
    estimates = before.estimate, after.estimate
    if any(one is None for one in estimates):
        return "no_votes"
    several = any(one is not None and one.lack == "several_answers" for one in estimates)
    return "several_answers" if several else None


def _change(before: _Wave, after: _Wave) -> Change:
    first, second = before.standing.rate or 0, after.standing.rate or 0
    tested = proportions.difference(float(first), before.n, float(second), after.n)
    return Change(
        difference=float(second - first),
        z=tested and tested.z,
        p=tested and tested.p,
        significant=tested is not None and tested.significant,
        same_mode=before.standing.mode == after.standing.mode != "mixed",
    )
