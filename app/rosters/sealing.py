"""What a roster keeps of a person, under keys that come from the campaign's identity key."""

import hmac
import secrets

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_MAC_BYTES = 16


class Kept(msgspec.Struct, array_like=True, frozen=True):
    """What is sealed of an entry."""

    child: int | None
    phone: str | None
    """In E.164; only where a contractor will have to call it."""


_decoder = msgspec.msgpack.Decoder(Kept)


class RosterKeys:
    """One campaign's keys for its rosters."""

    def __init__(self, identity_key: bytes, campaign_id: int) -> None:
        self._campaign_id = campaign_id
        self._row_key = hmac.digest(identity_key, b"rosters/row", "sha256")
        self._cipher = AESGCM(hmac.digest(identity_key, b"rosters/sealed", "sha256"))

    def row_mac(self, *canonical: str | int | None) -> bytes:
        """What is equal for equal rows, however they were spelled."""
        message = msgspec.json.encode(canonical)
        return hmac.digest(self._row_key, message, "sha256")[:_MAC_BYTES]

    def seal(self, batch: int, serial: int, kept: Kept) -> bytes | None:
        """This for one invitation and no other; None where there is nothing to keep."""
        if kept.child is None and kept.phone is None:
            return None
        nonce = secrets.token_bytes(_NONCE_BYTES)
        content = msgspec.msgpack.encode(kept)
        return nonce + self._cipher.encrypt(nonce, content, self._place(batch, serial))

    def opened(self, batch: int, serial: int, sealed: bytes | None) -> Kept:
        """What `seal` sealed. Errors: InvalidTag for what was altered or moved."""
        if sealed is None:
            return Kept(None, None)
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return _decoder.decode(self._cipher.decrypt(nonce, content, self._place(batch, serial)))

    def _place(self, batch: int, serial: int) -> bytes:
        return f"{self._campaign_id}/{batch}/{serial}".encode()
