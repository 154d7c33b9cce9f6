"""What a correction changes: which figures of which rows, and what of the method."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.publications.packing import flat, rows_of
from app.publications.schemas import Section

COMPARED: tuple[Section, ...] = ("rows", "ranking", "coverage")
"""The sections that hold figures."""
_KEY = ("level", "population", "channel", "question", "target")
_NAMES = ("unit_name", "among_siblings.parent_name")
"""No figures: that a unit got another name changes nothing."""

_Row = dict[str, Any]


def changed_rows(
    before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> Iterator[dict[str, Any]]:
    """Every row that is not what it was, in the order of the sections.

    Each with its section, what row it is, whether it changed, came or is gone, and its figures
    that differ: old and new by name. Row by row, a figure that a row lacks is null.
    """
    for section in COMPARED:
        old, new = _by_key(before[section]), _by_key(after[section])
        # In the order of what is published now, what is gone at the end.
        for key in [*new, *(key for key in old if key not in new)]:
            was, now = old.get(key), new.get(key)
            figures = _differing(was or {}, now or {})
            if was is not None and now is not None and not figures:
                continue
            kind = "came" if was is None else "gone" if now is None else "changed"
            yield {"section": section, "row": dict(key), "change": kind, "figures": figures}


def _by_key(content: bytes) -> dict[tuple[tuple[str, Any], ...], _Row]:
    found = {}
    for row in rows_of(content):
        key = [(name, row.pop(name)) for name in _KEY if name in row]
        if "unit" in row:
            unit = row["unit"]
            key.insert(1, ("unit", unit and unit["code"]))
        figures = {name: value for name, value in flat(row) if name not in _NAMES}
        figures.pop("unit", None)
        found[tuple(key)] = figures
    return found


def _differing(was: _Row, now: _Row) -> dict[str, list[Any]]:
    names = dict.fromkeys([*was, *now])
    return {
        name: [was.get(name), now.get(name)] for name in names if was.get(name) != now.get(name)
    }


def changed_terms(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What of two statements' terms differs: name, before, after."""
    was, now = dict(flat(_named(before))), dict(flat(_named(after)))
    return [
        {"name": name, "before": was.get(name), "after": now.get(name)}
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    ]


def _named(value: Any) -> Any:
    """Lists of things that have a code, a name or a population, as mappings by it."""
    if isinstance(value, Mapping):
        return {name: _named(one) for name, one in value.items()}
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        by_name = {
            one.get("code") or one.get("name") or one.get("population"): _named(one)
            for one in value
        }
        if None not in by_name and len(by_name) == len(value):
            return by_name
    return value
