"""Ties: all that is known to be one person's, whatever of it is shown.

A response claims the proofs that its person showed, and with them all others of the entries that
have one of these. So the answer by invitation and the call to the same parent meet at a claim,
whichever came first. Who looked before an entry was stored claims too little; that opens nothing:
what they claim is one of the entry's proofs, and who looks later claims all of these. An invitation
is known to nobody before its entry is stored.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from app.core.database import Connection
from app.rosters import queries
from app.rosters.sealing import RosterKeys


class Invited(NamedTuple):
    """The person behind an invitation of a roster."""

    fingerprints: tuple[bytes, ...]
    """The invitation's own, and those of everything that the roster has of the person."""
    child: int | None
    """The child that it is about, which no page can change."""


async def invited(
    connection: Connection, identity_key: bytes, campaign_id: int, batch: int, serial: int
) -> Invited | None:
    """Who was invited; None where that is not known any more."""
    row = await queries.entry(connection, batch, serial)
    if row is None:
        return None
    kept = RosterKeys(identity_key, campaign_id).opened(batch, serial, row["sealed"])
    return Invited(tuple(row["fingerprints"]), kept.child)


async def tied(
    connection: Connection, campaign_id: int, fingerprints: Collection[bytes]
) -> dict[bytes, set[bytes]]:
    """For each of these that stands in rosters: all fingerprints of the entries that have it."""
    found: defaultdict[bytes, set[bytes]] = defaultdict(set)
    if fingerprints:
        for row in await queries.sharing(connection, campaign_id, fingerprints):
            found[row["fingerprint"]].update(row["fingerprints"])
    return found
