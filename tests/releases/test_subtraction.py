"""An attack by subtraction: a solver that knows all that the public was ever shown.

For a fortnight people answer, and every day there is a release; the last one is the final one. The
attacker reads every grouping and filter of each, knows from the public `respondents` when how many
came to which cell, and puts all of it into one linear programme: unknown is how many of those who
came to a cell on a day voted "bad". It must not narrow down any group of persons further than the
rule does, by which only whole showings of a cell, of `min_cell` persons or more, are told.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linprog

from app.responses.tables import Channel
from tests.factories import Api, open_campaign, tree
from tests.releases.test_releases import end_delivery
from tests.results.ledger import Entry, insert, publish

DAYS = 14
LEAST = 10
QUESTIONS = 25
"""That are asked of each release, of some 120."""
SCHOOLS = {"A1": "A", "A2": "A", "B1": "B"}
COUNTIES = ("A", "B")
POPULATIONS = ("parent", "teacher")
CHANNELS = (Channel.link, Channel.phone)
RESULTS = "/v1/campaigns/C/results"


class Cell(NamedTuple):
    """A school, a population and a channel."""

    unit: str
    population: str
    channel: str


CELLS = [
    Cell(unit, population, channel.name)
    for unit, population, channel in itertools.product(SCHOOLS, POPULATIONS, CHANNELS)
]


@dataclass
class Known:
    """What the attacker has gathered."""

    came: dict[tuple[Cell, int], int] = field(default_factory=lambda: defaultdict(int))
    """Persons by cell and day."""
    shown_until: dict[tuple[Cell, int], int] = field(default_factory=dict)
    """By cell and release the last day whose persons are in its figures; -1: hidden."""
    equations: list[tuple[frozenset[tuple[Cell, int]], int]] = field(default_factory=list)
    """Groups of persons, and how many of them voted "bad"."""

    def in_figures(self, cell: Cell, release: int) -> set[tuple[Cell, int]]:
        """The persons of a cell that a release's figures are of."""
        return {(cell, day) for day in range(self.shown_until[cell, release] + 1)}


async def come(api: Api, dice: random.Random, day: int) -> None:
    """What people answer on a day: much at some cells, little at others."""
    entries = []
    for number, cell in enumerate(CELLS):
        for _ in range(dice.choice((0, 0, 1, 2, 5, 14) if number % 3 else (0, 0, 0, 1))):
            vote = dice.choice(("good", "bad", "unsure"))
            entries.append(
                Entry(
                    unit=cell.unit,
                    population=cell.population,
                    channel=Channel[cell.channel],
                    answers={"a": vote},
                )
            )
    await insert(api, entries)


def questions() -> Iterator[dict[str, str]]:
    """Every grouping, level and filter."""
    for size in range(4):
        for by in itertools.combinations(("unit", "population", "channel"), size):
            for level in ("city", "county", "school") if "unit" in by else ("school",):
                for within in ("W", "A", "B", "A1") if level == "school" else ("W",):
                    asked = {"by": ",".join(by), "level": level, "within": within, "question": "a"}
                    yield asked
                    yield {**asked, "population": "parent"}
                    yield {**asked, "channel": "phone"}


def persons_of(asked: dict[str, str], row: Any, cells: list[Cell]) -> list[Cell]:
    """The cells that a row is about."""
    unit = row["unit"]["code"] if row.get("unit") else None
    population = row.get("population") or asked.get("population")
    channel = row.get("channel") or asked.get("channel")
    within = asked["within"]
    return [
        cell
        for cell in cells
        if unit in (None, cell.unit, SCHOOLS[cell.unit], "W")
        and within in (cell.unit, SCHOOLS[cell.unit], "W")
        and population in (None, cell.population)
        and channel in (None, cell.channel)
    ]


async def look(public: Api, known: Known, release: int, dice: random.Random) -> None:
    """Read much of a release: every one of its cells, and some of all else that can be asked."""
    asked = {"by": "unit,population,channel", "level": "school", "question": "a"}
    rows = (await public.made("GET", RESULTS, params=asked))["rows"]
    figures = {
        Cell(row["unit"]["code"], row["population"], row["channel"]): row
        for row in rows
        if row["unit"]
    }
    for cell in CELLS:
        row = figures.get(cell, {"respondents": 0, "included": 0})
        before = sum(known.came[cell, day] for day in range(release))
        known.came[cell, release] = row["respondents"] - before
        known.shown_until[cell, release] = _until(known, cell, row["included"])
    pools = _pools(known, figures, rows, release)
    for one in dice.sample(list(questions()), QUESTIONS):
        for row in (await public.made("GET", RESULTS, params=one))["rows"]:
            if row["suppressed"] or not row["included"]:
                continue
            above_level = "unit" in row and row["unit"] is None
            group: set[tuple[Cell, int]] = set()
            for cell in persons_of(one, row, CELLS):
                if not above_level:
                    group |= known.in_figures(cell, release)
                place, rest = pools.get(cell, ("", set()))
                if place in _places(one, row):
                    group |= rest
            assert sum(known.came[some] for some in group) == row["included"], (one, row)
            known.equations.append((frozenset(group), row["counts"].get("bad", 0)))


