"""Links that show a questionnaire before anybody is asked it: signed, so that none is stored."""

import base64
import binascii
import hmac
import struct
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from app.core.keyring import Keyring

LASTS = timedelta(days=7)
_CONTENT = struct.Struct(">IIQ")
_MAC_BYTES = 16
_DRAFT = 0


class Preview(NamedTuple):
    """What a preview link shows, and how long."""

    questionnaire_id: int
    version: int | None
    """A published version; None: the draft as it is when the link is opened."""
    until: datetime
    """In whole seconds."""


def token(keyring: Keyring, preview: Preview) -> str:
    """What stands in the link's address: 43 characters, safe in URLs."""
    content = _CONTENT.pack(
        preview.questionnaire_id, preview.version or _DRAFT, int(preview.until.timestamp())
    )
    mac = _mac(keyring.current("preview").key, content)
    return base64.urlsafe_b64encode(content + mac).rstrip(b"=").decode()


def opened(keyring: Keyring, text: str) -> Preview | None:
    """What a link's token shows; None where we did not make it. Whether it is over is not asked."""
    try:
        sent = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    content, mac = sent[: _CONTENT.size], sent[_CONTENT.size :]
    if not any(hmac.compare_digest(_mac(one.key, content), mac) for one in keyring.all("preview")):
        return None
    questionnaire_id, version, until = _CONTENT.unpack(content)
    return Preview(questionnaire_id, version or None, datetime.fromtimestamp(until, UTC))


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")[:_MAC_BYTES]
