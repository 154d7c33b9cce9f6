"""The chain that the audit's entries form: what each hash is made of."""

import hmac
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One entry as it is chained."""

    at: datetime
    client_id: int | None
    action: str
    object: str
    detail: dict[str, Any]
    request_id: str
    address: str | None


class Head(NamedTuple):
    """The end of the chain."""

    number: int
    hash: bytes
    mac: bytes


def origin(key: bytes, entries: Iterable[Entry]) -> bytes:
    """What a chain begins with: a hash over the entries from before there was one."""
    mac = hmac.new(key, b"origin", "sha256")
    for entry in entries:
        mac.update(_canonical(0, entry))
    return mac.digest()


def hash_of(key: bytes, before: bytes, number: int, entry: Entry) -> bytes:
    """The hash of an entry: HMAC-SHA256 over the hash before it and all that it says."""
    return hmac.digest(key, b"entry" + before + _canonical(number, entry), "sha256")


def head_mac(key: bytes, number: int, last: bytes) -> bytes:
    """What shows that the end of the chain was put there by who holds the key."""
    return hmac.digest(key, b"head" + number.to_bytes(8, "big") + last, "sha256")


def sealed(key: bytes, number: int, last: bytes) -> Head:
    """The end of the chain, sealed with the audit's key."""
    return Head(number, last, head_mac(key, number, last))


def _canonical(number: int, entry: Entry) -> bytes:
    document = [number, entry.at.isoformat(), *entry[1:]]
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
