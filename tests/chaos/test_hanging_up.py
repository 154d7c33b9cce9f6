"""Clients by the thousand that hang up: nothing leaks, nothing is stored twice."""

import asyncio

import pytest

from tests.chaos.crowds import assert_stored_once, crowd, each, sent_until_acknowledged
from tests.chaos.ledger import assert_each_once, stored
from tests.chaos.served import Served
from tests.chaos.wire import Wire

pytestmark = pytest.mark.process

CROWD = 2000
_SLACK = 20
"""Files and connections more than before that are no leak: pools may have grown meanwhile."""
_SECONDS = 30


async def assert_nothing_leaked(served: Served, files: int, connections: int) -> None:
    """It has about as much open as before, soon."""
    try:
        async with asyncio.timeout(_SECONDS):
            while served.open_files > files + _SLACK:
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{served.open_files} files open, {files} before") from None
    assert await served.database_connections() <= connections + _SLACK
    assert (await served.api.get("/readyz")).status_code == 200


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_who_hangs_up_after_the_body_is_stored_once_or_not_at_all(
    served: Served, reset: bool
) -> None:
    people = await crowd(served, CROWD)
    before = served.open_files, await served.database_connections()

    async def send_and_leave(wire: Wire, whole: bytes) -> None:
        wire.send(whole)
        await wire.drained()
        wire.reset() if reset else wire.close()

    await each(people, send_and_leave, served.base)
    await assert_nothing_leaked(served, *before)
    ids = {body["submission_id"] for _, body in people}
    await assert_each_once(served.data_dir, served.stored, served.stored | ids)
    arrived = len((await stored(served.data_dir)).signs) - len(served.stored)
    # They come again with the same: those that were stored get their receipt, the others too.
    statuses = await sent_until_acknowledged(served, people)
    assert statuses[200] >= arrived
    assert statuses[200] + statuses[201] == CROWD
    await assert_stored_once(served, people)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("part", ["half the head", "head", "half the body"])
async def test_who_hangs_up_before_the_end_is_not_stored(
    served: Served, part: str, reset: bool
) -> None:
    people = await crowd(served, CROWD)
    before = served.open_files, await served.database_connections()

    async def break_off(wire: Wire, whole: bytes) -> None:
        head = whole.index(b"\r\n\r\n") + 4
        ends = {"half the head": head // 2, "head": head, "half the body": (head + len(whole)) // 2}
        wire.send(whole[: ends[part]])
        await wire.drained()
        await asyncio.sleep(0.01)  # let it arrive, and be taken up
        wire.reset() if reset else wire.close()

    await each(people, break_off, served.base)
    await assert_nothing_leaked(served, *before)
    await assert_stored_once(served, [])
    # Nothing of theirs was bound: they can still answer.
    assert await sent_until_acknowledged(served, people[:200]) == {201: 200}
    await assert_stored_once(served, people[:200])