def _places(asked: dict[str, str], row: Any) -> tuple[str, ...]:
    """The units whose pools are in a row."""
    below = {"W": ("W", *COUNTIES), "A": ("A",), "B": ("B",)}
    if "unit" not in row:
        return below.get(asked["within"], ())
    if row["unit"] is not None:
        return below.get(row["unit"]["code"], ())
    above = {"city": (), "county": ("W",), "school": ("W", *COUNTIES)}[asked["level"]]
    return tuple(place for place in below.get(asked["within"], ()) if place in above)


def _until(known: Known, cell: Cell, included: int) -> int:
    if not included:
        return -1
    total = 0
    for day in itertools.count():
        total += known.came[cell, day]
        if total == included:
            return day
        assert total < included
    raise AssertionError


def _pools(
    known: Known, figures: dict[Cell, Any], rows: list[Any], release: int
) -> dict[Cell, tuple[str, set[tuple[Cell, int]]]]:
    """What the final release pools of each cell, and where: as the documented rule says."""
    pooled = {
        (row["population"], row["channel"]): row["included"] for row in rows if not row["unit"]
    }
    found: dict[Cell, tuple[str, set[tuple[Cell, int]]]] = {}
    for (population, channel), number in pooled.items():
        rests = {
            cell: {
                (cell, day)
                for day in range(known.shown_until[cell, release] + 1, release + 1)
                if known.came[cell, day]
            }
            for cell in CELLS
            if cell[1:] == (population, channel)
        }
        size = {cell: sum(known.came[one] for one in rest) for cell, rest in rests.items()}
        for county in COUNTIES:
            inside = [cell for cell in rests if SCHOOLS[cell.unit] == county]
            if sum(size[cell] for cell in inside) >= LEAST:
                found |= {cell: (county, rests.pop(cell)) for cell in inside}
        if sum(size[cell] for cell in rests) >= LEAST:
            found |= {cell: ("W", rest) for cell, rest in rests.items()}
        assert number == sum(size[cell] for cell in found if cell[1:] == (population, channel))
    return found


class Solver:
    """Bounds of how many of a group voted "bad", from all equations together."""

    def __init__(self, known: Known) -> None:
        self.unknown = [one for one, number in known.came.items() if number]
        self.bounds = [(0, known.came[one]) for one in self.unknown]
        place = {one: number for number, one in enumerate(self.unknown)}
        rows = {}
        for group, bad in known.equations:
            line = np.zeros(len(self.unknown))
            line[[place[one] for one in group if one in place]] = 1
            rows[line.tobytes()] = (line, bad)
        self.matrix = np.array([line for line, _ in rows.values()])
        self.totals = np.array([bad for _, bad in rows.values()])

    def range_of(self, group: set[tuple[Cell, int]]) -> tuple[int, int]:
        """The least and the most that is possible."""
        goal = np.array([1.0 if one in group else 0.0 for one in self.unknown])
        ends = []
        for sign in (1, -1):
            solved = linprog(
                sign * goal, A_eq=self.matrix, b_eq=self.totals, bounds=self.bounds, method="highs"
            )
            assert solved.status == 0, solved.message
            ends.append(round(sign * solved.fun))
        return ends[0], ends[1]


def blocks_of(known: Known) -> list[set[tuple[Cell, int]]]:
    """What the rule tells: the persons between two showings of a cell; and the pools."""
    blocks = []
    for cell in CELLS:
        ends = sorted({known.shown_until[cell, release] for release in range(DAYS + 1)} - {-1})
        for first, last in itertools.pairwise([-1, *ends]):
            blocks.append({(cell, day) for day in range(first + 1, last + 1)})
    return blocks


async def test_no_solver_learns_more_than_the_rule_tells(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin, populations=await publish(admin), min_cell=LEAST)
    public = await admin.as_client("results:read")
    dice = random.Random(7)
    known = Known()
    for day in range(DAYS + 1):
        await come(admin, dice, day)
        if day == DAYS:
            await end_delivery(admin)
        await admin.made("POST", "/v1/campaigns/C/releases")
        await look(public, known, day, dice)
    solver = Solver(known)
    blocks = blocks_of(known)
    assert len(blocks) > len(CELLS)
    told = set().union(*blocks)
    for block in blocks:
        persons = sum(known.came[one] for one in block)
        assert persons >= LEAST
        bad, most = solver.range_of(block)
        assert bad == most, "a showing is told exactly"
        for one in block:
            if number := known.came[one]:
                allowed = max(0, number - (persons - bad)), min(number, bad)
                assert solver.range_of({one}) == allowed
    hidden = [one for one in known.came if known.came[one] and one not in told]
    assert hidden
    for cell in CELLS:
        rest = {one for one in hidden if one[0] == cell}
        number = sum(known.came[one] for one in rest)
        if 0 < number < LEAST and not _is_pooled(known, rest):
            assert solver.range_of(rest) == (0, number)


def _is_pooled(known: Known, rest: set[tuple[Cell, int]]) -> bool:
    return any(rest <= group for group, _ in known.equations)
