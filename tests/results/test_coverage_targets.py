"""Coverage against every target of the bureaus' plans, and against a plain recomputation."""

import math
import random
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest

from app.results import rates
from tests.factories import PERIOD, Api, open_campaign, tree
from tests.results.ledger import DEFINITIONS, Entry, insert, publish

URL = "/v1/campaigns/C/coverage"


async def rows(api: Api, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.made("GET", URL, params=parameters))["rows"]
    return found


async def enrol(admin: Api, unit: str, **heads: int | None) -> None:
    await admin.made("PUT", f"/v1/units/{unit}/enrolment", {"period": PERIOD, **heads})


async def unit(admin: Api, code: str, kind: str, parent: str | None, **fields: Any) -> None:
    body = {"name": code, "kind": kind, "parent": parent, **fields}
    await admin.made("PUT", f"/v1/units/{code}", body)


async def asking(admin: Api, targets: dict[str, list[dict[str, Any]]]) -> None:
    populations = await publish(admin)
    for code, some in targets.items():
        populations[code]["targets"] = some
    await open_campaign(admin, populations=populations)


@pytest.mark.parametrize(
    ("share", "basis", "at_least", "expected"),
    [
        (0.0015, 400_000, 600, 600),
        (0.0015, 400_001, 600, 601),
        (0.0015, 9_000_000, 600, 13_500),
        (0.0015, 100, 600, 600),
        (0.05, 400_000, None, 20_000),
        (0.05, 821, None, 42),
        (0.9, 0, 1, 1),
    ],
)
def test_a_target_has_a_floor(
    share: float, basis: int, at_least: int | None, expected: int
) -> None:
    assert rates.required(share, basis, at_least) == expected


async def test_every_target_of_the_plans_can_be_set(admin: Api) -> None:
    await tree(admin)
    for grade, students in (("A1-g1", 45), ("A1-g2", 41)):
        await unit(admin, grade, "grade", "A1")
        await enrol(admin, grade, students=students)
    targets = [
        {"name": "semester", "basis": "students", "share": 0.5},
        {"name": "class", "basis": "parents", "share": 1},
        {"name": "telephone", "basis": "parents", "share": 0.05, "channel": "phone"},
        {"name": "four", "basis": "residents", "share": 0.05},
        {"name": "inspection", "basis": "residents", "share": 0.0015, "at_least": 700},
        {"name": "interviews", "basis": "students", "share": 0.05, "channel": "onsite"},
        {"name": "half of the sample", "basis": "respondents", "share": 0.5},
    ]
    await asking(admin, {"parent": targets})
    shown = await admin.made("GET", "/v1/campaigns/C")
    kept = shown["populations"]["parent"]["targets"]
    assert kept == [{"channel": None, **target} for target in targets]
    city = {row["target"]: row["required"] for row in await rows(admin, level="city")}
    assert city == {
        "semester": 150,
        "class": 600,
        "telephone": 30,
        "four": 20_000,
        "inspection": 700,
        "interviews": 15,
        "half of the sample": None,
    }
    school = {row["target"]: row["required"] for row in await rows(admin, within="B1")}
    assert (school["telephone"], school["semester"], school["inspection"]) == (10, 50, None)
    grades = {
        row["unit"]["code"]: row["required"]
        for row in await rows(admin, level="grade")
        if row["target"] == "interviews"
    }
    assert grades == {"A1-g1": 3, "A1-g2": 3}


async def test_parents_are_half_of_the_sample(admin: Api) -> None:
    await tree(admin)
    half = {"name": "half", "basis": "respondents", "share": 0.5}
    await asking(admin, {"parent": [half]})
    entries = [Entry(population=one) for one in ("parent", "teacher", "teacher", "parent")]
    await insert(admin, [*entries, Entry(population="teacher")])
    (row,) = await rows(admin, within="A1")
    assert (row["basis"], row["required"], row["responded"]) == (5, 3, 2)
    # Each answer moves what it is a share of, so no day is told.
    assert (row["met"], row["gap"], row["expected_on"]) == (False, 1, None)
    await insert(admin, [Entry()])
    (row,) = await rows(admin, within="A1")
    assert (row["basis"], row["share"], row["met"]) == (6, 0.5, True)
    (row,) = await rows(admin, within="B1")
    assert (row["basis"], row["required"], row["met"]) == (None, None, None)


