"""Rules of clients: making and revoking them."""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.access.scopes import SCOPES
from app.access.service import audit, secret_hash
from app.clients import queries
from app.clients.problems import ClientRefused
from app.core.problems import FieldError, NotFound
from app.units import service as units


@dataclass(frozen=True)
class NewClient:
    """A client's credentials. The secret is shown this once and stored only as a hash."""

    client_id: str
    client_secret: str


async def create(
    session: AsyncSession, *, name: str, scopes: list[str], unit: str | None
) -> NewClient:
    """Make a client with these scopes that sees the subtree of a unit (None: everything).

    Errors: ClientRefused for an unknown scope or unit.
    """
    if not scopes or not set(scopes) <= set(SCOPES):
        known = f"The scopes are {', '.join(SCOPES)}."
        raise ClientRefused(errors=[FieldError("/scopes", "unknown_scope", known)])
    unit_id = None
    if unit is not None:
        unit_id = await queries.unit_id(session, unit)
        if unit_id is None:
            message = "There is no unit with this code."
            raise ClientRefused(errors=[FieldError("/unit", "unknown_unit", message)])
    made = NewClient(f"xc_{secrets.token_hex(8)}", f"xs_{secrets.token_urlsafe(32)}")
    await queries.insert_client(
        session,
        client_id=made.client_id,
        name=name,
        secret_hash=secret_hash(made.client_secret),
        scopes=sorted(set(scopes)),
        unit_id=unit_id,
    )
    return made


async def create_within(
    session: AsyncSession, caller: Principal, *, name: str, scopes: list[str], unit: str | None
) -> tuple[NewClient, str | None]:
    """Make a client that sees no more than its maker; returns it and its unit's code.

    Without a unit it gets the maker's own. Scopes need no such check: only `admin` makes
    clients, and implies them all. Errors: NotFound for a unit outside the maker's subtree.
    """
    if unit is not None:
        await units.visible(session, caller, unit)
    elif caller.unit_id is not None:
        unit = await queries.unit_code(session, caller.unit_id)
    made = await create(session, name=name, scopes=scopes, unit=unit)
    await audit(session, caller, "client.make", made.client_id, name=name, scopes=scopes, unit=unit)
    return made, unit


async def revoke(session: AsyncSession, caller: Principal, client_id: str) -> Any:
    """Revoke a client for good; again does nothing. Returns it as it stands.

    Errors: NotFound, also for what lies outside the subtree.
    """
    if await queries.client(session, client_id, seen_from=caller.unit_id) is None:
        raise NotFound(f"There is no client {client_id} that this client can see.")
    if await queries.revoke(session, client_id):
        await audit(session, caller, "client.revoke", client_id)
    return await queries.client(session, client_id, seen_from=caller.unit_id)
