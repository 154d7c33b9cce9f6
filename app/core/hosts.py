"""The names under which the service answers.

No reply is made from the Host header; but a browser that was tricked by a name of someone else's
(DNS rebinding) must not talk to a service inside the bureau's network either.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

_HERE = ("localhost", "127.0.0.1", "[::1]")


class Hosts:
    """A list of names, without ports."""

    def __init__(self, public_url: str, others: Iterable[str] = ()) -> None:
        name = _bracketed(urlsplit(public_url).hostname or "")
        self._names = frozenset({name, *others, *_HERE})
        # Whoever has not said under which name it is reached may try it from another machine.
        self._addresses = name in _HERE or _is_address(name)
        self.include = lru_cache(1000)(self._include)
        """Whether a Host header names one of these; the port is not looked at."""

    def _include(self, host: bytes) -> bool:
        text = host.decode("latin-1").lower()
        if not text:
            return True  # HTTP/1.0 needs none, and no browser leaves it out
        name = text.partition("]")[0] + "]" if text.startswith("[") else text.partition(":")[0]
        return name.rstrip(".") in self._names or (self._addresses and _is_address(name))


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
