"""Folding: the counts are the rows at every moment, whoever folds, whatever moves."""

import asyncio
import random
import uuid
from typing import Any

import asyncpg
import pytest

from app.core.database import Database
from app.counts.folding import adopt, fold
from app.counts.recounting import check
from tests.factories import Api, invitations, open_campaign, tree
from tests.results.ledger import Entry, insert, publish, random_ledger

UNITS = ["A1", "A2", "B1", "A", "W"]
GROUPINGS = ("", "unit", "unit,question", "unit,population,channel,question,day")


def database_of(api: Api) -> Database:
    database: Database = api.app.state.database
    return database


async def prepare(api: Api) -> None:
    await tree(api)
    await open_campaign(api, populations=await publish(api))


async def read(api: Api) -> list[Any]:
    """Every figure at every level, as dashboards read it."""
    found = []
    for level in ("city", "county", "school"):
        for by in GROUPINGS:
            for quality in ("all", "clean"):
                parameters = {"by": by, "level": level, "quality": quality}
                reply = await api.made("GET", "/v1/campaigns/C/results", params=parameters)
                found.append(reply["rows"])
        parameters = {"level": level}
        found.append((await api.made("GET", "/v1/campaigns/C/coverage", params=parameters))["rows"])
    return found


async def fold_all(api: Api) -> None:
    while True:
        folded = await fold(database_of(api))
        if folded is not None and folded.caught_up and not await unfolded(api):
            return
        await asyncio.sleep(0.02)


async def unfolded(api: Api) -> int:
    found: int = await database_of(api).pool.fetchval(
        "SELECT count(*) FROM responses, folding WHERE transaction_id >= folded_below"
    )
    return found


async def differences(api: Api) -> int:
    return sum([len(one.differences) async for one in check(database_of(api))])


async def test_results_are_the_same_before_and_after_folding(admin: Api) -> None:
    await prepare(admin)
    written, standing = random_ledger(random.Random(11), UNITS, 80)
    await insert(admin, written[:100])
    await fold_all(admin)
    await insert(admin, written[100:])
    partly = await read(admin)
    await fold_all(admin)
    assert await read(admin) == partly
    assert partly[0][0]["respondents"] == len(standing)
    assert await differences(admin) == 0


async def test_folding_takes_so_many_rows_at_a_time(admin: Api) -> None:
    await prepare(admin)
    written, _ = random_ledger(random.Random(12), UNITS, 90)
    for entry in written:
        await insert(admin, [entry])
    before = await read(admin)
    left = [await unfolded(admin)]
    while left[-1]:
        await fold(database_of(admin), most=40)
        left.append(await unfolded(admin))
        # Sixteen transactions are taken together.
        assert left[-2] - left[-1] <= 40 + 2 * 16
        assert await read(admin) == before
    assert len(left) >= 3


async def test_many_who_fold_at_once_count_nothing_twice(admin: Api) -> None:
    await prepare(admin)
    written, standing = random_ledger(random.Random(13), UNITS, 120)

    async def keep_folding() -> None:
        while True:
            await fold(database_of(admin), most=30)

    folders = [asyncio.create_task(keep_folding()) for _ in range(3)]
    for start in range(0, len(written), 20):
        await insert(admin, written[start : start + 20])
    for folder in folders:
        folder.cancel()
    await asyncio.gather(*folders, return_exceptions=True)
    await fold_all(admin)
    assert (await read(admin))[0][0]["respondents"] == len(standing)
    assert await differences(admin) == 0


