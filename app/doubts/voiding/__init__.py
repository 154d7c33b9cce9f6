"""Voiding a link or a batch found to be fraudulent, and taking that back.

What is decided is written down first, in one transaction that also revokes the link or batch.
Then it is carried out in transactions of a fraction of a second each, by whoever gets to it: the
request itself, or the background where that died or others were in the way. Each can be repeated.
"""

import asyncio
import time
from functools import partial
from typing import Any

from asyncpg.exceptions import LockNotAvailableError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.problems import CampaignState
from app.campaigns.tables import Campaign
from app.core.database import Connection, Database, driver_connection
from app.doubts import queries as doubts
from app.doubts.problems import CannotRestore, NotVoided
from app.doubts.tables import Void
from app.doubts.voiding import queries
from app.doubts.writing import AT_ONCE, gently
from app.links import service as links

CARRYING_OUT_SECONDS = 20.0
"""For so long at most a request waits until it is carried out."""
_PAUSE = 0.2


async def void_link(session: AsyncSession, caller: Principal, code: str, reason: str) -> Void:
    """Decide that nothing through a link counts, and revoke it; where it is so, nothing happens.

    Errors: CountyRequired, NotFound, CampaignState for an archived campaign.
    """
    await links.require_county(session, caller)
    link = await links.visible(session, caller, code)
    campaign = await _changeable(session, caller, link.campaign_id)
    await links.revoke_link(session, caller, code)
    void = await queries.in_force(session, link_id=link.id)
    if void is None:
        void = await _new(session, caller, campaign, reason, link_id=link.id)
        audit.record(session, caller, "link.void", f"links/{link.id}", void=void.id)
    return void


async def void_batch(
    session: AsyncSession, caller: Principal, code: str, batch_id: int, reason: str
) -> Void:
    """The same of a batch of invitations. Errors: CountyRequired, NotFound, CampaignState."""
    await links.require_county(session, caller)
    campaign = await campaigns.visible(session, caller, code)
    await links.visible_batch(session, caller, campaign, batch_id)
    campaign = await _changeable(session, caller, campaign.id)
    await links.revoke_batch(session, caller, code, batch_id)
    void = await queries.in_force(session, batch_id=batch_id)
    if void is None:
        void = await _new(session, caller, campaign, reason, batch_id=batch_id)
        target = f"invitations/{batch_id}"
        audit.record(session, caller, "invitations.void", target, campaign=code, void=void.id)
    return void


async def _changeable(session: AsyncSession, caller: Principal, campaign_id: int) -> Campaign:
    """The campaign, locked. Errors: CampaignState."""
    code = await campaigns.code_of(session, campaign_id)
    campaign = await campaigns.locked(session, caller, code)
    if campaign.state == "archived":
        raise CampaignState("The campaign is archived: what was counted of it stands.")
    return campaign


async def _new(
    session: AsyncSession, caller: Principal, campaign: Campaign, reason: str, **origin: int
) -> Void:
    return await queries.insert_void(
        session, campaign_id=campaign.id, reason=reason, client_id=caller.id or None, **origin
    )


async def restore_link(session: AsyncSession, caller: Principal, code: str, reason: str) -> Void:
    """Decide that what came through a voided link counts again; the link stays revoked.

    Errors: CountyRequired, NotFound, NotVoided, CampaignState, CannotRestore.
    """
    await links.require_county(session, caller)
    link = await links.visible(session, caller, code)
    campaign = await _changeable(session, caller, link.campaign_id)
    void = await queries.latest(session, link_id=link.id)
    restored = await _taken_back(session, caller, campaign, void, reason)
    audit.record(session, caller, "link.restore", f"links/{link.id}", void=restored.id)
    return restored


