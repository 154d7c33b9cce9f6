"""Verifying the audit: whether every entry is there, unchanged and in its place."""

import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import KEY_CONTEXT, queries
from app.access.audit.chain import Entry, hash_of, head_mac, origin
from app.core.keyring import Keyring, WrongKeyError


@dataclass(frozen=True)
class Verdict:
    """What was found of the audit."""

    entries: int
    """Chained entries that are as they were written, from the first on."""
    unchained: int
    """Entries from before there was a chain; the chain vouches for them as a whole."""
    head: str
    """The hash of the last good entry, in hexadecimal. Noted elsewhere, it proves all before it."""
    fault: str | None
    """What is wrong first, if anything."""
    noted: bool = True
    """Whether the hash that was asked for stands in the chain."""


async def verify(session: AsyncSession, keyring: Keyring, *, noted: str | None = None) -> Verdict:
    """Read the whole audit and compare it with its chain; the session sees one state of it.

    `noted`: a head that was written down earlier, which must stand in the chain.
    """
    wrapped, head = await queries.read_key(session), await queries.read_head(session)
    unchained = await queries.read_unchained(session)
    if wrapped is None or head is None:
        chained = [one async for one in queries.read_chain(session)]
        fault = "the end of the chain was removed" if wrapped or chained else None
        return Verdict(0, len(unchained), "", fault, noted is None)
    try:
        key = keyring.unwrap(wrapped, context=KEY_CONTEXT)
    except WrongKeyError:
        return Verdict(0, len(unchained), "", "the audit's key was altered, or is not ours")
    start = origin(key, unchained)
    walk = _Walk(key, start, noted)
    await walk.along(queries.read_chain(session))
    fault = walk.fault
    if fault is None and not hmac.compare_digest(head.mac, head_mac(key, head.number, head.hash)):
        fault = "the end of the chain was put there without the audit's key"
    elif fault is None and head.number > walk.number:
        fault = f"entries {walk.number + 1} to {head.number} were removed"
    elif fault is None and (head.number, head.hash) != (walk.number, walk.last):
        fault = "the end of the chain does not belong to its last entry"
    return Verdict(walk.number, len(unchained), walk.last.hex(), fault, walk.met)


class _Walk:
    """A way along the chain, as far as it holds."""

    def __init__(self, key: bytes, start: bytes, noted: str | None) -> None:
        self._key = key
        self._noted = noted
        self.last = start
        self.number = 0
        self.fault: str | None = None
        self.met = noted in (None, start.hex())

    async def along(self, entries: AsyncIterator[tuple[int, bytes | None, Entry]]) -> None:
        async for number, chained, entry in entries:
            if number > self.number + 1:
                gap = f"{self.number + 1} to {number - 1}"
                self.fault = f"entries {gap} were removed"
                return
            expected = hash_of(self._key, self.last, number, entry)
            if number != self.number + 1 or not hmac.compare_digest(chained or b"", expected):
                at = f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"
                self.fault = f"entry {number}, of {at}, is not as it was written"
                return
            self.number, self.last = number, expected
            self.met = self.met or expected.hex() == self._noted
