"""What questions are called in an XLSForm, where a name is an XML name, and by their codes here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_FIRST = re.compile(r"[A-Za-z_]")


class Known(NamedTuple):
    """What takes an answer, under both its names."""

    code: str
    name: str
    kind: str
    """As a question's `type`; `whole` for a number that is whole."""
    values: tuple[str, ...] = ()
    """Of a choice: what may be chosen."""


@dataclass
class Names:
    """All that a condition may ask about."""

    by_code: dict[str, Known] = field(default_factory=dict)
    by_name: dict[str, Known] = field(default_factory=dict)

    def add(self, known: Known) -> None:
        """Make it known under both names; who is known already stays."""
        self.by_code.setdefault(known.code, known)
        self.by_name.setdefault(known.name, known)


class Given:
    """Gives names that XML takes, each once, whatever the case of its letters."""

    def __init__(self) -> None:
        self._given = {"meta"}
        """XLSForm's own."""

    def name(self, code: str) -> str:
        """The code where it can stand, or something alike."""
        wanted = code if _FIRST.match(code) else f"_{code}"
        name = next(one for one in _variants(wanted) if one.lower() not in self._given)
        self._given.add(name.lower())
        return name


def _variants(wanted: str) -> Iterator[str]:
    yield wanted
    number = 2
    while True:
        yield f"{wanted}_{number}"
        number += 1
