"""URLs of clients and of the audit."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.access import audit
from app.access.principal import Principal, having
from app.clients import queries, service
from app.clients.problems import TooManySecrets
from app.clients.schemas import (
    AuditEntryOut,
    ClientIn,
    ClientMade,
    ClientOut,
    NetworksIn,
    SecretIn,
    SecretMade,
)
from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.schemas import (
    MAX_ID,
    Code,
    Cursor,
    Limit,
    Page,
    Time,
    from_cursor,
    number_in_cursor,
    paged,
)

router = APIRouter(prefix="/v1", tags=["clients"])

Admin = Annotated[Principal, having("admin")]
Auditor = Annotated[Principal, having("audit:read")]
ClientId = Annotated[Code, Path(description="The client's public id.")]
SecretId = Annotated[int, Path(ge=1, le=MAX_ID, description="The secret's number.")]


@router.post("/clients", status_code=201, responses=replies(NotFound))
async def create_client(
    client: ClientIn, caller: Admin, session: Session, response: Response
) -> ClientMade:
    """Make a client within the caller's subtree; its secret is shown this once."""
    made, unit = await service.create_within(session, caller, client)
    response.headers["Cache-Control"] = "no-store"
    return ClientMade(
        client_id=made.client_id,
        client_secret=made.client_secret,
        name=client.name,
        scopes=sorted(set(client.scopes)),
        unit=unit,
        networks=client.networks,
        expires_at=client.expires_at,
    )


@router.get("/clients")
async def list_clients(
    caller: Admin,
    session: Session,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[ClientOut]:
    """List the clients within the caller's subtree, revoked ones too, in order of their ids."""
    rows = await queries.list_clients(
        session, seen_from=caller.unit_id, after=from_cursor(cursor), limit=limit
    )
    clients, following = paged(rows, limit, "client_id")
    return Page[ClientOut](items=await service.described(session, clients), next=following)


@router.get("/clients/{client_id}", responses=replies(NotFound))
async def get_client(client_id: ClientId, caller: Admin, session: Session) -> ClientOut:
    """Read one client."""
    return await service.read(session, caller, client_id)


@router.post("/clients/{client_id}/revoke", responses=replies(NotFound))
async def revoke_client(client_id: ClientId, caller: Admin, session: Session) -> ClientOut:
    """Revoke a client for good: its secrets and its tokens stop working at once."""
    return await service.revoke(session, caller, client_id)


@router.put("/clients/{client_id}/networks", responses=replies(NotFound))
async def put_networks(
    client_id: ClientId, sent: NetworksIn, caller: Admin, session: Session
) -> ClientOut:
    """Change where a client may call from."""
    return await service.set_networks(session, caller, client_id, sent.networks)


@router.post(
    "/clients/{client_id}/secrets", status_code=201, responses=replies(NotFound, TooManySecrets)
)
async def create_secret(
    client_id: ClientId, sent: SecretIn, caller: Admin, session: Session, response: Response
) -> SecretMade:
    """Give a client a second secret, so that it can change over; it is shown this once."""
    response.headers["Cache-Control"] = "no-store"
    return await service.add_secret(session, caller, client_id, sent.expires_at)


@router.post("/clients/{client_id}/secrets/{secret}/revoke", responses=replies(NotFound))
async def revoke_secret(
    client_id: ClientId, secret: SecretId, caller: Admin, session: Session
) -> ClientOut:
    """Revoke a secret: tokens that were got for it stop working at once."""
    return await service.revoke_secret(session, caller, client_id, secret)


@router.get("/audit", tags=["operating"])
async def list_audit(
    caller: Auditor,
    session: Session,
    client: Annotated[Code | None, Query(description="Only what this client did.")] = None,
    action: Annotated[Code | None, Query(description="Only this, such as campaign.open.")] = None,
    since: Annotated[Time | None, Query(description="Only from then on.")] = None,
    until: Annotated[Time | None, Query(description="Only before then.")] = None,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Page[AuditEntryOut]:
    """Read the audit, the newest first: what clients of the caller's subtree did.

    Who sees everything also sees what was done on the command line. Reading it is audited too.
    """
    rows = await queries.list_audit(
        session,
        seen_from=caller.unit_id,
        client_id=client,
        action=action,
        since=since,
        until=until,
        before=number_in_cursor(cursor),
        limit=limit,
    )
    entries, following = paged(rows, limit, "id")
    audit.record(session, caller, "audit.read", "audit", entries=len(entries))
    items = [AuditEntryOut.model_validate(row) for row in entries]
    return Page[AuditEntryOut](items=items, next=following)
