"""A response on its way into the ledger, and what became of it."""

import base64
import binascii
import hmac
from datetime import datetime
from enum import Enum
from uuid import UUID

import msgspec

from app.questionnaires.validator import Encoded
from app.responses.tables import Channel

_MAC_BYTES = 8
_RECEIPT_BYTES = 4 + 16 + _MAC_BYTES


class Outcome(Enum):
    """What became of a submission."""

    stored = "stored"
    replaced = "replaced"
    """It was stored, and this person's earlier response gave way to it."""
    replayed = "replayed"
    """It was stored before, with the same answers."""
    conflicting = "conflicting"
    """Its id was stored before, with other answers."""
    withdrawn = "withdrawn"
    """It was stored before and has been withdrawn."""
    already_answered = "already_answered"
    """One of its proofs belongs to another response."""
    outdated = "outdated"
    """The campaign's rules have changed since they were read: read them again and repeat."""


class Submission(msgspec.Struct, frozen=True, gc=False):
    """One response, checked and encoded, as the ledger takes it."""

    campaign_id: int
    revision: int
    """The campaign's revision that it was checked against."""
    submission_id: UUID
    unit_id: int
    population: int
    channel: Channel
    origin_id: int | None
    encoded: Encoded
    fingerprints: tuple[bytes, ...]
    """All must be free, or it is refused. Sorted; none only where no person is proved."""
    answered_at: datetime
    seconds: int | None = None
    locale: str | None = None
    network: int | None = None
    """The mark of the network that it came from; none where that says nothing of anybody."""
    consent_id: int | None = None
    """The consent text that its person was shown, where there is one."""
    keep_last: bool = False
    """Whether it takes the place of this person's earlier response through the same channel."""

    @property
    def key(self) -> tuple[int, UUID]:
        """What makes it the same submission when it comes again."""
        return self.campaign_id, self.submission_id


def receipt(key: bytes, campaign_id: int, submission_id: UUID) -> str:
    """Proof of arrival: the same for the same response, 38 characters, safe in URLs."""
    content = campaign_id.to_bytes(4, "big") + submission_id.bytes
    mac = hmac.digest(key, content, "sha256")[:_MAC_BYTES]
    return base64.urlsafe_b64encode(content + mac).rstrip(b"=").decode()


def receipt_names(text: str) -> tuple[int, UUID] | None:
    """The campaign and submission that a receipt speaks of, not yet verified."""
    try:
        content = base64.b64decode(text.strip() + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(content) != _RECEIPT_BYTES:
        return None
    return int.from_bytes(content[:4], "big"), UUID(bytes=content[4:20])
