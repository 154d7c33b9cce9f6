"""Rules of clients: making and revoking them, and changing over from one secret to another."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import audit
from app.access.principal import Principal
from app.access.scopes import SCOPES
from app.access.service import secret_hash
from app.clients import queries
from app.clients.problems import ClientRefused, TooManySecrets
from app.clients.schemas import ClientIn, ClientOut, SecretMade, SecretOut
from app.core import addresses
from app.core.problems import FieldError, NotFound
from app.units import service as units

_MAX_SECRETS = 2
_MOST = 10_000


@dataclass(frozen=True)
class NewClient:
    """A client's credentials. The secret is shown this once and stored only as a hash."""

    client_id: str
    client_secret: str


async def create(
    session: AsyncSession,
    *,
    name: str,
    scopes: list[str],
    unit: str | None,
    networks: list[str] | None = None,
    expires_at: datetime | None = None,
) -> NewClient:
    """Make a client with these scopes that sees the subtree of a unit (None: everything).

    Errors: ClientRefused for an unknown scope or unit, or what is no network.
    """
    if not scopes or not set(scopes) <= set(SCOPES):
        known = f"The scopes are {', '.join(SCOPES)}."
        raise ClientRefused(errors=[FieldError("/scopes", "unknown_scope", known)])
    if not _are_networks(networks):
        message = "Write addresses or networks, such as 203.0.113.7 or 203.0.113.0/24."
        raise ClientRefused(errors=[FieldError("/networks", "not_a_network", message)])
    unit_id = None
    if unit is not None:
        unit_id = await queries.unit_id(session, unit)
        if unit_id is None:
            message = "There is no unit with this code."
            raise ClientRefused(errors=[FieldError("/unit", "unknown_unit", message)])
    made = NewClient(f"xc_{secrets.token_hex(8)}", _new_secret())
    client_id = await queries.insert_client(
        session,
        client_id=made.client_id,
        name=name,
        scopes=sorted(set(scopes)),
        unit_id=unit_id,
        networks=networks,
        expires_at=expires_at,
    )
    await queries.insert_secret(session, client_id, secret_hash(made.client_secret), None)
    return made


def _are_networks(texts: list[str] | None) -> bool:
    try:
        addresses.networks(texts or ())
    except ValueError:
        return False
    return True


def _new_secret() -> str:
    return f"xs_{secrets.token_urlsafe(32)}"


async def create_within(
    session: AsyncSession, caller: Principal, client: ClientIn
) -> tuple[NewClient, str | None]:
    """Make a client that sees no more than its maker; returns it and its unit's code.

    Without a unit it gets the maker's own. Scopes need no such check: only `admin` makes
    clients, and implies them all. Errors: NotFound for a unit outside the maker's subtree.
    """
    unit = client.unit
    if unit is not None:
        await units.visible(session, caller, unit)
    elif caller.unit_id is not None:
        unit = await queries.unit_code(session, caller.unit_id)
    made = await create(
        session,
        name=client.name,
        scopes=list(client.scopes),
        unit=unit,
        networks=client.networks,
        expires_at=client.expires_at,
    )
    detail = {"name": client.name, "scopes": list(client.scopes), "unit": unit}
    audit.record(session, caller, "client.make", made.client_id, **detail)
    return made, unit


async def described(session: AsyncSession, clients: Sequence[Any]) -> list[ClientOut]:
    """Clients as replies show them, in the order given."""
    shown = {one.id: ClientOut.model_validate(one) for one in clients}
    for secret in await queries.secrets_of(session, list(shown)):
        shown[secret.client_id].secrets.append(SecretOut.model_validate(secret))
    return list(shown.values())


async def every(session: AsyncSession) -> list[ClientOut]:
    """All clients there are, in order of their ids."""
    return await described(session, await queries.list_clients(session, limit=_MOST))


async def _visible(session: AsyncSession, caller: Principal, client_id: str) -> Any:
    client = await queries.client(session, client_id, seen_from=caller.unit_id)
    if client is None:
        raise NotFound(f"There is no client {client_id} that this client can see.")
    return client


async def read(session: AsyncSession, caller: Principal, client_id: str) -> ClientOut:
    """One client. Errors: NotFound, also for what lies outside the subtree."""
    return (await described(session, [await _visible(session, caller, client_id)]))[0]


async def revoke(session: AsyncSession, caller: Principal, client_id: str) -> ClientOut:
    """Revoke a client for good; again does nothing. Returns it as it stands.

    Errors: NotFound, also for what lies outside the subtree.
    """
    await _visible(session, caller, client_id)
    if await queries.revoke(session, client_id):
        audit.record(session, caller, "client.revoke", client_id)
    return await read(session, caller, client_id)


async def set_networks(
    session: AsyncSession, caller: Principal, client_id: str, networks: list[str] | None
) -> ClientOut:
    """Change where a client may call from. Errors: NotFound."""
    client = await _visible(session, caller, client_id)
    if client.networks != networks:
        await queries.set_networks(session, client.id, networks)
        audit.record(session, caller, "client.networks", client_id, networks=networks)
    return await read(session, caller, client_id)


async def add_secret(
    session: AsyncSession, caller: Principal, client_id: str, expires_at: datetime | None
) -> SecretMade:
    """Give a client a second secret, so that it can change over without a gap.

    Errors: NotFound, TooManySecrets.
    """
    client = await _visible(session, caller, client_id)
    await queries.lock_client(session, client.id)
    if len(await queries.secrets_of(session, [client.id])) >= _MAX_SECRETS:
        raise TooManySecrets()
    plain = _new_secret()
    stored = await queries.insert_secret(session, client.id, secret_hash(plain), expires_at)
    audit.record(session, caller, "client.secret.make", client_id, secret=stored.id)
    shown = SecretOut.model_validate(stored).model_dump()
    return SecretMade(**shown, client_secret=plain)


async def revoke_secret(
    session: AsyncSession, caller: Principal, client_id: str, secret_id: int
) -> ClientOut:
    """Revoke a secret and every token that was got for it; again does nothing.

    Errors: NotFound for a client that is not seen.
    """
    client = await _visible(session, caller, client_id)
    if await queries.revoke_secret(session, client.id, secret_id):
        audit.record(session, caller, "client.secret.revoke", client_id, secret=secret_id)
    return await read(session, caller, client_id)
