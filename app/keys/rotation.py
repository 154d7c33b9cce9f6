"""Rotating the secret keys beside running servers, without a moment in which one is unknown."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import OPERATOR
from app.campaigns.service import key_context
from app.core import secret_keys
from app.core.database import Database
from app.core.keyring import Keyring
from app.core.settings import Settings
from app.keys import queries
from app.retention.lists import Lists

_GRACE_SECONDS = 3 * secret_keys.FOLLOWED_WITHIN


class KeysRefused(RuntimeError):
    """The keys cannot be changed as asked. The message says why and what to do."""


@dataclass(frozen=True)
class Held:
    """A secret key: what hangs on it."""

    id: str
    signs: bool
    wrapped: int
    """Keys of campaigns and of the deployment that it opens."""
    batches: int
    """Batches of invitations in use that it signed."""
    deliveries: int
    """Deliveries of interviews that wait for their jobs, sealed by it."""


async def described(database: Database, keyring: Keyring) -> list[Held]:
    """The secret keys in order, by their ids: they themselves are never shown."""
    async with database.sessions() as session:
        wrapped = Counter(Keyring.wrapped_by(one) for one in await queries.wrapped_keys(session))
        batches = await queries.batches_signed(session)
        deliveries = await queries.deliveries_sealed(session)
    return [
        Held(
            key_id.hex(),
            number == 0,
            wrapped[key_id],
            batches.get(key_id, 0),
            deliveries.get(key_id, 0),
        )
        for number, key_id in enumerate(keyring.ids)
    ]


async def unopened(session: AsyncSession, keyring: Keyring) -> int:
    """How many wrapped keys none of these secret keys opens, as where they are another's."""
    held = set(keyring.ids)
    return sum(Keyring.wrapped_by(one) not in held for one in await queries.wrapped_keys(session))


async def rotate(
    database: Database, settings: Settings, *, progress: Callable[[str], None]
) -> tuple[str, int]:
    """Make a new key that signs; returns its id and how many keys were wrapped anew.

    Cut short at any moment it can be begun again. Errors: KeysRefused where the keys are not kept
    in a file.
    """
    path = _file(settings)
    held = secret_keys.read(path)
    fresh = secret_keys.new()
    # First everybody must know it, since a token signed by one process is shown to another.
    secret_keys.write(path, [*held, fresh])
    progress("Running servers learn of the new key …")
    await asyncio.sleep(_GRACE_SECONDS)
    keys = (fresh, *held)
    secret_keys.write(path, keys)
    keyring = Keyring(keys)
    async with database.sessions.begin() as session:
        session.info["keyring"] = keyring
        wrapped = await _wrap_anew(session, keyring)
        key_id = keyring.ids[0].hex()
        audit.record(session, OPERATOR, "keys.rotate", key_id, wrapped=wrapped)
    try:
        await asyncio.to_thread(Lists.of(settings, keyring).add, [])
    except OSError:
        progress("The list of destructions is not sealed anew: a running server does that.")
    return key_id, wrapped


async def _wrap_anew(session: AsyncSession, keyring: Keyring) -> int:
    wrapped = 0
    for one in await queries.lock_campaign_keys(session):
        context = key_context(one.campaign_id, one.purpose)
        anew = keyring.wrap(keyring.unwrap(one.wrapped, context=context), context=context)
        await queries.store_campaign_key(session, one.campaign_id, one.purpose, anew)
        wrapped += 1
    for key in await queries.lock_service_keys(session):
        anew = keyring.wrap(
            keyring.unwrap(key.wrapped, context=audit.KEY_CONTEXT), context=audit.KEY_CONTEXT
        )
        await queries.store_service_key(session, key.purpose, anew)
        wrapped += 1
    return wrapped


async def retire(database: Database, settings: Settings, key_id: str, *, force: bool) -> None:
    """Take a key away for good. What it alone has signed or sealed is of no use any more.

    Errors: KeysRefused for the one that signs, for one that is not held, has sealed what waits or
    still wraps keys, and, without `force`, while campaigns are open or invitations in use that
    hang on it.
    """
    path = _file(settings)
    held = secret_keys.read(path)
    ids = [one.hex() for one in Keyring(held).ids]
    if key_id not in ids:
        raise KeysRefused(f"There is no key {key_id}: `xinsheng keys list` shows them.")
    number = ids.index(key_id)
    if number == 0:
        raise KeysRefused("That is the key that signs: `xinsheng keys rotate` makes another first.")
    [found] = [one for one in await described(database, Keyring(held)) if one.id == key_id]
    if found.deliveries:
        raise KeysRefused(
            f"{found.deliveries} deliveries of interviews that it has sealed wait for their jobs: "
            "wait until these have ended."
        )
    if found.wrapped:
        raise KeysRefused(f"It opens {found.wrapped} keys: `xinsheng keys rotate` wraps them anew.")
    async with database.sessions.begin() as session:
        running = await queries.open_campaigns(session)
        if (running or found.batches) and not force:
            raise KeysRefused(
                f"{running} campaigns are open, whose devices it may have signed, and "
                f"{found.batches} batches of invitations in use were signed by it. Wait until they "
                "are over, or use --force: then those invitations are void, and people who "
                "answered by a device may answer again."
            )
        audit.record(session, OPERATOR, "keys.retire", key_id)
    secret_keys.write(path, [one for one in held if one != held[number]])


def _file(settings: Settings) -> Path:
    if settings.keys_file is None:
        raise KeysRefused(
            "The keys are given by XINSHENG_SECRET_KEYS: put a new one behind the others there and "
            "restart every process, then put it in front and restart again. With "
            "XINSHENG_SECRET_KEYS_FILE this command does it."
        )
    return settings.keys_file
