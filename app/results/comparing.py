"""Whether a question asks the same in two campaigns."""

from collections.abc import Mapping

from app.questionnaires.layout import Layout, Place


def comparable(before: Place, after: Place) -> bool:
    """Whether two questions of one code are of the same type, with the same options that count
    the same."""
    return (before.type, before.values, dict(before.counts_as)) == (
        after.type,
        after.values,
        dict(after.counts_as),
    )


def comparable_layouts(before: Layout, after: Layout, question: str | None) -> bool:
    """Whether a question is comparable; None: whether the indicators are the same ones."""
    first, second = _places(before, question), _places(after, question)
    return first.keys() == second.keys() and all(
        comparable(first[code], second[code]) for code in first
    )


def _places(layout: Layout, question: str | None) -> Mapping[str, Place]:
    return {
        place.code: place
        for place in layout.places
        if (place.indicator if question is None else place.code == question)
    }
