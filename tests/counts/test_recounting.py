"""Recounting: any difference between counts and rows is found, named, and mended."""

import random

import pytest

from app.counts.folding import fold
from app.counts.recounting import Difference, Recount, check, repair
from tests.counts.test_folding import UNITS, database_of, fold_all, prepare, read
from tests.factories import Api
from tests.results.ledger import Entry, insert, random_ledger


async def checked(api: Api) -> list[Recount]:
    return [one async for one in check(database_of(api))]


async def test_counts_that_are_the_rows_pass_and_are_named(admin: Api) -> None:
    await prepare(admin)
    assert await checked(admin) == []
    _, standing = ledger = random_ledger(random.Random(21), UNITS, 60)
    await insert(admin, ledger[0])
    # Nothing is folded yet, so nothing is counted, and nothing is wrong.
    assert {one.responses for one in await checked(admin)} == {0}
    await fold_all(admin)
    found = await checked(admin)
    assert [(one.campaign, one.population) for one in found] == [("C", "parent"), ("C", "teacher")]
    assert sum(one.responses for one in found) == len(standing)
    assert not any(one.differences for one in found)


WRONGS = {
    "a count too high": "UPDATE running_counts SET sums[9] = sums[9] + 1 WHERE {one}",
    "a count lost": "DELETE FROM running_counts WHERE {one}",
    "a count of nobody": "INSERT INTO running_counts SELECT campaign_id, unit_id, day, below, "
    "population, 6, flagged, sums FROM running_counts WHERE {one}",
    "a row lost": "DELETE FROM responses WHERE submission_id = "
    "(SELECT submission_id FROM responses WHERE population = 0 ORDER BY answered_at LIMIT 1)",
}
ONE = (
    "ctid = (SELECT ctid FROM running_counts WHERE population = 0 AND channel < 6 "
    "AND sums[1] > 0 ORDER BY unit_id, day, below LIMIT 1)"
)


@pytest.mark.parametrize("wrong", WRONGS.values(), ids=WRONGS.keys())
async def test_whatever_differs_is_found_and_mended(admin: Api, wrong: str) -> None:
    await prepare(admin)
    entries = [Entry(unit=unit) for unit in ("A1", "A2", "B1", "A1")]
    await insert(admin, [*entries, Entry(unit="A1", population="teacher")])
    await fold_all(admin)
    await database_of(admin).pool.execute(wrong.format(one=ONE))
    parents, teachers = await checked(admin)
    assert parents.differences
    assert not teachers.differences
    for one in parents.differences:
        assert isinstance(one, Difference)
        assert one.rows != one.running
        assert one.unit in str(one)
    mended = [one async for one in repair(database_of(admin))]
    assert mended[0].differences == parents.differences
    assert not any(one.differences for one in await checked(admin))
    # And folding goes on from there.
    await insert(admin, [Entry(unit="B1")])
    before = await read(admin)
    await fold(database_of(admin))
    assert await read(admin) == before
    assert not any(one.differences for one in await checked(admin))


async def test_sums_below_that_wait_for_a_move_are_no_difference(admin: Api) -> None:
    await prepare(admin)
    await insert(admin, [Entry(unit="A1"), Entry(unit="B1")])
    await fold_all(admin)
    moved = {"name": "A1学校", "kind": "school", "parent": "B", "stage": "primary"}
    await admin.made("PUT", "/v1/units/A1", moved)
    assert not any(one.differences for one in await checked(admin))
    await fold_all(admin)
    assert not any(one.differences for one in await checked(admin))
