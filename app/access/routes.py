"""The token endpoint."""

import base64
import binascii
from typing import Annotated
from urllib.parse import unquote_plus

from fastapi import APIRouter, Form, Request, Response

from app.access import service, tokens
from app.access.problems import InvalidClient, InvalidGrant, InvalidScope
from app.access.schemas import AccessToken
from app.core.database import Session
from app.core.problems import replies

router = APIRouter(tags=["access"])


@router.post("/oauth/token", responses=replies(InvalidClient, InvalidGrant, InvalidScope))
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
