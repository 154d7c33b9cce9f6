"""Problems of tallies."""

from app.core.problems import Problem


class TallyConflict(Problem):
    slug, status = "tally-conflict", 409
    title = "This batch came before with this revision or a higher one"
    remedy = "Give other counts a revision above the latest one; send a repetition unchanged."


class OverlappingTally(Problem):
    slug, status = "overlapping-tally", 409
    title = "Another batch counts the same unit, population and channel"
    remedy = (
        "Send the counts of a unit, population and channel in one batch alone: take the rows that "
        "`errors` lists out of this batch, or first out of the other by a higher revision of it."
    )


class DoubleCount(Problem):
    slug, status = "double-count", 409
    title = "This source counts these people in another way already"
    remedy = (
        "For each unit and population send either interviews or tallies, never both: the same "
        "people would count twice."
    )
