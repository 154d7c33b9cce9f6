"""Invitation tokens: signed, never stored, and made again from their batch.

A token is base64url of 20 bytes: the batch (4) and serial (4), big endian, and the first 12 bytes
of their HMAC-SHA256. 96 bits cannot be guessed: at a million tries a second, for 1e15 years.
"""

import base64
import hmac
import re
from collections.abc import Iterator

from app.core.keyring import Keyring, Subkey

_MAC_BYTES = 12
_SHAPE = re.compile(r"[A-Za-z0-9_-]{27}")


def token(subkey: Subkey, batch: int, serial: int) -> str:
    """The token of one invitation; serials count from 0."""
    return _encoded(_signed(subkey, batch.to_bytes(4, "big") + serial.to_bytes(4, "big")))


def tokens(subkey: Subkey, batch: int, count: int) -> Iterator[str]:
    """The tokens of a whole batch, in order of their serials."""
    return (token(subkey, batch, serial) for serial in range(count))


def proof(batch: int, serial: int) -> str:
    """What an invitation proves of whoever has it, in canonical form."""
    return f"{batch}.{serial}"


def parse(keyring: Keyring, text: str) -> tuple[int, int] | None:
    """The batch and serial of a token that one of our keys signed; None for anything else."""
    if not _SHAPE.fullmatch(text):
        return None
    given = base64.urlsafe_b64decode(text + "=")
    # The last character has two bits to spare: one token must not have four spellings.
    if _encoded(given) != text:
        return None
    body = given[:-_MAC_BYTES]
    for subkey in keyring.all("invitation"):
        if hmac.compare_digest(_signed(subkey, body), given):
            return int.from_bytes(body[:4], "big"), int.from_bytes(body[4:], "big")
    return None


def _signed(subkey: Subkey, body: bytes) -> bytes:
    return body + hmac.digest(subkey.key, body, "sha256")[:_MAC_BYTES]


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
