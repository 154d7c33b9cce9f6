"""Tokens and scopes in the OpenAPI document."""

from typing import Any

from app.access.problems import NetworkNotAllowed, ScopeMissing, Unauthenticated
from app.core.openapi import add_replies, operations
from app.core.problems import replies


def describe_access(document: dict[str, Any]) -> None:
    """Say of each operation that wants a token what is replied without one.

    Where several scopes are named, any of them will do: OpenAPI lists these as alternatives.
    """
    for operation in operations(document):
        if "security" not in operation:
            continue
        [(scheme, scopes)] = operation["security"][0].items()
        operation["security"] = [{scheme: [scope]} for scope in scopes] or [{scheme: []}]
        missing = (ScopeMissing,) if scopes else ()
        refusals = replies(Unauthenticated, NetworkNotAllowed, *missing)
        add_replies(operation["responses"], refusals)
