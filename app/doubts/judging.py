"""Judging responses: what stands is looked through for signs, and its flags are put right.

Flags are a function of what stands and of the thresholds: judging the same twice changes nothing.
All that is looked through is read in one statement, without a lock; what differs is appended in
transactions of a fraction of a second each.
"""

import asyncio
import time
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.database import Database, driver_connection
from app.doubts import queries
from app.doubts.problems import CannotJudge
from app.doubts.signs import Thresholds
from app.doubts.signs import queries as signs
from app.doubts.writing import AT_ONCE, gently
from app.questionnaires import service as questionnaires

REST_SECONDS = 60.0
"""For so long at least a campaign is not judged again by itself …"""
REST_SHARE = 10.0
"""… and for so many times as long as judging it took: a tenth of one core at most."""
MOST_REWRITES = 10
"""So often the flags of one response are written in the background; by hand as often as asked."""
_PATIENCE = 0.5


@dataclass(frozen=True)
class Judged:
    """What judging a campaign came to."""

    campaign: str
    changed: int
    """Responses whose flags were put right."""
    left: int
    """Those that were being changed at that moment; they are judged the next time."""
    seconds: float


async def judge_next(database: Database, thresholds: Thresholds) -> Judged | None:
    """Judge the one campaign whose turn it is; None where there is none or another process is
    at it."""
    async with database.sessions.begin() as turn:
        if not await queries.take_turn(turn):
            return None
        reading = await driver_connection(turn)
        await signs.take_time(reading)
        found, server, below = await queries.find_new(reading)
        async with database.sessions.begin() as session:
            await queries.note_new(session, found, server=server, seen_below=below)
        campaign = await queries.due(
            turn, thresholds, rest_seconds=REST_SECONDS, rest_share=REST_SHARE
        )
        if campaign is None:
            return None
        return await _judge(database, turn, campaign, thresholds, most_rewrites=MOST_REWRITES)


async def judge(database: Database, code: str, thresholds: Thresholds) -> Judged:
    """Judge a campaign now, as often as it was before; waits where another process is at it.

    Errors: CannotJudge.
    """
    while True:
        async with database.sessions.begin() as turn:
            if await queries.take_turn(turn):
                campaign = await queries.judgeable(turn, code)
                if campaign is None:
                    raise CannotJudge()
                await signs.take_time(await driver_connection(turn))
                return await _judge(database, turn, campaign, thresholds, most_rewrites=None)
        await asyncio.sleep(_PATIENCE)


async def _judge(
    database: Database,
    turn: AsyncSession,
    campaign: Campaign,
    thresholds: Thresholds,
    *,
    most_rewrites: int | None,
) -> Judged:
    began, began_at = time.monotonic(), clock.now()
    changed = left = 0
    populations = await campaigns.populations(turn, campaign.id)
    layouts = await questionnaires.layouts(
        turn, {(one.questionnaire_id, one.version) for one in populations}
    )
    for one in populations:
        asked = signs.Asked(
            campaign_id=campaign.id,
            period=campaign.period,
            population=one.position,
            population_code=one.code,
            layout=layouts[one.questionnaire_id, one.version],
            thresholds=thresholds,
        )
        async for changes in signs.differing(
            await driver_connection(turn), asked, most_rewrites=most_rewrites, at_once=AT_ONCE
        ):
            flag = partial(signs.flag, campaign_id=campaign.id, changes=changes)
            written = await gently(database, campaign.id, flag) or 0
            changed += written
            left += len(changes) - written
    seconds = time.monotonic() - began
    async with database.sessions.begin() as session:
        await queries.note_judged(
            session, campaign.id, thresholds, due=left > 0, began_at=began_at, seconds=seconds
        )
    return Judged(campaign.code, changed, left, seconds)
