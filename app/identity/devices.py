"""Device proofs: a random number that we signed, kept by a browser or a mini-program.

The weakest of proofs, since whoever clears it gets another; it counts only when it is the sole
proof, and only where the campaign admits it.
"""

import base64
import binascii
import hmac
import secrets

from app.core.keyring import Keyring

COOKIE = "xinsheng_device"
_NUMBER_BYTES = 16
_MAC_BYTES = 12


def issue(keyring: Keyring) -> str:
    """A new device proof: 38 characters, safe in URLs and cookies."""
    number = secrets.token_bytes(_NUMBER_BYTES)
    mac = _mac(keyring.current("device-proof").key, number)
    return base64.urlsafe_b64encode(number + mac).rstrip(b"=").decode()


def device_of(keyring: Keyring, proof: str | None) -> str | None:
    """The device that a proof speaks of, or None for one that we did not sign."""
    if proof is None or len(proof) != 38 or not proof.isascii():
        return None
    try:
        signed = base64.b64decode(proof + "==", altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    number, mac = signed[:_NUMBER_BYTES], signed[_NUMBER_BYTES:]
    keys = keyring.all("device-proof")
    if any(hmac.compare_digest(mac, _mac(subkey.key, number)) for subkey in keys):
        return number.hex()
    return None


def _mac(key: bytes, number: bytes) -> bytes:
    return hmac.digest(key, number, "sha256")[:_MAC_BYTES]
