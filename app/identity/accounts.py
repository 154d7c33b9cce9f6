"""Account proofs: what WeChat told us of a browser, sealed and given to that browser to keep.

Sealed by AES-GCM and bound to one campaign, so that nobody, the browser included, reads an openid
in it, and one campaign's is of no use in another.
"""

import base64
import binascii
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.keyring import KEY_ID_BYTES, Keyring

COOKIE = "xinsheng_wechat"
LASTS = timedelta(hours=2)
"""Long enough to fill in a page, to lose the network and to send it again."""
_NONCE_BYTES = 12
_LONGEST = 1000


class _Content(msgspec.Struct, array_like=True):
    until: datetime
    accounts: tuple[str, ...]


_decoder = msgspec.msgpack.Decoder(_Content)


def seal(keyring: Keyring, campaign_id: int, accounts: Sequence[str], now: datetime) -> str:
    """A proof of accounts for one campaign, safe in cookies.

    `accounts` in canonical form, such as `openid/wx0123/oABC` and `unionid/oXYZ`.
    """
    subkey = keyring.current("account-proof")
    nonce = secrets.token_bytes(_NONCE_BYTES)
    content = msgspec.msgpack.encode(_Content(now + LASTS, tuple(accounts)))
    sealed = AESGCM(subkey.key).encrypt(nonce, content, _context(campaign_id))
    return base64.urlsafe_b64encode(subkey.id + nonce + sealed).rstrip(b"=").decode()


def accounts_of(
    keyring: Keyring, proof: str | None, campaign_id: int, now: datetime
) -> tuple[str, ...]:
    """The accounts that a proof speaks of; none for one that is not ours, or not any more."""
    if proof is None or len(proof) > _LONGEST or not proof.isascii():
        return ()
    try:
        raw = base64.b64decode(proof + "=" * (-len(proof) % 4), altchars=b"-_", validate=True)
        subkey = keyring.find("account-proof", raw[:KEY_ID_BYTES])
        if subkey is None:
            return ()
        nonce, sealed = raw[KEY_ID_BYTES:][:_NONCE_BYTES], raw[KEY_ID_BYTES + _NONCE_BYTES :]
        content = _decoder.decode(AESGCM(subkey.key).decrypt(nonce, sealed, _context(campaign_id)))
    except (binascii.Error, InvalidTag, ValueError):
        return ()
    return content.accounts if now < content.until else ()


def _context(campaign_id: int) -> bytes:
    return f"campaign/{campaign_id}".encode()
