"""Rules of clients: making them."""

import secrets
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.scopes import SCOPES
from app.access.service import secret_hash
from app.clients import queries
from app.clients.problems import ClientRefused
from app.core.problems import FieldError


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
