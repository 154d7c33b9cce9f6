"""Fingerprints: what a person proved, as an HMAC under the campaign's own key.

The scope of `once_per` is hashed in, so the same person has unlike fingerprints in two scopes and
in two campaigns, and a copy of the database without the campaign's key says nothing of anybody.
"""

import hmac
from collections.abc import Iterable
from typing import Literal, NamedTuple

ProofKind = Literal["wechat", "invitation", "phone", "external", "device"]
OncePer = Literal["campaign", "population", "unit"]
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

    `child` tells apart the answers that one parent gives for several children.
    """
    made = []
    for proof in proofs:
        message = "\0".join((scope, proof.kind, proof.value, child or ""))
        made.append(hmac.digest(key, message.encode(), "sha256")[:FINGERPRINT_BYTES])
    made.sort()
    return tuple(made)
