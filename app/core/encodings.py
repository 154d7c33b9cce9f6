"""Compression as a browser asks for it: Brotli, which is smaller, before gzip."""

import gzip
from collections.abc import Callable, Collection

import brotli

from app.core.preferences import weighed

IDENTITY = "identity"
OFFERED = ("br", "gzip", IDENTITY)
"""What can be had, the smallest first."""
Compress = Callable[[str, bytes], bytes]
"""A body in an encoding."""


def chosen(header: str, offered: Collection[str] = OFFERED) -> str:
    """Which of the offered encodings an Accept-Encoding would have: of equal ones the smallest.

    `identity` where nothing else is admitted.
    """
    weights = {name.lower(): weight for name, weight in weighed(header)}
    weights = {one: weights.get(one, weights.get("*", 0.0)) for one in OFFERED if one in offered}
    best = max(weights, key=lambda one: weights[one])
    return best if weights[best] > 0 else IDENTITY


def smallest(encoding: str, body: bytes) -> bytes:
    """A body in an encoding, as small as can be: takes tens of milliseconds for 10 kB."""
    if encoding == "br":
        return _brotli(body, quality=11)
    return gzip.compress(body, 9, mtime=0) if encoding == "gzip" else body


def soon(encoding: str, body: bytes) -> bytes:
    """A large body in an encoding, kept afterwards: takes a fifth of a second for a megabyte."""
    if encoding == "br":
        return _brotli(body, quality=9)
    return smallest(encoding, body)


def quickly(encoding: str, body: bytes) -> bytes:
    """A body in an encoding, for one reply: takes less than a millisecond for a page."""
    if encoding == "br":
        return _brotli(body, quality=5)
    return gzip.compress(body, 5) if encoding == "gzip" else body


def _brotli(body: bytes, quality: int) -> bytes:
    compressed: bytes = brotli.compress(body, mode=brotli.MODE_TEXT, quality=quality)
    return compressed
