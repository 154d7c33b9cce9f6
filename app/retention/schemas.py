"""What goes in and out about the end of a campaign's key."""

from datetime import datetime

from pydantic import Field

from app.core.schemas import Body, Code, Reply
from app.retention.lists import Cause


class DestructionIn(Body):
    """What shows that it is meant."""

    confirm: Code = Field(description="The campaign's code once more.", examples=["2026-autumn"])


class DestructionOut(Reply):
    """What was destroyed of a campaign, and until when copies of it may last."""

    campaign: str = Field(description="The campaign's code.", examples=["2026-autumn"])
    destroyed_at: datetime = Field(description="When its identity key was destroyed.")
    cause: Cause = Field(
        description="`command`: somebody asked for it; `retention`: its time was over."
    )
    erased: dict[str, int] = Field(
        description="How many rows of what went with the key.",
        examples=[{"claims": 1200, "voided": 0, "interviews": 40}],
    )
    last_copy_expires_at: datetime | None = Field(
        description="When the last file of campaigns' keys that backups made, and that may hold "
        "the key, has served its time; null where that cannot be known."
    )
    note: str = Field(
        description="What that rests on, and which copies cannot be seen from here.",
        examples=["The file of campaigns' keys of 2027-01-31 is kept for 14 days."],
    )
