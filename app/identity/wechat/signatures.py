"""The signature by which WeChat's script lets a page set its share card."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?][!-~]*)?")


@dataclass(frozen=True)
class Signature:
    """What goes with `wx.config`."""

    timestamp: int
    nonce: str
    signature: str


def is_ours(url: str, public_url: str, others: Iterable[str]) -> bool:
    """Whether an address is one of our own pages'; `others` are names besides the public one."""
    found = _ADDRESS.fullmatch(url)
    if found is None:
        return False
    return found[1].strip("[]").lower() in {urlsplit(public_url).hostname, *others}


def sign(ticket: str, url: str, now: datetime) -> Signature:
    """The signature of a page's address, of which WeChat leaves out what follows `#`."""
    nonce, timestamp = secrets.token_hex(8), int(now.timestamp())
    return Signature(timestamp, nonce, digest(ticket, nonce, timestamp, url.partition("#")[0]))


def digest(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """SHA-1 as WeChat has it, 40 hexadecimal digits."""
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
