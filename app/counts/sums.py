"""What is summed over a group of responses: one array of numbers, in this order.

    0      respondents
    1, 2   p and v over them: the positive votes of each, and those that count, of the indicators
    3-5    p², pv and v², which the interval of a pooled rate needs
    6…     responses in each cell of the layout

Every one is a sum over rows, so groups add up, and a row that is taken back is subtracted.

A tally knows respondents, p, v and the cells, but not how each person voted. It is taken as if each
had voted alike on all k indicators: p² and pv are k p, v² is k v. So (Σv)² / Σv² is v / k persons,
and the interval of a pooled rate the widest that these votes may have.
"""

from collections.abc import Iterable, Sequence

from app.questionnaires.layout import Cell, Layout, Place
from app.questionnaires.texts import CountsAs

RESPONDENTS = 0
CELLS = 6
"""Where the cells begin."""


RESPONDENTS_SQL = "ARRAY[sum(sign)]::bigint[]"
"""SQL of the array when only its beginning is wanted."""


def width(layout: Layout) -> int:
    """How many numbers there are for this layout."""
    return CELLS + len(layout.cells)


def added(rows: Iterable[Sequence[int]]) -> list[int]:
    """The sums of several groups together; they are of one layout. Without any: empty."""
    return [sum(column) for column in zip(*rows, strict=True)]


def positive_sql(layout: Layout) -> str:
    """SQL of p: a response's positive votes on indicators."""
    return _votes(layout, ("positive",))


def counted_sql(layout: Layout) -> str:
    """SQL of v: a response's votes on indicators that are in the rate's denominator."""
    return _votes(layout, ("positive", "negative"))


def array_sql(layout: Layout) -> str:
    """SQL of the array over a group of rows with `sign`, `answers`, `positive` and `counted`."""
    sums = [
        "sum(sign)",
        "sum(sign * positive)",
        "sum(sign * counted)",
        "sum(sign * positive * positive)",
        "sum(sign * positive * counted)",
        "sum(sign * counted * counted)",
        *(f"coalesce(sum(sign) FILTER (WHERE {_is_in(cell)}), 0)" for cell in layout.cells),
    ]
    return f"ARRAY[{', '.join(sums)}]::bigint[]"


def tally_sql(layout: Layout) -> str:
    """SQL of the array, not yet of its type, over a group of rows with `respondents`, `cells`."""
    cells = [f"sum(cells[{number}])" for number in range(1, len(layout.cells) + 1)]
    sides: tuple[tuple[CountsAs, ...], ...] = ("positive",), ("positive", "negative")
    votes = [" + ".join(cells[cell] for cell in _cells_of(layout, side)) or "0" for side in sides]
    positive, counted = (
        f"{sum(place.indicator for place in layout.places)} * ({one})" for one in votes
    )
    squares = positive, positive, counted
    return f"ARRAY[{', '.join(['sum(respondents)', *votes, *squares, *cells])}]"


def _cells_of(layout: Layout, sides: tuple[CountsAs, ...]) -> list[int]:
    """The cells of indicators' options that count as one of these."""
    return [
        place.first + number
        for place in layout.places
        if place.indicator
        for number, value in enumerate(place.values)
        if place.counts_as.get(value) in sides
    ]


def total_sql(layout: Layout) -> str:
    """SQL of the array over a group of rows with `sums` of their own."""
    columns = (f"sum(sums[{number}])" for number in range(1, width(layout) + 1))
    return f"ARRAY[{', '.join(columns)}]::bigint[]"


def _is_in(cell: Cell) -> str:
    if cell.mask == 255:
        return f"get_byte(answers, {cell.slot}) = {cell.value}"
    return f"get_byte(answers, {cell.slot}) & {cell.mask} = {cell.value}"


def _votes(layout: Layout, sides: tuple[CountsAs, ...]) -> str:
    votes = [_vote(place, sides) for place in layout.places if place.indicator]
    return " + ".join(votes) or "0"


def _vote(place: Place, sides: tuple[CountsAs, ...]) -> str:
    numbers = [
        str(number)
        for number, value in enumerate(place.values, start=1)
        if place.counts_as.get(value) in sides
    ]
    if not numbers:
        return "0"
    return f"(get_byte(answers, {place.slot}) IN ({', '.join(numbers)}))::int"
