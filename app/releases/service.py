"""Rules of releases: when one is made, and what it shows."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core import clock
from app.counts import sums
from app.counts.cells import Cell, cells_of
from app.counts.layouts import layouts_of
from app.releases import queries
from app.releases.drawing import UNSEEN, Figures, Showing, drawn, left_over, pooled
from app.releases.problems import NoMoreReleases, NothingToRelease
from app.releases.tables import Release

_Shown = tuple[int, Figures | None]
"""What a release says of a cell: its respondents, and its figures where they are shown."""


class _Change(NamedTuple):
    """What a release shows otherwise than the one before."""

    cells: Mapping[Cell, _Shown]
    pools: Mapping[Cell, Figures]


async def make(session: AsyncSession, campaign: Campaign) -> tuple[Release, bool]:
    """The release that shows what may be shown now, and whether it is a new one.

    After the last delivery it is the final one. Where nothing would be shown otherwise than in
    the latest one, that stands. Errors: NothingToRelease while the campaign is a draft or nobody
    has answered, NoMoreReleases after the final one.
    """
    await queries.lock(session, campaign.id)
    latest = await queries.latest(session, campaign.id)
    if latest is not None and latest.final:
        raise NoMoreReleases()
    as_of = clock.now()
    layouts = await layouts_of(session, await campaigns.populations(session, campaign.id))
    live = await cells_of(session, campaign.id, layouts)
    if campaign.state == "draft" or (latest is None and not live):
        raise NothingToRelease()
    showings, before = await _shown(session, campaign.id)
    after = _drawn(live, showings, least=campaign.min_cell)
    final = as_of >= campaign.closes_at + timedelta(days=campaign.delivery_days)
    pools = await _pools(session, campaign, live, after) if final else {}
    changed = {cell: one for cell, one in after.items() if one != before.get(cell)}
    if latest is not None and not (changed or final):
        return latest, False
    number = latest.number + 1 if latest is not None else 1
    await _store(session, campaign.id, number, _Change(changed, pools))
    release = _release(campaign, number, as_of, final, after, pools)
    session.add(release)
    await session.flush()
    await queries.announce(session, campaign.id)
    return release, True


async def latest(session: AsyncSession, campaign_id: int) -> Release | None:
    """The release that the public sees, where there is one yet."""
    return await queries.latest(session, campaign_id)


async def numbered(session: AsyncSession, campaign_id: int, number: int) -> Release | None:
    """The release with this number, if there is one: it stays readable for ever."""
    return await session.get(Release, (campaign_id, number))


async def _shown(
    session: AsyncSession, campaign_id: int
) -> tuple[dict[Cell, Showing], dict[Cell, _Shown]]:
    """What was ever shown of each cell, and what the latest release says of it."""
    ever: dict[Cell, set[int]] = defaultdict(set)
    present: dict[Cell, _Shown] = {}
    for row in await queries.shown(session, campaign_id):
        cell = Cell(row.unit_id, row.population, row.channel)
        if row.counted is not None:
            ever[cell].add(row.counted)
        if row.present:
            present[cell] = row.respondents, row.sums
    showings = {cell: Showing(now, ever[cell]) for cell, (_, now) in present.items()}
    return showings, present


def _drawn(
    live: Mapping[Cell, Figures], showings: Mapping[Cell, Showing], *, least: int
) -> dict[Cell, _Shown]:
    after: dict[Cell, _Shown] = {}
    for cell in live.keys() | showings.keys():
        now = live.get(cell)
        respondents = now[sums.RESPONDENTS] if now is not None else 0
        after[cell] = respondents, drawn(now, showings.get(cell, UNSEEN), least=least)
    return after


async def _pools(
    session: AsyncSession,
    campaign: Campaign,
    live: Mapping[Cell, Figures],
    after: Mapping[Cell, _Shown],
) -> dict[Cell, list[int]]:
    rests = left_over(live, {cell: figures for cell, (_, figures) in after.items()})
    units = {cell.unit_id for cell in rests}
    lines = await queries.lines_up(session, units, campaign.region_id)
    return pooled(rests, lines, least=campaign.min_cell)


async def _store(session: AsyncSession, campaign_id: int, number: int, change: _Change) -> None:
    await queries.put_by(session, campaign_id, change.cells.keys(), number - 1)
    showings = [(cell, False, *shown) for cell, shown in change.cells.items()]
    showings += [(cell, True, 0, figures) for cell, figures in change.pools.items()]
    await queries.insert_cells(
        session,
        [
            {
                "campaign_id": campaign_id,
                **cell._asdict(),
                "pooled": pooled,
                "first_release": number,
                "respondents": respondents,
                "sums": figures,
            }
            for cell, pooled, respondents, figures in showings
        ],
    )


def _release(
    campaign: Campaign,
    number: int,
    as_of: datetime,
    final: bool,
    cells: Mapping[Cell, _Shown],
    pools: Mapping[Cell, Figures],
) -> Release:
    figures = [one for _, one in cells.values() if one is not None]
    return Release(
        campaign_id=campaign.id,
        number=number,
        as_of=as_of,
        final=final,
        min_cell=campaign.min_cell,
        respondents=sum(respondents for respondents, _ in cells.values()),
        included=_respondents(figures) + _respondents(pools.values()),
        hidden=sum(1 for respondents, one in cells.values() if respondents and one is None),
        digest=_digest(cells, pools),
    )


def _respondents(figures: Iterable[Figures]) -> int:
    return sum(one[sums.RESPONDENTS] for one in figures)


def _digest(cells: Mapping[Cell, _Shown], pools: Mapping[Cell, Figures]) -> bytes:
    told = [sorted(cells.items()), sorted(pools.items())]
    return hashlib.sha256(msgspec.json.encode(told)).digest()