async def test_a_row_of_an_unfinished_transaction_is_not_passed_over(
    admin: Api, database_url: str
) -> None:
    await prepare(admin)
    await insert(admin, [Entry()])
    slow = await asyncpg.connect(database_url)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(
        "INSERT INTO responses (campaign_id, submission_id, sequence, sign, unit_id, population, "
        "channel, answered_at, answers) SELECT campaign_id, gen_random_uuid(), 0, 1, unit_id, "
        "population, channel, answered_at, answers FROM responses"
    )
    await insert(admin, [Entry(), Entry()])
    for _ in range(3):
        await fold(database_of(admin))
        total = (await read(admin))[0][0]["respondents"]
        assert total == 3
    # What began after it can only be folded with it.
    assert await unfolded(admin) == 2
    await transaction.commit()
    await slow.close()
    assert (await read(admin))[0][0]["respondents"] == 4
    await fold_all(admin)
    assert (await read(admin))[0][0]["respondents"] == 4
    assert await differences(admin) == 0


@pytest.mark.parametrize("folded", [True, False])
async def test_a_school_that_moves_takes_its_counts_along(admin: Api, folded: bool) -> None:
    await prepare(admin)
    school = {"name": "二小", "kind": "class", "parent": "A1"}
    await admin.made("PUT", "/v1/units/A1-1", school)
    written, _ = random_ledger(random.Random(14), [*UNITS, "A1-1"], 100)
    await insert(admin, written[:90])
    if folded:
        await fold_all(admin)
    moved = {"name": "A1学校", "kind": "school", "parent": "B", "stage": "primary"}
    await admin.made("PUT", "/v1/units/A1", moved)
    await insert(admin, written[90:])
    after_the_move = await read(admin)
    await fold_all(admin)
    assert await read(admin) == after_the_move
    assert await differences(admin) == 0
    # And as if it had always stood there.
    await database_of(admin).pool.execute("DELETE FROM running_counts")
    await database_of(admin).pool.execute("UPDATE folding SET folded_below = 0")
    assert await read(admin) == after_the_move


async def test_a_region_put_above_the_root_has_its_counts(admin: Api) -> None:
    await prepare(admin)
    await insert(admin, random_ledger(random.Random(15), UNITS, 30)[0])
    await fold_all(admin)
    await admin.made("PUT", "/v1/units/P", {"name": "省", "kind": "province"})
    city = {"name": "潍坊市", "kind": "city", "parent": "P", "residents": 400_000}
    await admin.made("PUT", "/v1/units/W", city)
    await fold_all(admin)
    assert await differences(admin) == 0


async def test_a_database_from_another_server_is_counted_anew(admin: Api) -> None:
    await prepare(admin)
    await insert(admin, random_ledger(random.Random(16), UNITS, 60)[0])
    [token] = await invitations(admin, 1)
    body = {"submission_id": str(uuid.uuid4()), "answers": {"comment": "好"}}
    receipt = await admin.made("POST", f"/v1/invitations/{token}/responses", body)
    await fold_all(admin)
    before = await read(admin)
    database = database_of(admin)
    assert not await adopt(database)
    # As after a restore: rows of transactions that are yet to come here, and foreign counts.
    later = "SET transaction_id = transaction_id + 1000000000"
    await database.pool.execute(f"""
        UPDATE responses {later} WHERE channel > 1;
        UPDATE claims {later}; UPDATE response_texts {later};
        UPDATE running_counts SET sums[1] = sums[1] + 5;
        UPDATE folding SET server = 1, folded_below = 1000000000;
    """)
    assert await adopt(database)
    assert await read(admin) == before
    # The response's own rows still find each other.
    arrival = await admin.made("POST", "/v1/receipts/read", {"receipt": receipt["receipt"]})
    assert arrival["answers"] == body["answers"]
    again = {**body, "submission_id": str(uuid.uuid4())}
    assert (await admin.post(f"/v1/invitations/{token}/responses", again)).status_code == 409
    await admin.made("POST", "/v1/receipts/withdraw", {"receipt": receipt["receipt"]})
    await admin.made("POST", f"/v1/invitations/{token}/responses", again)
    assert (await read(admin))[0][0]["respondents"] == before[0][0]["respondents"]
    await fold_all(admin)
    assert (await read(admin))[0][0]["respondents"] == before[0][0]["respondents"]
    assert await differences(admin) == 0
    assert not await adopt(database)
