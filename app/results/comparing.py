"""Whether a rate is of the same question, or of the same indicators, in two campaigns."""

from collections.abc import Mapping

from app.questionnaires.comparing import reasons
from app.questionnaires.layout import Layout, Place


def comparable(before: Layout, after: Layout, question: str | None) -> bool:
    """Whether a question is comparable; None: whether the indicators are the same ones."""
    first, second = _places(before, question), _places(after, question)
    return first.keys() == second.keys() and all(
        not reasons(first[code], second[code]) for code in first
    )


def _places(layout: Layout, question: str | None) -> Mapping[str, Place]:
    return {
        place.code: place
        for place in layout.places
        if (place.indicator if question is None else place.code == question)
    }
