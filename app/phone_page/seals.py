"""The seal on a page's opening time: who had the form before closing may still send it."""

import base64
import hmac
from datetime import datetime

from app.core.keyring import Keyring

_BYTES = 12


def seal(keyring: Keyring, address: str, opened_at: str) -> str:
    """The seal of the time, as the form holds it, at which a page of this address was made."""
    return _seal(keyring.current("opened-page").key, address, opened_at)


def sealed(keyring: Keyring, address: str, opened_at: datetime | None, given: str | None) -> bool:
    """Whether we made a page of this address at that time."""
    if opened_at is None or given is None or not given.isascii():
        return False
    text = opened_at.isoformat(timespec="seconds")
    keys = keyring.all("opened-page")
    return any(hmac.compare_digest(_seal(one.key, address, text), given) for one in keys)


def _seal(key: bytes, address: str, opened_at: str) -> str:
    mac = hmac.digest(key, f"{address}\0{opened_at}".encode(), "sha256")[:_BYTES]
    return base64.urlsafe_b64encode(mac).decode()
