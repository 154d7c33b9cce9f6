"""Whether answers to a question mean the same in two versions: what results may be set side by
side, or added up, without a word of warning.

What a question is called in people's words is not looked at: only they can tell whether a new
wording asks something else.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from app.questionnaires.layout import Layout, Place

Reason = Literal["type", "options", "counts_as", "range", "max_selected"]
"""What is not the same in the other version, so that answers don't compare."""
REASONS: tuple[Reason, ...] = get_args(Reason)


def reasons(before: Place, after: Place) -> list[Reason]:
    """Why the answers to a question don't compare in two versions; nothing where they do.

    The order of options makes no difference, nor what people are told, nor who is asked.
    """
    if before.type != after.type:
        return ["type"]
    found: list[Reason] = []
    if set(before.values) != set(after.values):
        # The steps of a rating are its range.
        found.append("range" if before.type == "rating" else "options")
    elif dict(before.counts_as) != dict(after.counts_as):
        found.append("counts_as")
    if before.bounds != after.bounds:
        found.append("range")
    if before.most != after.most:
        found.append("max_selected")
    return found


def comparable(before: Layout, after: Layout) -> Mapping[str, list[Reason]]:
    """For each question of both versions, by its code: `reasons`."""
    earlier = {place.code: place for place in before.places}
    return {
        place.code: reasons(earlier[place.code], place)
        for place in after.places
        if place.code in earlier
    }
