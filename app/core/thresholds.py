"""How much of what makes a response doubtful: the thresholds' names and numbers.

docs/quality.md argues each of them.
"""

from collections.abc import Iterable, Mapping

DEFAULTS: Mapping[str, float] = {
    "fast": 0.3,
    "straight": 8,
    "burst": 1,
    "network": 1,
    "devices": 1,
    "succession": 20,
    "template": 10,
    "comment": 5,
    "least": 20,
    "hurried": 0.5,
    "pace": 4,
    "varied": 3,
    "beyond": 20,
    "length": 20,
    "unknown": 2000,
}
"""Unless `XINSHENG_QUALITY` says otherwise. The first eight are signs, each by the name of its
threshold, and can be switched off; the others say what these go by."""

SIGNS = tuple(DEFAULTS)[:8]
OFF = "off"
_WHOLE = frozenset(DEFAULTS) - {"fast", "hurried", "burst", "network", "devices", "pace", "beyond"}
_MOST = 1_000_000


def parsed(settings: Iterable[str]) -> dict[str, float | None]:
    """The defaults changed by settings such as `fast=0.2` and `burst=off`; None: switched off.

    Errors: ValueError, which says what would be right.
    """
    thresholds: dict[str, float | None] = dict(DEFAULTS)
    for one in settings:
        name, _, number = one.partition("=")
        if name not in thresholds:
            raise ValueError(f"the names are {', '.join(DEFAULTS)}")
        thresholds[name] = None if number == OFF and name in SIGNS else _number(name, number)
    return thresholds


def _number(name: str, text: str) -> float:
    try:
        number = float(text) if text.isascii() and "_" not in text else 0
    except ValueError:
        number = 0
    if not 0 < number <= _MOST or (name in _WHOLE and number != int(number)):
        kind = "a whole number" if name in _WHOLE else "a number"
        off = f", or {OFF}" if name in SIGNS else ""
        raise ValueError(f"{name} must be {kind} above 0 and at most a million{off}")
    return int(number) if name in _WHOLE else number
