"""What a browser says it would rather have: headers such as Accept-Language, with weights."""

from collections.abc import Iterator

_LONGEST_HEADER = 500


def weighed(header: str) -> Iterator[tuple[str, float]]:
    """Each entry's name and weight, in the header's order; a weight that is none is 0."""
    for part in header[:_LONGEST_HEADER].split(","):
        name, _, parameters = part.partition(";")
        yield name.strip(), _weight(parameters)


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
