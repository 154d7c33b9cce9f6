"""Bodies of requests: how long they may be, and that JSON is UTF-8."""

from functools import lru_cache
from typing import NoReturn

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from app.core.problems import Malformed, TooLarge

DEFAULT_LIMIT = 1 << 20
MAX_DRAINED = 64 << 20
"""Bytes of a body that is too large that are read and thrown away before it is refused."""
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_GZIP = b"\x1f\x8b"
"""How gzip begins, and no JSON in any encoding."""


def limited(receive: Receive, limit: int, *, length: int, media_type: bytes) -> Receive:
    """The body as the app may read it: within its limit, and UTF-8 where it is JSON."""
    if length > limit:
        return _refused(receive, length, limit)
    return _checked(receive, limit, utf8_only=is_json(media_type))


@lru_cache(100)
def is_json(content_type: bytes) -> bool:
    """Whether a Content-Type says JSON."""
    kind = content_type.partition(b";")[0].strip().lower()
    return kind == b"application/json" or kind.endswith(b"+json")


def _limit_detail(limit: int) -> str:
    return f"The limit here is {limit:,} bytes."


def _refused(receive: Receive, length: int, limit: int) -> Receive:
    async def refused() -> NoReturn:
        # What is not read to its end leaves a connection that carries no further request.
        headers = None if await _drained(receive, length) else {"Connection": "close"}
        # Raised where the body would be read, so that each address can say it in its own form.
        raise HTTPException(TooLarge.status, _limit_detail(limit), headers=headers)

    return refused


async def _drained(receive: Receive, length: int) -> bool:
    # Many clients look for a reply only when they have sent everything.
    if length > MAX_DRAINED:
        return False
    left = length
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return True


def _checked(receive: Receive, limit: int, *, utf8_only: bool) -> Receive:
    received = 0

    async def checked() -> Message:
        nonlocal received
        message = await receive()
        body = message.get("body", b"")
        # Python's json would quietly take UTF-16 and UTF-32; they begin with a mark or a NUL.
        if utf8_only and not received and body[:2] != _GZIP:
            if b"\0" in body[:4] or body[:2] in _UTF_16_MARKS:
                raise HTTPException(Malformed.status)
        received += len(body)
        if received > limit:
            if message.get("more_body", False):
                await _drained(receive, MAX_DRAINED)
            raise HTTPException(TooLarge.status, _limit_detail(limit))
        return message

    return checked
