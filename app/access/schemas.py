"""What goes in and out at the token endpoint."""

from typing import Literal

from pydantic import Field

from app.core.schemas import Reply


class AccessToken(Reply):
    """An access token, as RFC 6749 names its members."""

    access_token: str = Field(description="Send it as `Authorization: Bearer …`.")
    token_type: Literal["Bearer"] = Field("Bearer", description="The way to send it.")
    expires_in: int = Field(description="Seconds until it expires.", examples=[3600])
    scope: str = Field(description="The scopes of the token, separated by spaces.")


class Revoked(Reply):
    """That a token is of no use any more."""

    status: Literal["revoked"] = Field("revoked", description="Whatever it was before.")
