"""Who is calling, and whether they may: the one place where scopes are decided."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import queries, tickets, tokens
from app.access.problems import NetworkNotAllowed, ScopeMissing, Unauthenticated
from app.access.scopes import DESCRIPTIONS, Scope, implied
from app.access.tables import Client
from app.core import clock
from app.core.addresses import client_address, is_within, network_of, networks
from app.core.database import Session
from app.core.http import request_id, stand
from app.core.limits.counting import Limits
from app.core.parameters import refuse_unknown_parameters


@dataclass(frozen=True)
class Principal:
    """The client behind a request, what it may do, and the root of what it may see."""

    id: int
    client_id: str
    scopes: frozenset[str]
    unit_id: int | None
    """The unit whose subtree this client sees; None sees all."""
    request_id: str = ""
    address: str = ""
    """Where it calls from."""
    token: tokens.Claims | None = None
    """What its token says; None where it is called for without one."""

    def may(self, scope: Scope) -> bool:
        """Whether this client has a scope, by itself or through `admin`."""
        return scope in self.scopes or "admin" in self.scopes


OPERATOR = Principal(id=0, client_id="", scopes=frozenset({"admin"}), unit_id=None)
"""Who works on the command line: no client, so the audit names the machine's user."""

_bearer = OAuth2(
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(tokenUrl="/oauth/token", scopes=DESCRIPTIONS)
    ),
    scheme_name="ClientCredentials",
    auto_error=False,
)


Authorization = Annotated[str | None, Depends(_bearer)]


async def _principal(request: Request, session: Session, authorization: Authorization) -> Principal:
    with _counted_as_guess(request):
        return await _of_claims(request, session, _claims(request, authorization))


@contextmanager
def _counted_as_guess(request: Request) -> Iterator[None]:
    try:
        yield
    except Unauthenticated:
        limits: Limits = request.app.state.limits
        limits.admit("guesses", network_of(client_address(request.scope)))
        raise


async def _of_claims(request: Request, session: AsyncSession, claims: tokens.Claims) -> Principal:
    limits: Limits = request.app.state.limits
    address = client_address(request.scope)
    stand(request, limits.admit("client", claims.client_id))
    client = await queries.client_of_token(
        session, claims.client_id, secret_id=claims.secret_id, token_id=claims.token_id
    )
    if client is None:
        raise Unauthenticated()
    if not may_call_from(client, address):
        raise NetworkNotAllowed()
    refuse_unknown_parameters(request)
    return Principal(
        id=client.id,
        client_id=client.client_id,
        # What the token was given, so far as the client still has it.
        scopes=implied(claims.scopes) & implied(frozenset(client.scopes)),
        unit_id=client.unit_id,
        request_id=request_id(request),
        address=address,
        token=claims,
    )


def _claims(request: Request, authorization: str | None) -> tokens.Claims:
    kind, _, token = (authorization or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Unauthenticated()
    return tokens.verify(request.app.state.keyring, token.strip())


def may_call_from(client: Client, address: str) -> bool:
    """Whether a client is allowed to call from an address."""
    return client.networks is None or is_within(address, networks(client.networks))


Caller = Annotated[Principal, Depends(_principal)]
"""Any client with a valid token."""


async def _ticketed(
    request: Request,
    session: Session,
    authorization: Authorization,
    ticket: Annotated[
        str | None,
        Query(max_length=100, description="In place of the token, for browsers' EventSource."),
    ] = None,
) -> Principal:
    if ticket is None:
        return await _principal(request, session, authorization)
    with _counted_as_guess(request):
        claims = await tickets.redeem(session, ticket, request.url.path)
        return await _of_claims(request, session, claims)


async def in_force(session: AsyncSession, token: tokens.Claims) -> bool:
    """Whether a token that was valid is so still, its client and secret too."""
    client = await queries.client_of_token(
        session, token.client_id, secret_id=token.secret_id, token_id=token.token_id
    )
    return client is not None and token.expires_at > clock.now()


async def still_in_force(session: AsyncSession, caller: Principal) -> bool:
    """Whether the client of a request is so still, whatever its token; the command line always."""
    return caller.id == OPERATOR.id or await queries.is_in_force(session, caller.id)


def having_or_ticket(*scopes: Scope) -> Any:
    """As `having`, for a page that also a ticket opens. Errors: 401, 403."""
    return _authorised(_ticketed, scopes)


def having(*scopes: Scope) -> Any:
    """A dependency: the caller, who must have one of these scopes. Errors: 401, 403."""
    return _authorised(_principal, scopes)


def _authorised(called_by: Callable[..., Any], scopes: tuple[Scope, ...]) -> Any:
    async def authorised(caller: Annotated[Principal, Depends(called_by)]) -> Principal:
        if not any(caller.may(scope) for scope in scopes):
            raise ScopeMissing(f"This needs the scope {' or '.join(scopes)}.")
        return caller

    # As Security, so that the OpenAPI document names the scopes.
    return Security(authorised, scopes=scopes)
