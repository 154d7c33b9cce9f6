"""The token endpoint."""

import base64
import binascii
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import unquote_plus

from fastapi import APIRouter, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from app.access import service, tokens
from app.access.problems import (
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    NetworkNotAllowed,
)
from app.access.schemas import AccessToken, Revoked
from app.core.addresses import client_address, network_of
from app.core.database import Session
from app.core.limits.counting import Limits, TooMany
from app.core.problems import replies


class _OAuthRoute(APIRoute):
    """A route whose unreadable input is a problem in OAuth's terms."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise InvalidRequest() from error
            except HTTPException as error:
                if error.status_code != InvalidRequest.status:
                    raise
                raise InvalidRequest() from error

        return handled


router = APIRouter(tags=["access"], route_class=_OAuthRoute)

ClientId = Annotated[str, Form(description="Or by HTTP Basic.")]
ClientSecret = Annotated[str, Form(description="Or by HTTP Basic.")]


@router.post(
    "/oauth/token",
    responses=replies(
        InvalidRequest, InvalidClient, InvalidGrant, InvalidScope, NetworkNotAllowed, TooMany
    ),
)
async def get_token(
    request: Request,
    response: Response,
    session: Session,
    grant_type: Annotated[str, Form(description="client_credentials")] = "",
    client_id: ClientId = "",
    client_secret: ClientSecret = "",
    scope: Annotated[str | None, Form(description="A part of the client's scopes.")] = None,
) -> AccessToken:
    """Get an access token for a client's credentials."""
    if grant_type != "client_credentials":
        raise InvalidGrant()
    client_id, client_secret = _credentials(request, client_id, client_secret)
    with _guarded(request, client_id):
        token, scopes = await service.exchange(
            session,
            request.app.state.keyring,
            client_id=client_id,
            secret=client_secret,
            scope=scope,
            address=client_address(request.scope),
        )
    response.headers["Cache-Control"] = "no-store"
    return AccessToken(
        access_token=token,
        expires_in=int(tokens.LIFETIME.total_seconds()),
        scope=" ".join(sorted(scopes)),
    )


@router.post("/oauth/revoke", responses=replies(InvalidRequest, InvalidClient, TooMany))
async def revoke_token(
    request: Request,
    session: Session,
    token: Annotated[str, Form(description="The access token that is to end.")],
    client_id: ClientId = "",
    client_secret: ClientSecret = "",
) -> Revoked:
    """Revoke one of the client's own access tokens (RFC 7009): 200 for an unknown one too."""
    client_id, client_secret = _credentials(request, client_id, client_secret)
    with _guarded(request, client_id):
        await service.revoke_token(
            session,
            request.app.state.keyring,
            client_id=client_id,
            secret=client_secret,
            token=token,
        )
    return Revoked()


@contextmanager
def _guarded(request: Request, client_id: str) -> Iterator[None]:
    """Let nobody guess secrets for long: refusals count, per network and client."""
    limits: Limits = request.app.state.limits
    network = network_of(client_address(request.scope))
    kept = (("credentials", f"{network} {client_id[:64]}"), ("guesses", network))
    for one in kept:
        limits.check(*one)
    try:
        yield
    except InvalidClient:
        for one in kept:
            limits.count(*one)
        raise


def _credentials(request: Request, client_id: str, client_secret: str) -> tuple[str, str]:
    if authorization := request.headers.get("Authorization"):
        return _basic(authorization)
    return client_id, client_secret


def _basic(authorization: str) -> tuple[str, str]:
    kind, _, value = authorization.partition(" ")
    if kind.lower() != "basic":
        raise InvalidClient()
    try:
        name, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise InvalidClient() from error
    return unquote_plus(name), unquote_plus(secret)
