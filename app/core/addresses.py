"""Where a request comes from: the peer's address, or what a trusted proxy says of it."""

import ipaddress
from collections.abc import Iterable, Sequence

from starlette.types import Scope

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_IPV6_PREFIX = 64
"""Bits of an IPv6 address that name its network: the rest is any phone's own to choose."""


def client_address(scope: Scope) -> str:
    """The address of who asks, as text; empty where there is none, as on a Unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def network_of(address: str) -> str:
    """The network that an address is counted under: itself, or the /64 around an IPv6 one."""
    found = _parsed(address)
    if found is None or found.version == 4:
        return address
    return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks from texts such as 10.0.0.0/8 or 127.0.0.1. Errors: ValueError."""
    return tuple(ipaddress.ip_network(one) for one in texts)


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of these networks."""
    found = _parsed(address)
    return found is not None and any(found in network for network in networks)


def forwarded_client(scope: Scope, trusted: Sequence[Network]) -> str:
    """Who asks, where the peer may be a trusted proxy.

    Of `X-Forwarded-For` the last address that no proxy of ours has: what stands before it was
    written by whoever asked.
    """
    address = client_address(scope)
    given = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    hops = [one.strip() for one in b",".join(given).decode("latin-1").split(",")]
    while hops and is_within(address, trusted):
        hop = _parsed(hops.pop())
        if hop is None:
            break
        address = str(hop)
    return address


def _parsed(address: str) -> _Address | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    # As a socket for both families shows those of IPv4.
    return getattr(found, "ipv4_mapped", None) or found
