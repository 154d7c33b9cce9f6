"""What a caller says it would rather have, or has already: Accept, If-None-Match and the like."""

from collections.abc import Iterator, Sequence

_LONGEST_HEADER = 500


def weighed(header: str) -> Iterator[tuple[str, float]]:
    """Each entry's name and weight, in the header's order; a weight that is none is 0."""
    for part in header[:_LONGEST_HEADER].split(","):
        name, _, parameters = part.partition(";")
        yield name.strip(), _weight(parameters)


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return _within_bounds(value)
    return 1.0


def _within_bounds(value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def prefers(accept: Sequence[str], kind: str, *, over: str) -> bool:
    """Whether Accept would rather have one media type than the other, which comes by default.

    It must name the one; of two that are as welcome, the one that it names first.
    """
    weights: dict[str, float] = {}
    for name, weight in weighed(",".join(accept)):
        weights.setdefault(name.lower(), weight)
    group = f"{over.partition('/')[0]}/*"
    wanted = weights.get(kind, 0.0)
    other = weights.get(over, weights.get(group, weights.get("*/*", 0.0)))
    if wanted != other or not wanted:
        return wanted > other
    named = list(weights)
    return over not in named or named.index(kind) < named.index(over)


def has_already(if_none_match: Sequence[str], etag: str) -> bool:
    """Whether If-None-Match names what would be sent, whose ETag this is."""
    known = ",".join(if_none_match).split(",")
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in known)