async def restore_batch(
    session: AsyncSession, caller: Principal, code: str, batch_id: int, reason: str
) -> Void:
    """The same of a batch of invitations. Errors: as `restore_link`."""
    await links.require_county(session, caller)
    campaign = await campaigns.visible(session, caller, code)
    await links.visible_batch(session, caller, campaign, batch_id)
    campaign = await _changeable(session, caller, campaign.id)
    void = await queries.latest(session, batch_id=batch_id)
    restored = await _taken_back(session, caller, campaign, void, reason)
    target = f"invitations/{batch_id}"
    audit.record(session, caller, "invitations.restore", target, campaign=code, void=restored.id)
    return restored


async def _taken_back(
    session: AsyncSession,
    caller: Principal,
    campaign: Campaign,
    void: Void | None,
    reason: str,
) -> Void:
    if void is None:
        raise NotVoided()
    if not await queries.has_key(session, campaign.id):
        raise CannotRestore()
    if void.restored_at is None:
        await queries.take_back(session, void.id, reason=reason, by=caller.id or None)
    else:
        # Persons who have withdrawn their other answer since are counted again.
        await queries.begin_again(session, void.id)
    return await queries.void_by_id(session, void.id)


async def carry_out(database: Database, void_id: int, *, patience: float = 0) -> None:
    """Do what was decided, as far as others let us within so many seconds; can be repeated."""
    until = time.monotonic() + patience
    while True:
        async with database.sessions.begin() as session:
            void = await queries.void_by_id(session, void_id)
        if void.settled:
            return
        # Nothing comes in any more when it is restored.
        sure = void.restored_at is not None or await _all_are_stored(database)
        complete = await _swept(database, void, until if patience else None)
        if complete and sure:
            await _settled(database, void)
            return
        if time.monotonic() >= until:
            return
        await asyncio.sleep(_PAUSE)


async def _all_are_stored(database: Database) -> bool:
    """Whether every answer that found the link open before it was revoked is stored by now."""
    try:
        async with database.sessions.begin() as session:
            await doubts.be_brief(session)
            await queries.wait_for_answers(session)
    except DBAPIError as error:
        if isinstance(getattr(error.orig, "__cause__", None), LockNotAvailableError):
            return False
        raise
    return True


async def _swept(database: Database, void: Void, until: float | None) -> bool:
    """Void or restore what is found; whether all was, and nobody in the way."""
    complete = True
    async with database.sessions.begin() as session:
        void = await queries.void_by_id(session, void.id)
        reading = await driver_connection(session)
        async for rows in queries.through(reading, void, at_once=AT_ONCE):
            done = await gently(database, void.campaign_id, partial(_write, void=void, rows=rows))
            if done is None or (void.restored_at is None and done < len(rows)):
                complete = False
            if until is not None and time.monotonic() >= until:
                return False
    return complete


async def _write(connection: Connection, *, void: Void, rows: list[queries.Row]) -> int:
    if not await queries.hold(connection, void):
        return len(rows)
    if void.restored_at is None:
        return await queries.take_out(connection, void, rows)
    return await queries.put_back(connection, void, rows)


async def _settled(database: Database, void: Void) -> None:
    async with database.sessions.begin() as session:
        # What goes on below the session needs a transaction that a statement has begun.
        await queries.void_by_id(session, void.id)
        if await queries.settle(await driver_connection(session), void):
            settled = await queries.void_by_id(session, void.id)
            audit.record_service(
                session,
                "void.settle",
                f"voids/{void.id}",
                responses=settled.responses,
                restored=settled.restored,
            )


async def carry_out_all(database: Database) -> None:
    """Carry out what was begun and is not done, as after a crash."""
    async with database.sessions.begin() as session:
        unsettled = await queries.unsettled(session)
    for void_id in unsettled:
        await carry_out(database, void_id)


async def shown(session: AsyncSession, caller: Principal, void: Void) -> Any:
    """A void as replies show it."""
    [row] = await queries.list_voids(
        session, void.campaign_id, seen_from=caller.unit_id, only=void.id
    )
    return row
