"""The token endpoint."""

import base64
import binascii
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import unquote_plus

from fastapi import APIRouter, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from app.access import service, tokens
from app.access.problems import InvalidClient, InvalidGrant, InvalidRequest, InvalidScope
from app.access.schemas import AccessToken
from app.core.database import Session
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


@router.post(
    "/oauth/token",
    responses=replies(InvalidRequest, InvalidClient, InvalidGrant, InvalidScope),
)
async def get_token(
    request: Request,
    response: Response,
    session: Session,
    grant_type: Annotated[str, Form(description="client_credentials")] = "",
    client_id: Annotated[str, Form(description="Or by HTTP Basic.")] = "",
    client_secret: Annotated[str, Form(description="Or by HTTP Basic.")] = "",
    scope: Annotated[str | None, Form(description="A part of the client's scopes.")] = None,
) -> AccessToken:
    """Get an access token for a client's credentials."""
    if grant_type != "client_credentials":
        raise InvalidGrant()
    if authorization := request.headers.get("Authorization"):
        client_id, client_secret = _basic(authorization)
    token, scopes = await service.exchange(
        session,
        request.app.state.keyring,
        client_id=client_id,
        secret=client_secret,
        scope=scope,
    )
    response.headers["Cache-Control"] = "no-store"
    return AccessToken(
        access_token=token,
        expires_in=int(tokens.LIFETIME.total_seconds()),
        scope=" ".join(sorted(scopes)),
    )


def _basic(authorization: str) -> tuple[str, str]:
    kind, _, value = authorization.partition(" ")
    if kind.lower() != "basic":
        raise InvalidClient()
    try:
        name, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise InvalidClient() from error
    return unquote_plus(name), unquote_plus(secret)
