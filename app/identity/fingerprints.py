"""Fingerprints: what a person proved, as an HMAC under the campaign's own key.

The scope of `once_per` is hashed in, so the same person has unlike fingerprints in two scopes and
in two campaigns, and a copy of the database without the campaign's key says nothing of anybody.
"""

import hmac
from collections.abc import Iterable
from typing import Literal, NamedTuple

ProofKind = Literal["wechat", "invitation", "phone", "external", "device"]
FINGERPRINT_BYTES = 16


class Proof(NamedTuple):
    """One thing that shows who answers: its kind, and its value in canonical form."""

    kind: ProofKind
    value: str


def scope_of(once_per: str, *, population: int, unit_id: int) -> str:
    """Within what a person may answer once: the campaign, a population or a unit."""
    match once_per:
        case "population":
            return f"population/{population}"
        case "unit":
            return f"unit/{unit_id}"
        case _:
            return "campaign"


def fingerprints(
    key: bytes, scope: str, proofs: Iterable[Proof], *, child: str | None = None
) -> tuple[bytes, ...]:
    """The fingerprints of all proofs, 16 bytes each, sorted.

    `child` tells apart the answers that one person gives for several children, but those of an
    invitation, which admits one response whoever it is for.
    """
    slot = _slot(child)
    made = []
    for proof in proofs:
        of_child = "" if proof.kind == "invitation" else slot
        message = "\0".join((scope, proof.kind, proof.value, of_child))
        made.append(hmac.digest(key, message.encode(), "sha256")[:FINGERPRINT_BYTES])
    made.sort()
    return tuple(made)


def network_mark(key: bytes, network: str) -> int:
    """A network under the campaign's key: 32 bits, signed, as the database keeps an integer."""
    digest = hmac.digest(key, f"network\0{network}".encode(), "sha256")
    return int.from_bytes(digest[:4], "big", signed=True)


def _slot(child: str | None) -> str:
    # Who has one child doesn't number it: the first is the one without a number.
    return "" if child in (None, "1") else str(child)
