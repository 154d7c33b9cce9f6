"""The demonstration's clients: made once, their secrets kept where only the operator reads."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import service as access
from app.access.principal import Principal
from app.access.problems import InvalidClient
from app.access.scopes import implied
from app.clients import service as clients
from app.demonstration import queries
from app.demonstration.places import CITY

FILE = "demonstration.json"
BUREAU, CONTRACTOR, DASHBOARD, PUBLIC = "bureau", "contractor", "dashboard", "public"
_SCOPES = {
    BUREAU: "admin",
    CONTRACTOR: "interviews:write tallies:write",
    DASHBOARD: "results:read results:exact",
    PUBLIC: "results:read",
}


@dataclass(frozen=True)
class Credential:
    """A client of the demonstration, with its secret."""

    name: str
    client_id: str
    client_secret: str
    scope: str


async def known(session: AsyncSession, data_dir: Path) -> dict[str, Credential]:
    """The credentials in the file that this database accepts, by name."""
    found = {}
    for one in _read(data_dir / FILE):
        try:
            client, _ = await access.authenticated(session, one.client_id, one.client_secret)
        except InvalidClient:
            continue
        if set(one.scope.split()) == set(client.scopes):
            found[one.name] = one
    return found


def _read(path: Path) -> list[Credential]:
    try:
        return [Credential(**one) for one in json.loads(path.read_text("utf-8"))["clients"]]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return []


async def make(session: AsyncSession, name: str) -> Credential:
    """A new client; the bureau's sees everything, the others see the city."""
    made = await clients.create(
        session,
        name=f"Demonstration: {name}",
        scopes=_SCOPES[name].split(),
        unit=None if name == BUREAU else CITY,
    )
    return Credential(name, made.client_id, made.client_secret, _SCOPES[name])


def keep(data_dir: Path, credentials: Iterable[Credential]) -> None:
    """Write the file, before the clients in it are committed.

    In this order a kill in between leaves secrets that open nothing, never clients whose secrets
    nobody knows.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / FILE
    draft = path.with_name(f"{FILE}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"clients": [asdict(one) for one in credentials]}, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


async def principal(session: AsyncSession, credential: Credential) -> Principal:
    """The caller that this client is."""
    row = await queries.client(session, credential.client_id)
    return Principal(
        id=row.id,
        client_id=credential.client_id,
        scopes=implied(frozenset(credential.scope.split())),
        unit_id=row.unit_id,
        request_id="demonstration",
    )
