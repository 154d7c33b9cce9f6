"""Sandboxes: campaigns for trying, each of one real campaign, with keys and claims of its own."""

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import queries, service
from app.campaigns.problems import SandboxRefused
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.keyring import Keyring
from app.core.problems import NotFound

_ENDING = "-sandbox"
_LONGEST_CODE = 64
_LONGEST_TITLE = 200
_MARK = "试填·沙盒 Sandbox · "
_OPEN_BEFORE = timedelta(days=30)
"""So old may a trial's interviews be, though the real campaign opens tomorrow."""
_OF_ITS_OWN = ("id", "code", "title", "state", "opens_at", "closes_at", "revision", "created_at")
_NOT_COPIED = (*_OF_ITS_OWN, "sandbox_of", "erased_at")


async def make(session: AsyncSession, keyring: Keyring, real: Campaign) -> tuple[Campaign, bool]:
    """The sandbox of a campaign, open at once, and whether it is new.

    One that there is follows the real one's window and title; whoever closed it has closed it.
    Errors: SandboxRefused where there can be none.
    """
    if real.sandbox_of is not None:
        raise SandboxRefused("This is a sandbox itself: it has none.")
    found = await queries.sandbox_of(session, real.id)
    if found is None:
        found = await _created(session, keyring, real)
        if found is not None:
            return found, True
        found = await queries.sandbox_of(session, real.id)  # made by somebody else at this moment
    if found is None:
        raise SandboxRefused("Another campaign has the code that its sandbox would have.")
    window = {"title": _title(real), "closes_at": _closes_at(real)}
    if found.state != "archived" and any(getattr(found, key) != window[key] for key in window):
        found = await queries.update_campaign(session, found.id, window)
    return found, False


async def find(session: AsyncSession, campaign: Campaign) -> Campaign:
    """The sandbox of a campaign, or the campaign itself where it is one. Errors: NotFound."""
    if campaign.sandbox_of is not None:
        return campaign
    found = await queries.sandbox_of(session, campaign.id)
    if found is None:
        raise NotFound(f"The campaign {campaign.code} has no sandbox yet: POST …/sandbox makes it.")
    return found


def mark(campaign: Campaign) -> dict[str, bool]:
    """What a reply about a campaign says besides where it is a sandbox."""
    return {"sandbox": True} if campaign.sandbox_of is not None else {}


async def renew(session: AsyncSession, sandbox: Campaign) -> Campaign:
    """Bring an emptied sandbox in line with the real campaign, as if it were made just now."""
    assert sandbox.sandbox_of is not None
    real = await session.get_one(Campaign, sandbox.sandbox_of)
    wanted = {one.code: one for one in await service.populations(session, real.id)}
    for one in await service.populations(session, sandbox.id):
        if one.code not in wanted:
            # Where links lead to it, it stays.
            await queries.delete_populations(session, sandbox.id, [one.position])
    await queries.copy_populations(session, real.id, to=sandbox.id)
    return await queries.update_campaign(session, sandbox.id, _columns(real))


async def _created(session: AsyncSession, keyring: Keyring, real: Campaign) -> Campaign | None:
    code = real.code + _ENDING
    if len(code) > _LONGEST_CODE:
        raise SandboxRefused(
            f"The campaign's code is too long: with {_ENDING} it has more than 64 characters."
        )
    if real.state == "archived" or _closes_at(real) <= clock.now():
        raise SandboxRefused("The campaign is over: nothing is delivered to it any more.")
    columns = {**_columns(real), "code": code, "state": "open", "sandbox_of": real.id}
    made = await queries.insert_campaign(session, columns)
    if made is not None:
        await queries.copy_populations(session, real.id, to=made.id)
        await service.give_keys(session, keyring, made.id)
    return made


def _columns(real: Campaign) -> dict[str, Any]:
    names = [one.name for one in Campaign.__table__.columns if one.name not in _NOT_COPIED]
    return {
        **{name: getattr(real, name) for name in names},
        "title": _title(real),
        "opens_at": min(real.opens_at, clock.now() - _OPEN_BEFORE),
        "closes_at": _closes_at(real),
    }


def _title(real: Campaign) -> str:
    return (_MARK + real.title)[:_LONGEST_TITLE]


def _closes_at(real: Campaign) -> Any:
    """It can be tried for as long as the real one takes deliveries."""
    return real.closes_at + timedelta(days=real.delivery_days)
