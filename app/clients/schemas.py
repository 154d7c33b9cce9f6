"""What goes in and out about clients and the audit."""

import ipaddress
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.access.scopes import Scope
from app.core.schemas import Body, Code, Reply, Text, Time

_SCOPES = Field(description="What it may do.", examples=[["interviews:write"]])
_UNIT = Field(description="The unit whose subtree it sees; null: everything.", examples=["370702"])
_EXPIRES = "From then on it is of no use; null: until it is revoked."


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        message = "Write an address or a network, such as 203.0.113.7 or 10.0.0.0/8."
        raise PydanticCustomError("not_a_network", message) from error


_NetworkList = Annotated[
    list[Annotated[str, Field(max_length=50), AfterValidator(_network)]],
    Field(min_length=1, max_length=50),
]
Networks = Annotated[
    _NetworkList | None,
    Field(description="Where it may call from; null: anywhere.", examples=[["203.0.113.0/24"]]),
]


class ClientIn(Body):
    """A client to be made."""

    name: Annotated[
        Text, Field(max_length=200, description="For people.", examples=["第三方调查机构"])
    ]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=50), _SCOPES]
    unit: Code | None = Field(
        None, description="The unit whose subtree it sees; the caller's own where none is given."
    )
    networks: Networks = None
    expires_at: Time | None = Field(None, description=_EXPIRES)


class NetworksIn(Body):
    """Where a client may call from."""

    networks: Networks


class SecretIn(Body):
    """A further secret for a client."""

    expires_at: Time | None = Field(None, description=_EXPIRES)


class SecretOut(Reply):
    """A secret as it stands; the secret itself is not kept."""

    id: int = Field(description="Its number.")
    created_at: datetime = Field(description="When it was made.")
    expires_at: datetime | None = Field(description=_EXPIRES)
    last_used_at: datetime | None = Field(
        description="When a token was last got for it, to the minute; null: never."
    )


class SecretMade(SecretOut):
    """A new secret, which is shown this once."""

    client_secret: str = Field(description="Keep it: it is stored only as a hash.")


class ClientOut(Reply):
    """A client as it stands."""

    client_id: str = Field(description="Its public id.", examples=["xc_58a1c0d2e4f60718"])
    name: str = Field(description="For people.")
    scopes: Annotated[list[Scope], _SCOPES]
    unit: Annotated[str | None, _UNIT]
    networks: Networks
    created_at: datetime = Field(description="When it was made.")
    expires_at: datetime | None = Field(description=_EXPIRES)
    revoked_at: datetime | None = Field(description="When it was revoked; null while in force.")
    secrets: list[SecretOut] = Field(
        default_factory=list, description="Those that were not revoked; two at most."
    )


class ClientMade(Reply):
    """A new client and its secret, which is shown this once."""

    client_id: str = Field(description="Its public id.", examples=["xc_58a1c0d2e4f60718"])
    client_secret: str = Field(description="Keep it: it is stored only as a hash.")
    name: str = Field(description="For people.")
    scopes: Annotated[list[Scope], _SCOPES]
    unit: Annotated[str | None, _UNIT]
    networks: Networks = None
    expires_at: datetime | None = Field(None, description=_EXPIRES)


class AuditEntryOut(Reply):
    """Who did what to which object, when and from where."""

    number: int | None = Field(
        description="Its place in the chain; null for entries from before there was one."
    )
    at: datetime = Field(description="When.")
    client: str | None = Field(
        description="The client's public id; null for the command line and the service itself."
    )
    action: str = Field(description="What was done.", examples=["campaign.open"])
    object: str = Field(description="To what.", examples=["2026-autumn"])
    detail: dict[str, Any] = Field(description="What else there is to say of it.")
    address: str | None = Field(description="The caller's network address.")
    request_id: str = Field(description="As in the log and in problems.")
