"""Rules of results: who sees which part of a campaign, and what is counted for them."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign, CampaignPopulation
from app.core.problems import FieldError, InvalidInput, NotFound
from app.counts.layouts import layouts_of
from app.counts.selection import Counted, Selection
from app.questionnaires.layout import Layout
from app.responses.tables import Channel
from app.results import ordering, queries
from app.results.composite import composite_of
from app.results.counting import Asked, Columns, Count, columns_of, pooled, questions
from app.results.heads import heads_at
from app.results.ordering import Order
from app.results.released import view_of
from app.results.schemas import ResultsOut, ResultsQuery, dimensions_of
from app.results.table import Table

MAX_ROWS = 50_000
"""Rows that come whole; more come only in pages."""
_CHANNELS = {
    "wechat": Channel.wechat,
    "device": Channel.link,
    "invitation": Channel.invitation,
}
"""The channel that each proof of a person opens."""


async def scope(
    session: AsyncSession, caller: Principal, campaign: Campaign, within: str | None
) -> int:
    """The id of the unit whose subtree is counted: what the caller sees of the campaign, or less.

    Errors: NotFound where `within` lies outside of that.
    """
    root_id = await campaigns.root_seen(session, caller, campaign)
    if within is None:
        return root_id
    unit_id = await queries.unit_id_within(session, within, root_id)
    if unit_id is None:
        raise NotFound(f"There is no unit {within} in this campaign that this client can see.")
    return unit_id


async def units_at(session: AsyncSession, root_id: int, level: str) -> dict[str, str]:
    """Names by code of all units of a kind within a unit. Errors: InvalidInput for too many."""
    units = await queries.units_at(session, root_id, level)
    if len(units) > MAX_ROWS:
        message = f"There are more than {MAX_ROWS:,} units of this kind: name a unit above fewer."
        raise InvalidInput(errors=[FieldError("?within", "too_many_units", message)])
    return units


async def results(
    session: AsyncSession, caller: Principal, campaign: Campaign, query: ResultsQuery
) -> tuple[ResultsOut, Columns]:
    """The results that a caller may see, and all option values that they can count.

    For results:exact live ones, nothing hidden; else the latest release. Errors: NoRelease;
    NotFound for `within`; InvalidInput for an unknown population, question or cursor, for what a
    release cannot say, and for more than `MAX_ROWS` rows without a limit.
    """
    beyond = ordering.after(query.cursor, Order)
    view = await view_of(session, caller, campaign, query.release)
    root_id = await scope(session, caller, campaign, query.within)
    populations = chosen(await campaigns.populations(session, campaign.id), query.population)
    layouts = await layouts_of(session, populations)
    asked = _asked(query, layouts)
    seen = await view.seen(session, _selection(campaign, root_id, query, layouts))
    by = dimensions_of(query.by)
    count = Count(
        seen.found,
        layouts,
        by_population="population" in by,
        by_channel="channel" in by,
        respondents=seen.respondents,
    )
    table = await _table(session, campaign, root_id, query, populations, asked, seen.found, count)
    if query.limit is None and table.size > MAX_ROWS:
        message = f"This makes more than {MAX_ROWS:,} rows: read it in pages, or ask for less."
        raise InvalidInput(errors=[FieldError("?limit", "too_many_rows", message)])
    rows, following = await ordering.page(table.rows(beyond), beyond=beyond, limit=query.limit)
    reply = ResultsOut(
        campaign=campaign.code,
        sandbox=campaign.sandbox_of is not None,
        as_of=view.as_of,
        exact=view.exact,
        rows=rows,
        next=following,
    )
    if view.release is not None:
        reply.release = view.release.number
    if len(populations) > 1:
        heads = table.heads
        if "unit" in by:
            heads = await heads_at(session, campaign, populations, root_id=root_id, level=None)
        about = asked_about(query.question, layouts)
        reply.composite = composite_of(populations, about, seen.found, heads)
    return reply, columns_of(asked)


def chosen(
    populations: Sequence[CampaignPopulation], code: str | None, pointer: str = "?population"
) -> Sequence[CampaignPopulation]:
    """The populations of a campaign, or the one of them that is asked for.

    Errors: InvalidInput, which points to where the code was given.
    """
    if code is None:
        return populations
    named = [one for one in populations if one.code == code]
    if not named:
        message = "Name a population of this campaign."
        raise InvalidInput(errors=[FieldError(pointer, "unknown_population", message)])
    return named


def _asked(query: ResultsQuery, layouts: Mapping[int, Layout]) -> list[Asked]:
    if query.question is None:
        by_question = "question" in dimensions_of(query.by)
        return questions(layouts) if by_question else [pooled(layouts)]
    return [asked_about(query.question, layouts)]


def asked_about(question: str | None, layouts: Mapping[int, Layout]) -> Asked:
    """The question with this code, or the indicator questions as one. Errors: InvalidInput."""
    if question is None:
        return pooled(layouts)
    asked = [one for one in questions(layouts) if one.question == question]
    if not asked:
        message = "Name a question that the population is asked; a note takes no answers."
        raise InvalidInput(errors=[FieldError("?question", "unknown_question", message)])
    return asked[0]


def _selection(
    campaign: Campaign, root_id: int, query: ResultsQuery, layouts: Mapping[int, Layout]
) -> Selection:
    by = dimensions_of(query.by)
    return Selection(
        campaign_id=campaign.id,
        root_id=root_id,
        layouts=layouts,
        level=query.level if "unit" in by else None,
        # Whether an interval is a sample's depends on the channels, asked for or not.
        by_channel=True,
        by_day="day" in by,
        channel=Channel[query.channel] if query.channel else None,
        source=query.source,
        clean=query.quality == "clean",
    )


async def _table(
    session: AsyncSession,
    campaign: Campaign,
    root_id: int,
    query: ResultsQuery,
    populations: Sequence[CampaignPopulation],
    asked: Sequence[Asked],
    found: Collection[Counted],
    count: Count,
) -> Table:
    by = dimensions_of(query.by)
    units = await queries.units_at(session, root_id, query.level) if "unit" in by else {}
    # A unit that has just been moved here is counted, so it has its row.
    present = {one.unit: one.unit_name or "" for one in found if one.unit is not None}
    return Table(
        by=by,
        units=units | present,
        populations={one.position: one.code for one in populations},
        channels=_channels(campaign, query, found),
        days=sorted({one.day for one in found if one.day is not None}),
        asked=asked,
        count=count,
        heads=await heads_at(
            session,
            campaign,
            populations,
            root_id=root_id,
            level=query.level if "unit" in by else None,
        ),
    )


def _channels(campaign: Campaign, query: ResultsQuery, found: Collection[Counted]) -> list[int]:
    """The channels that have rows: those that were used, and those that the campaign admits."""
    if query.channel is not None:
        return [Channel[query.channel]]
    used = {one.channel for one in found if one.channel is not None}
    admitted = {_CHANNELS[proof] for proof in campaign.identity if proof in _CHANNELS}
    if "phone" in (campaign.headline_channels or []):
        admitted.add(Channel.phone)
    return sorted(used | admitted)
