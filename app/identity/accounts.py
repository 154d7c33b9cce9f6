"""Account proofs: what WeChat told us of a browser, sealed and given to that browser to keep.

Sealed by AES-GCM and bound to one campaign, so that nobody, the browser included, reads an openid
in it, and one campaign's is of no use in another.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from app.core.keyring import Keyring
from app.identity.sealing import seal as _seal
from app.identity.sealing import unsealed

COOKIE = "xinsheng_wechat"
LASTS = timedelta(hours=2)
"""Long enough to fill in a page, to lose the network and to send it again."""
_PROOF = re.compile(r"[A-Za-z0-9_-]{40,600}")
_MOST = 4
"""Campaigns that one browser's cookie speaks of at a time."""
_BETWEEN = "."


class _Content(msgspec.Struct, array_like=True):
    until: datetime
    accounts: tuple[str, ...]


_decoder = msgspec.msgpack.Decoder(_Content)


def seal(keyring: Keyring, campaign_id: int, accounts: Sequence[str], now: datetime) -> str:
    """A proof of accounts for one campaign, safe in cookies.

    `accounts` in canonical form, such as `openid/wx0123/oABC` and `unionid/oXYZ`.
    """
    content = msgspec.msgpack.encode(_Content(now + LASTS, tuple(accounts)))
    sealed = _seal(keyring, "account-proof", content, _context(campaign_id))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def beside(proof: str, cookie: str | None) -> str:
    """A cookie's value: a new proof, and those of other campaigns that the browser had."""
    former = [one for one in (cookie or "").split(_BETWEEN, _MOST) if _PROOF.fullmatch(one)]
    return _BETWEEN.join([proof, *former[: _MOST - 1]])


def accounts_of(
    keyring: Keyring, cookie: str | None, campaign_id: int, now: datetime
) -> tuple[str, ...]:
    """The accounts that a cookie proves to one campaign; none where none of its proofs is ours
    and still lasts."""
    for proof in (cookie or "").split(_BETWEEN, _MOST)[:_MOST]:
        if content := _read(keyring, proof, campaign_id):
            return content.accounts if now < content.until else ()
    return ()


def _read(keyring: Keyring, proof: str, campaign_id: int) -> _Content | None:
    if not _PROOF.fullmatch(proof):
        return None
    try:
        raw = base64.b64decode(proof + "=" * (-len(proof) % 4), altchars=b"-_", validate=True)
        content = unsealed(keyring, "account-proof", raw, _context(campaign_id))
        return None if content is None else _decoder.decode(content)
    except (binascii.Error, msgspec.DecodeError):
        return None


def _context(campaign_id: int) -> bytes:
    return f"campaign/{campaign_id}".encode()
