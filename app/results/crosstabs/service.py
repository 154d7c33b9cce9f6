"""Rules of cross-tabs: which questions, within which budget, and what is said of the counts."""

from collections import Counter
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.principal import Principal
from app.campaigns import service as campaigns
from app.campaigns.tables import Campaign
from app.core import clock
from app.core.problems import FieldError, InvalidInput
from app.counts import sums
from app.counts.layouts import layouts_of
from app.counts.reading import counted
from app.counts.selection import Selection, Source
from app.questionnaires.layout import Layout, Place
from app.responses.tables import Channel
from app.results import rates
from app.results.counting import Asked, questions
from app.results.crosstabs import queries
from app.results.crosstabs.schemas import (
    Association,
    CrosstabMissing,
    CrosstabOption,
    CrosstabOut,
    CrosstabQuery,
    CrosstabQuestion,
    CrosstabRow,
    NoAssociation,
    RowLack,
)
from app.results.estimates import kind_of
from app.results.problems import TooManyResponses
from app.results.schemas import IntervalKind
from app.results.service import chosen, scope
from app.results.statistics import association, proportions

MAX_RESPONSES = 2_000_000
"""Of the campaign: so many are read in a second or two, wherever they were given."""
SECONDS = 10.0
"""That reading them may take, on whatever machine."""
_CLOSED = ("single_choice", "multiple_choice", "rating")
_NEXT_STEP = (
    "Name one ?population where there are several; or export the responses and set the questions "
    "against each other there."
)


class _Line(Enum):
    """What a question is told apart into besides its options."""

    everyone = 0
    unanswered = -1
    answered = -2


_Key = str | _Line
_Grid = Counter[tuple[_Key, _Key]]
"""Persons by row and column."""


async def crosstab(
    session: AsyncSession, caller: Principal, campaign: Campaign, query: CrosstabQuery
) -> CrosstabOut:
    """Set two questions against each other, from the responses one by one.

    Only for callers that may read exact results. Errors: NotFound for `within`; InvalidInput for
    an unknown population, for what is not answered by choosing, and for questions that are not
    the same to all populations; TooManyResponses, also for what takes too long.
    """
    as_of = clock.now()
    root_id = await scope(session, caller, campaign, query.within)
    populations = chosen(await campaigns.populations(session, campaign.id), query.population)
    layouts = await layouts_of(session, populations)
    rows, columns = _asked(query, layouts)
    layouts = {position: layouts[position] for position in rows.places}
    await _check_budget(session, campaign, layouts)
    channels, tallied = await _others(session, campaign, root_id, layouts, query)
    grid = _Grid()
    await queries.limit_time(session, SECONDS)
    for position in layouts:
        grid.update(await _counted(session, campaign, root_id, position, rows, columns, query))
    reply = _reply(rows, columns, _with_answered(grid), kind_of(channels))
    return CrosstabOut(
        campaign=campaign.code,
        sandbox=campaign.sandbox_of is not None,
        as_of=as_of,
        exact=True,
        populations=[one.code for one in populations if one.position in layouts],
        tallied=tallied,
        **reply,
    )


def _asked(query: CrosstabQuery, layouts: Mapping[int, Layout]) -> tuple[Asked, Asked]:
    """The two questions, for the populations that are asked both."""
    known = {one.question: one for one in questions(layouts)}
    rows = _closed("?rows", known.get(query.rows))
    columns = _closed("?columns", known.get(query.columns))
    both = [position for position in rows.places if position in columns.places]
    if not both:
        message = "Name a question that the same population is asked as that of the rows."
        raise InvalidInput(errors=[FieldError("?columns", "not_asked_together", message)])
    found = [
        Asked(one.question, {each: one.places[each] for each in both}) for one in (rows, columns)
    ]
    if not all(one.comparable for one in found):
        message = "A question is not the same to all populations: name one of them."
        raise InvalidInput(errors=[FieldError("?population", "not_comparable", message)])
    return found[0], found[1]


def _closed(where: str, asked: Asked | None) -> Asked:
    if asked is None:
        message = "Name a question that the population is asked. By unit, population, channel or "
        message += "day: the results' ?by."
        raise InvalidInput(errors=[FieldError(where, "unknown_question", message)])
    if any(place.type not in _CLOSED for [place] in asked.places.values()):
        message = "Name a question that is answered by choosing: numbers and texts have no options."
        raise InvalidInput(errors=[FieldError(where, "not_closed", message)])
    return asked


async def _check_budget(
    session: AsyncSession, campaign: Campaign, layouts: Mapping[int, Layout]
) -> None:
    whole = Selection(
        campaign_id=campaign.id,
        root_id=campaign.region_id,
        layouts=layouts,
        source="individual",
        respondents_only=True,
    )
    stored = sum(one.sums[sums.RESPONDENTS] for one in await counted(session, whole))
    if stored > MAX_RESPONSES:
        raise TooManyResponses(
            f"Two questions are set against each other where {MAX_RESPONSES:,} persons or fewer "
            f"have answered. {_NEXT_STEP}"
        )


