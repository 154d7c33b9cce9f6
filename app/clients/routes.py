"""URLs of clients."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.access.principal import Principal, having
from app.clients import queries, service
from app.clients.schemas import ClientIn, ClientMade, ClientOut
from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.schemas import Code, Cursor, Limit, Page, from_cursor, paged

router = APIRouter(prefix="/v1/clients", tags=["clients"])

Admin = Annotated[Principal, having("admin")]
ClientId = Annotated[Code, Path(description="The client's public id.")]


@router.post("", status_code=201, responses=replies(NotFound))
async def create_client(
    client: ClientIn, caller: Admin, session: Session, response: Response
) -> ClientMade:
    """Make a client within the caller's subtree; its secret is shown this once."""
    made, unit = await service.create_within(
        session, caller, name=client.name, scopes=list(client.scopes), unit=client.unit
    )
    response.headers["Cache-Control"] = "no-store"
    return ClientMade(
        client_id=made.client_id,
        client_secret=made.client_secret,
        name=client.name,
        scopes=sorted(set(client.scopes)),
        unit=unit,
    )


@router.get("")
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
    items, following = paged(rows, limit, "client_id")
    return Page[ClientOut](items=[ClientOut.model_validate(row) for row in items], next=following)


@router.post("/{client_id}/revoke", responses=replies(NotFound))
async def revoke_client(client_id: ClientId, caller: Admin, session: Session) -> ClientOut:
    """Revoke a client for good: its secret and its tokens stop working at once."""
    return ClientOut.model_validate(await service.revoke(session, caller, client_id))
