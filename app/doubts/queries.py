"""SQL of doubts: which campaigns are to be judged, and what was found."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.tables import Campaign, CampaignKey, CampaignPopulation
from app.core.database import Connection
from app.doubts.signs import Thresholds
from app.doubts.tables import JudgedCampaign, Judging
from app.responses.tables import Cause, Response
from app.units.tables import Unit, subtree

_BEFORE_ALL = -(1 << 63)
_NEW = f"""
    SELECT DISTINCT campaign_id FROM responses
    WHERE transaction_id >> 4 BETWEEN $1::bigint >> 4 AND {(1 << 59) - 1}
    AND transaction_id >= $1 AND transaction_id < $2 AND cause IS DISTINCT FROM $3
"""


async def take_turn(session: AsyncSession) -> bool:
    """Be the one process that judges, until this transaction ends; False where another is."""
    taken = await session.scalar(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended('judging', 0))")
    )
    return bool(taken)


async def be_brief(session: AsyncSession) -> None:
    """Wait for nobody in this transaction for longer than a blink: whoever answers goes first."""
    await session.execute(text("SET LOCAL lock_timeout = '200ms'"))
    # A plan for any array does badly by one of a thousand keys.
    await session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))


async def hold_texts(connection: Connection, campaign_id: int) -> None:
    """Let nobody erase texts of a campaign until this transaction ends, which may move them."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended('texts', $1))", campaign_id
    )


async def find_new(reading: Connection) -> tuple[list[int], int, int]:
    """Campaigns with rows that were not looked through yet; then the server, and up to where."""
    state = await reading.fetchrow("""
        SELECT seen_below, server, system_identifier,
            pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS finished_below
        FROM judging, pg_control_system()
    """)
    moved = state["server"] != state["system_identifier"]
    since = _BEFORE_ALL if moved else state["seen_below"]
    rows = await reading.fetch(_NEW, since, state["finished_below"], Cause.flagged)
    found = [row["campaign_id"] for row in rows]
    return found, state["system_identifier"], state["finished_below"]


async def note_new(
    session: AsyncSession, campaign_ids: list[int], *, server: int, seen_below: int
) -> None:
    """Note that these campaigns are to be judged, and up to where was looked."""
    if campaign_ids:
        statement = insert(JudgedCampaign)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["campaign_id"], set_={"due": statement.excluded.due}
            ),
            [{"campaign_id": one, "due": True} for one in sorted(campaign_ids)],
        )
    judging = await session.get_one(Judging, True)
    judging.server, judging.seen_below = server, seen_below


_CAN_BE = (
    Campaign.state.in_(("open", "closed")),
    exists().where(CampaignKey.campaign_id == Campaign.id, CampaignKey.purpose == "identity"),
)
"""Else claims are gone, and with them what came from one network: flags stay as they are."""


async def due(
    session: AsyncSession, thresholds: Thresholds, *, rest_seconds: float, rest_share: float
) -> Campaign | None:
    """The campaign whose turn it is to be judged, if any.

    A campaign rests after it was judged: so many seconds, or as long as that took times a share.
    """
    judged = JudgedCampaign
    rest = func.greatest(rest_seconds, judged.seconds * rest_share)
    rested = judged.judged_at + func.make_interval(0, 0, 0, 0, 0, 0, rest) <= func.now()
    changed = judged.thresholds.is_distinct_from(json.loads(json.dumps(dict(thresholds))))
    statement = (
        select(Campaign)
        .outerjoin(judged, judged.campaign_id == Campaign.id)
        .where(*_CAN_BE, or_(judged.campaign_id.is_(None), judged.due, changed))
        .where(or_(judged.judged_at.is_(None), rested))
        .order_by(judged.judged_at.nulls_first(), Campaign.id)
    )
    return await session.scalar(statement.limit(1))


async def judgeable(session: AsyncSession, code: str) -> Campaign | None:
    """The campaign with this code, if it can be judged."""
    return await session.scalar(select(Campaign).where(Campaign.code == code, *_CAN_BE))


async def note_judged(
    session: AsyncSession,
    campaign_id: int,
    thresholds: Thresholds,
    *,
    due: bool,
    began_at: datetime,
    seconds: float,
) -> None:
    """Note that a campaign was judged, by what, and whether something is left to do."""
    row = {
        "due": due,
        "thresholds": dict(thresholds),
        "judged_at": began_at,
        "seconds": seconds,
    }
    statement = insert(JudgedCampaign).values(campaign_id=campaign_id, **row)
    await session.execute(statement.on_conflict_do_update(index_elements=["campaign_id"], set_=row))


async def judged(session: AsyncSession, campaign_id: int) -> JudgedCampaign | None:
    """When and by what a campaign was last judged."""
    return await session.get(JudgedCampaign, campaign_id, populate_existing=True)


async def doubted(session: AsyncSession, campaign_id: int, *, within: int) -> list[Any]:
    """Counted responses with signs, by unit and population: `code`, `name`, `population`,
    `quality`, `responses`; only of a unit and all below it."""
    flagged = (
        select(
            Response.unit_id,
            Response.population,
            Response.quality,
            func.sum(Response.sign).label("responses"),
        )
        .where(Response.campaign_id == campaign_id, Response.quality.is_not(None))
        .where(Response.unit_id.in_(subtree(within)))
        .group_by(Response.unit_id, Response.population, Response.quality)
        .having(func.sum(Response.sign) > 0)
        .subquery()
    )
    asked = CampaignPopulation
    statement = (
        select(
            Unit.code,
            Unit.name,
            asked.code.label("population"),
            flagged.c.quality,
            flagged.c.responses,
        )
        .join(flagged, flagged.c.unit_id == Unit.id)
        .join(asked, asked.position == flagged.c.population)
        .where(asked.campaign_id == campaign_id)
        .order_by(Unit.code, asked.position, flagged.c.quality)
    )
    return list(await session.execute(statement))
