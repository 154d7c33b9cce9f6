"""Destroying a campaign's identity key, so that no proof can be matched to a response any more.

On command once it is archived, or by retention. Each destruction is on a list outside of the
database before it is committed: what a restore brings back is destroyed again from there, and so
is what was cut short in between.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.problems import CampaignState
from app.campaigns.tables import Campaign
from app.core import clock, database_errors
from app.core.database import Database, lent
from app.core.problems import FieldError, InvalidInput
from app.retention import queries
from app.retention.lists import Cause, Entry, Lists
from app.retention.problems import ListNotWritten
from app.retention.schemas import DestructionOut
from app.retention.tables import Destruction, KeysFile

log = logging.getLogger("xinsheng.retention")

_ACTIONS: dict[Cause, str] = {"command": "campaign.destroy-key", "retention": "campaign.erase"}
_UNSEEN = (
    "Copies that were made of such files, of the disk or of the database (snapshots, replicas, "
    "archived WAL) cannot be seen from here and last as long as they are kept."
)
_BESIDE_MISSING = (
    "A folder that backups went to could not be written to: take a backup now (xinsheng backup), "
    "into that folder, which brings the list of destructions there up to date."
)


async def destroy(
    session: AsyncSession, caller: Principal, lists: Lists, *, code: str, confirm: str
) -> DestructionOut:
    """Destroy an archived campaign's key, with its claims and what else hangs on it.

    Where that was done before, it says so and does nothing. Errors: NotFound, NotOwner,
    InvalidInput where `confirm` is not the code, CampaignState, ListNotWritten.
    """
    await campaigns.locked(session, caller, code)
    campaign = await campaigns.owned(session, caller, code)
    if confirm != code:
        message = "Give the campaign's code once more: what is destroyed cannot be brought back."
        raise InvalidInput(errors=[FieldError("/confirm", "not_confirmed", message)])
    done = await queries.destructions_of(session, campaign.id)
    if done:
        return await _described(session, campaign, done[0])
    if campaign.state != "archived":
        raise CampaignState(
            "Only an archived campaign's key can be destroyed, since nobody can answer without "
            "it: close the campaign and archive it, then ask again."
        )
    await queries.without_time_limit(session)
    found = await carry_out(session, campaign, "command", clock.now())
    audit.record(session, caller, _ACTIONS["command"], code, **found.erased)
    beside = await put_on(session, lists, [entry_of(campaign, found)])
    described = await _described(session, campaign, found)
    if not beside:
        described.note = f"{_BESIDE_MISSING} {described.note}"
    return described


async def carry_out(
    session: AsyncSession, campaign: Campaign, cause: Cause, at: datetime
) -> Destruction:
    """Do it, in the transaction that holds the campaign locked, and record that it was done."""
    erased = await queries.erase(session, campaign.id, texts=cause == "retention")
    found = Destruction(campaign_id=campaign.id, cause=cause, destroyed_at=at, erased=erased)
    session.add(found)
    await session.flush()
    await session.refresh(found)
    return found


def entry_of(campaign: Campaign, found: Destruction) -> Entry:
    """A destruction as it stands on the list."""
    cause: Cause = "command" if found.cause == "command" else "retention"
    return Entry(campaign.code, campaign.created_at, cause, found.destroyed_at)


async def put_on(session: AsyncSession, lists: Lists, entries: Sequence[Entry]) -> bool:
    """Put destructions on the list, the last thing before they are committed.

    Wherever files of campaigns' keys lie that are known; False where it could not be written
    beside one of them. Errors: ListNotWritten.
    """
    folders = [Path(one) for one in await queries.folders_of_keys(session)]
    try:
        return await asyncio.to_thread(lists.add, entries, folders)
    except OSError as error:
        log.error("the list of destructions: %s", type(error).__name__)
        raise ListNotWritten() from error


async def entries(session: AsyncSession) -> list[Entry]:
    """All destructions that this database knows of."""
    return [
        Entry(row.code, row.created_at, row.cause, row.destroyed_at)
        for row in await queries.every_destruction(session)
    ]


async def replay(session: AsyncSession, listed: Iterable[Entry]) -> list[Entry]:
    """Destroy again what a list names and this database still has; returns what that was."""
    known = {one[:3] for one in await entries(session)}
    again = []
    for entry in sorted(listed, key=lambda one: one.destroyed_at):
        if entry[:3] in known:
            continue
        known.add(entry[:3])
        campaign = await queries.lock_campaign(session, entry.campaign)
        # Another campaign may have taken the code where a restore had taken the first away.
        if campaign is None or campaign.created_at != entry.made_at:
            continue
        done = await queries.destructions_of(session, campaign.id)
        if any(one.cause == entry.cause for one in done):
            continue  # at this very moment
        if entry.cause == "command":
            campaign.state = "archived"  # as it was then; without a key nobody can answer
        found = await carry_out(session, campaign, entry.cause, entry.destroyed_at)
        first = entry.destroyed_at.isoformat()
        audit.record_service(
            session, _ACTIONS[entry.cause], campaign.code, **found.erased, first=first
        )
        again.append(entry)
    return again


async def wipe(database: Database) -> None:
    """Take the deleted keys out of the database's own files too, or leave it for the next time."""
    try:
        async with lent(database.pool) as connection:
            await queries.rewrite_keys(connection)
    except database_errors.RAISED as error:
        if database_errors.meaning(error) != "away":
            raise
        log.info("deleted keys not yet wiped: %s", type(error).__name__)


async def _described(
    session: AsyncSession, campaign: Campaign, found: Destruction
) -> DestructionOut:
    files = await queries.files_of_keys(session, found)
    expires, reason = last_copy(found, files)
    return DestructionOut.model_validate(
        {
            "campaign": campaign.code,
            "destroyed_at": found.destroyed_at,
            "cause": found.cause,
            "erased": found.erased,
            "last_copy_expires_at": expires,
            "note": f"{reason} {_UNSEEN}",
        }
    )


def last_copy(found: Destruction, files: Sequence[KeysFile]) -> tuple[datetime | None, str]:
    """When the last file that may hold the key has served its time, and what that rests on."""
    gone = max(found.destroyed_at, found.recorded_at)
    if not files:
        return gone, "No file of campaigns' keys is known that xinsheng backup made with it."
    endless = next((one for one in files if one.kept_days is None), None)
    if endless is not None:
        return None, (
            f"How long the file of campaigns' keys of {_spelled(endless.made_at)} is kept is not "
            "known: take backups with --keep-keys DAYS, which removes it in its time."
        )
    ends = {one.made_at + timedelta(days=one.kept_days or 0): one for one in files}
    last = max(ends)
    return max(last, gone), (
        f"The file of campaigns' keys of {_spelled(ends[last].made_at)} is kept for "
        f"{ends[last].kept_days} days; the next xinsheng backup --keep-keys after that removes it."
    )


def _spelled(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
