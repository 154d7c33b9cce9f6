"""Scopes: what a client may do."""

from typing import Literal, get_args

Scope = Literal[
    "admin",
    "units:write",
    "questionnaires:write",
    "campaigns:write",
    "links:write",
    "interviews:write",
    "tallies:write",
    "samples:read",
    "results:read",
    "results:exact",
    "responses:read",
    "audit:read",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
DESCRIPTIONS: dict[str, str] = {
    "admin": "everything",
    "units:write": "change units and enrolment",
    "questionnaires:write": "draft and publish questionnaires",
    "campaigns:write": "set up, open, close and archive campaigns",
    "links:write": "make links and invitations",
    "interviews:write": "deliver telephone interviews",
    "tallies:write": "deliver counts that were aggregated elsewhere",
    "samples:read": "read assigned telephone samples",
    "results:read": "read releases, as the public sees them",
    "results:exact": "read live results, nothing hidden",
    "responses:read": "read single responses and their texts",
    "audit:read": "read the audit",
}


def implied(scopes: frozenset[str]) -> frozenset[str]:
    """The scopes that these amount to: `admin` implies all."""
    return frozenset(SCOPES) if "admin" in scopes else scopes