async def _counted(
    session: AsyncSession,
    campaign: Campaign,
    root_id: int,
    position: int,
    rows: Asked,
    columns: Asked,
    query: CrosstabQuery,
) -> _Grid:
    """The counts of one population."""
    [down], [across] = rows.places[position], columns.places[position]
    try:
        found = await queries.table(
            session,
            campaign.id,
            position,
            rows=(down.slot, down.size, _lines(down)),
            columns=(across.slot, across.size, _lines(across)),
            root_id=root_id,
            channel=Channel[query.channel] if query.channel else None,
            clean=query.quality == "clean",
        )
    except TimeoutError as error:
        raise TooManyResponses(
            f"This takes longer than {SECONDS:g} seconds. {_NEXT_STEP}"
        ) from error
    return _Grid(
        {(_key(down, one.row_line), _key(across, one.column_line)): one.times for one in found}
    )


def _lines(place: Place) -> list[queries.Line]:
    whole = place.cells[0].mask
    options = place.cells[-len(place.values) :]
    return [
        (_Line.everyone.value, 0, 0, 0),
        (_Line.unanswered.value, 0, whole, 0),
        *(
            (number, cell.slot - place.slot, cell.mask, cell.value)
            for number, cell in enumerate(options, 1)
        ),
    ]


def _key(place: Place, line: int) -> _Key:
    return place.values[line - 1] if line > 0 else _Line(line)


async def _others(
    session: AsyncSession,
    campaign: Campaign,
    root_id: int,
    layouts: Mapping[int, Layout],
    query: CrosstabQuery,
) -> tuple[Collection[int], int]:
    """The channels that these responses came through, and how many respondents were tallied."""
    found = {}
    sources: tuple[Source, ...] = ("individual", "tally")
    for source in sources:
        selection = Selection(
            campaign_id=campaign.id,
            root_id=root_id,
            layouts=layouts,
            by_channel=True,
            channel=Channel[query.channel] if query.channel else None,
            source=source,
            clean=query.quality == "clean",
            respondents_only=True,
        )
        found[source] = await counted(session, selection)
    channels = {one.channel for one in found["individual"] if one.channel is not None}
    return channels, sum(one.sums[sums.RESPONDENTS] for one in found["tally"])


def _with_answered(grid: _Grid) -> _Grid:
    """The counts, and those of all who answered each question."""
    for row in {row for row, _ in grid}:
        grid[row, _Line.answered] = grid[row, _Line.everyone] - grid[row, _Line.unanswered]
    for column in {column for _, column in grid}:
        everyone, unanswered = grid[_Line.everyone, column], grid[_Line.unanswered, column]
        grid[_Line.answered, column] = everyone - unanswered
    return grid


def _reply(rows: Asked, columns: Asked, grid: _Grid, kind: IntervalKind) -> dict[str, Any]:
    """What the counts say: the fields of `CrosstabOut` that follow from them."""
    # All populations' options are the same; they come in the first one's order.
    [down], [across] = next(iter(rows.places.values())), next(iter(columns.places.values()))
    lines = [_row(value, down, across, grid) for value in down.values]
    found, lack = _association(down, across, grid)
    answered, unanswered = _Line.answered, _Line.unanswered
    return {
        "asked": {
            "rows": CrosstabQuestion(question=down.code, type=down.type),
            "columns": CrosstabQuestion(question=across.code, type=across.type),
        },
        "respondents": grid[_Line.everyone, _Line.everyone],
        "answered": grid[answered, answered],
        "missing": CrosstabMissing(
            rows=grid[unanswered, answered],
            columns=grid[answered, unanswered],
            both=grid[unanswered, unanswered],
        ),
        "columns": [
            CrosstabOption(
                value=value,
                counts_as=across.counts_as.get(value),
                answered=grid[answered, value],
                missing=grid[unanswered, value],
            )
            for value in across.values
        ],
        "rows": lines,
        "interval_kind": kind if any(one.interval for one in lines) else "none",
        "association": found,
        "no_association": lack,
    }


def _row(value: str, down: Place, across: Place, grid: _Grid) -> CrosstabRow:
    answered = grid[value, _Line.answered]
    counts = {one: grid[value, one] for one in across.values}
    votes = {"positive": 0, "negative": 0, "excluded": 0}
    for one, side in across.counts_as.items():
        votes[side] += counts[one]
    positive, taken = votes["positive"], votes["positive"] + votes["negative"]
    lack: RowLack | None = None
    if not taken:
        lack = "no_votes"
    elif across.type == "multiple_choice":
        lack = "several_answers"
    return CrosstabRow(
        value=value,
        counts_as=down.counts_as.get(value),
        answered=answered,
        missing=grid[value, _Line.unanswered],
        counts=counts,
        shares={one: times / answered for one, times in counts.items()} if answered else None,
        rate=rates.rate(positive, votes["negative"]),
        interval=proportions.wilson(positive / taken, taken) if lack is None else None,
        no_interval=lack,
    )


def _association(
    down: Place, across: Place, grid: _Grid
) -> tuple[Association | None, NoAssociation | None]:
    if "multiple_choice" in (down.type, across.type):
        return None, "several_answers"
    if down.code == across.code:
        return None, "same_question"
    table = [[grid[row, column] for column in across.values] for row in down.values]
    found = association.association(table)
    if found is None:
        return None, "too_few_options"
    return Association(**found._asdict()), None
