"""What goes in and out about clients."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.access.scopes import Scope
from app.core.schemas import Body, Code, Reply, Text

_SCOPES = Field(description="What it may do.", examples=[["interviews:write"]])
_UNIT = Field(description="The unit whose subtree it sees; null: everything.", examples=["370702"])


class ClientIn(Body):
    """A client to be made."""

    name: Annotated[
        Text, Field(max_length=200, description="For people.", examples=["第三方调查机构"])
    ]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=50), _SCOPES]
    unit: Code | None = Field(
        None, description="The unit whose subtree it sees; the caller's own where none is given."
    )


class ClientMade(Reply):
    """A new client and its secret, which is shown this once."""

    client_id: str = Field(description="Its public id.", examples=["xc_58a1c0d2e4f60718"])
    client_secret: str = Field(description="Keep it: it is stored only as a hash.")
    name: str = Field(description="For people.")
    scopes: Annotated[list[Scope], _SCOPES]
    unit: Annotated[str | None, _UNIT]


class ClientOut(Reply):
    """A client as it stands."""

    client_id: str = Field(description="Its public id.", examples=["xc_58a1c0d2e4f60718"])
    name: str = Field(description="For people.")
    scopes: Annotated[list[Scope], _SCOPES]
    unit: Annotated[str | None, _UNIT]
    created_at: datetime = Field(description="When it was made.")
    revoked_at: datetime | None = Field(description="When it was revoked; null while in force.")