async def test_a_sum_says_how_many_it_lacks_and_is_met_only_where_nothing_can_change_it(
    admin: Api,
) -> None:
    await tree(admin)
    await unit(admin, "A3", "school", "A")
    await unit(admin, "A4", "school", "A")
    await asking(admin, {"parent": [{"name": "t", "basis": "students", "share": 0.01}]})
    await insert(admin, [Entry(unit="A3") for _ in range(8)] + [Entry(unit="A1")])
    (county, other) = await rows(admin, level="county")
    assert (county["basis"], county["basis_missing"], county["required"]) == (200, 2, 2)
    assert (county["responded"], county["share"]) == (9, 1 / 200)
    assert (county["met"], county["gap"], county["expected_on"]) == (None, None, None)
    assert (other["basis_missing"], other["met"]) == (0, False)
    (city,) = await rows(admin, level="city")
    assert (city["basis"], city["basis_missing"]) == (300, 2)
    await enrol(admin, "A4", students=100)
    await enrol(admin, "A2", students=1_000)
    (county, _) = await rows(admin, level="county")
    assert (county["required"], county["responded"], county["basis_missing"]) == (12, 9, 1)
    assert (county["met"], county["gap"], county["expected_on"]) == (False, 3, None)
    await enrol(admin, "A", students=800)
    (county, _) = await rows(admin, level="county")
    assert (county["basis"], county["basis_missing"], county["met"]) == (800, 0, True)
    assert (await rows(admin, level="city"))[0]["basis_missing"] == 0


async def test_schools_and_classes_have_no_residents_to_state(admin: Api) -> None:
    await tree(admin)
    await unit(admin, "city-school", "school", "W")
    await asking(admin, {"parent": [{"name": "t", "basis": "residents", "share": 0.05}]})
    await admin.made("PUT", "/v1/units/W", {"name": "潍坊市", "kind": "city"})
    await unit(admin, "A", "county", "W", residents=1_000)
    (city,) = await rows(admin, level="city")
    assert (city["basis"], city["basis_missing"]) == (1_000, 1)
    await unit(admin, "B", "county", "W", residents=500)
    (city,) = await rows(admin, level="city")
    assert (city["basis"], city["basis_missing"]) == (1_500, 0)


class Plain:
    """Coverage as one would work it out by hand, from a tree, what units state, and responses."""

    def __init__(
        self, children: dict[str, list[str]], stated: dict[str, int], responses: Counter[str]
    ) -> None:
        self.children, self.stated, self.responses = children, stated, responses

    def responded(self, unit: str) -> int:
        below = sum(self.responded(child) for child in self.children.get(unit, []))
        return self.responses[unit] + below

    def basis(self, unit: str) -> tuple[int | None, list[str]]:
        """The basis, and the units that it lacks."""
        if unit in self.stated:
            return self.stated[unit], []
        parts = {child: self.basis(child) for child in self.children.get(unit, [])}
        known = [n for n, _ in parts.values() if n is not None]
        if not known:
            return None, []
        lacking = [[child] if n is None else some for child, (n, some) in parts.items()]
        return sum(known), [one for some in lacking for one in some]

    def row(self, unit: str, share: float) -> tuple[Any, ...]:
        basis, lacking = self.basis(unit)
        responded = self.responded(unit)
        if basis is None:
            return None, 0, None, responded, None, None, None
        required = math.ceil(Fraction(str(share)) * basis)
        inside = responded - sum(map(self.responded, lacking))
        met = None if lacking and responded >= required else responded >= required
        return (
            basis,
            len(lacking),
            required,
            responded,
            inside / basis if basis else None,
            met,
            None if met is None else max(required - responded, 0),
        )


async def test_random_tables_are_those_of_a_plain_recomputation(admin: Api) -> None:
    dice = random.Random(88)
    children: dict[str, list[str]] = {"W": []}
    kinds = {"W": "city"}
    await unit(admin, "W", "city", None)
    for number in range(26):
        below = {"city": ["county", "school"], "county": ["district", "school"]}
        below |= {"district": ["school"], "school": ["grade", "class"], "grade": ["class"]}
        parent = dice.choice([code for code, kind in kinds.items() if kind != "class"])
        code, kind = f"U{number:02}", dice.choice(below[kinds[parent]])
        await unit(admin, code, kind, parent)
        kinds[code] = kind
        children.setdefault(parent, []).append(code)
    share = {"students": 0.5, "teachers": 0.07}
    targets = [{"name": basis, "basis": basis, "share": one} for basis, one in share.items()]
    await asking(admin, {"parent": targets})
    entries = [Entry(unit=dice.choice([*kinds]), population="parent") for _ in range(120)]
    await insert(admin, entries, definitions=DEFINITIONS)
    responses = Counter(entry.unit for entry in entries)
    lacking = 0
    for density in (0.2, 0.4, 0.6, 0.8):
        stated: dict[str, dict[str, int]] = {"students": {}, "teachers": {}}
        for code in kinds:
            heads = {one: dice.choice([0, *range(1, 25)]) for one in stated}
            heads = {one: n for one, n in heads.items() if dice.random() < density}
            await enrol(admin, code, **{one: heads.get(one) for one in stated})
            for one, n in heads.items():
                stated[one][code] = n
        for level in sorted(set(kinds.values())):
            for row in await rows(admin, level=level):
                basis = row["target"]
                plain = Plain(children, stated[basis], responses)
                expected = plain.row(row["unit"]["code"], share[basis])
                lacking += expected[1]
                assert tuple(row[name] for name in FIELDS) == expected, (level, density, row)
    assert lacking > 50


FIELDS = ("basis", "basis_missing", "required", "responded", "share", "met", "gap")
