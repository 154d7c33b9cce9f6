"""The `state` that goes to WeChat and comes back: sealed, bound to one browser, good for minutes.

WeChat lets it have 128 characters of [a-zA-Z0-9]. In these stands, for nobody else to read, which
page the person came from: invitations open pages, so their addresses go to nobody.
"""

import hashlib
import hmac
import re
import secrets
import string
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.core.keyring import Keyring
from app.identity.sealing import seal, unsealed

LASTS = timedelta(minutes=10)
"""How long somebody may take at WeChat, and a browser's nonce is kept."""
_DIGITS = string.digits + string.ascii_letters
_SHAPE = re.compile(r"[0-9A-Za-z]{40,128}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{22}")
_LOCALE = re.compile(r"[A-Za-z0-9-]{2,8}")
_MARK_BYTES = 8
_FIELDS = struct.Struct(f">IBB{_MARK_BYTES}s")
_CONTEXT = b"state"


@dataclass(frozen=True)
class State:
    """Where somebody was sent to WeChat from."""

    path: str
    """The page's, such as /s/abcd1234, without the path that the service lives under."""
    again: bool
    """Whether it was not the first try."""
    child: int | None
    locale: str | None
    """The language that the person chose, if any."""
    until: datetime
    mark: bytes
    """Of the browser's nonce."""

    def is_of(self, nonce: str | None) -> bool:
        """Whether the browser with this nonce was the one that was sent."""
        return nonce is not None and hmac.compare_digest(self.mark, _mark(nonce))


def new_nonce() -> str:
    """A number that only one browser knows: 22 characters."""
    return secrets.token_urlsafe(16)


def is_nonce(text: str) -> bool:
    """Whether a text looks like a nonce."""
    return _NONCE.fullmatch(text) is not None


def make(
    keyring: Keyring,
    nonce: str,
    path: str,
    now: datetime,
    *,
    again: bool = False,
    child: int | None = None,
    locale: str | None = None,
) -> str:
    """The state that stands for this page and this browser: up to 128 letters and digits."""
    kept = locale if locale and _LOCALE.fullmatch(locale) else ""
    until = int((now + LASTS).timestamp())
    content = _FIELDS.pack(until, again, child or 0, _mark(nonce)) + f"{path} {kept}".encode()
    return _encoded(seal(keyring, "wechat-state", content, _CONTEXT))


def read(keyring: Keyring, text: str | None) -> State | None:
    """A state that we made, however old; None for anything else."""
    sealed = _decoded(text or "")
    content = unsealed(keyring, "wechat-state", sealed, _CONTEXT) if sealed else None
    if content is None:
        return None
    until, again, child, mark = _FIELDS.unpack_from(content)
    path, _, locale = content[_FIELDS.size :].decode().partition(" ")
    at = datetime.fromtimestamp(until, UTC)
    return State(path, bool(again), child or None, locale or None, at, mark)


def _mark(nonce: str) -> bytes:
    return hashlib.sha256(nonce.encode()).digest()[:_MARK_BYTES]


def _encoded(content: bytes) -> str:
    # A leading one keeps zeros at the front.
    number, text = int.from_bytes(b"\1" + content, "big"), ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text


def _decoded(text: str) -> bytes | None:
    if not _SHAPE.fullmatch(text):
        return None
    number = 0
    for one in text:
        number = number * len(_DIGITS) + _DIGITS.index(one)
    content = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return content[1:] if content[:1] == b"\1" else None
