"""Everything killed while responses come in: what was acknowledged is there once."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from app.core.embedded_postgres import EmbeddedPostgres
from tests.chaos.killing import KILLS, workers
from tests.chaos.ledger import assert_each_once, authorised
from tests.chaos.parents import Parents
from tests.chaos.rounds import Ended, Round, rounds
from tests.factories import invitations, open_campaign, tree
from tests.processes import server

_ASKED_EVERY = 0.5
"""Seconds after which the supervisor asks its workers again."""


@pytest.mark.process
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "kinds",
    [
        ("a worker", "PostgreSQL", "everything"),
        ("all workers", "a PostgreSQL backend", "the supervisor"),
    ],
    ids=" ".join,
)
async def test_what_was_acknowledged_survives_sigkill_exactly_once(
    tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    *killed, ended = [one async for one in rounds(tmp_path / "with a space", kinds, seed=20261121)]
    assert tuple(one.killed for one in killed if isinstance(one, Round)) == kinds
    assert isinstance(ended, Ended)
    assert ended.acknowledged == ended.stored == ended.respondents
    assert ended.acknowledged >= 600


def test_the_rounds_of_the_test_command_kill_everything_that_there_is() -> None:
    [mark] = [
        one
        for one in test_what_was_acknowledged_survives_sigkill_exactly_once.pytestmark  # type: ignore[attr-defined]
        if one.name == "parametrize"
    ]
    assert {kind for kinds in mark.args[1] for kind in kinds} == KILLS.keys()


@pytest.mark.process
async def test_workers_that_die_while_one_is_asked_how_it_is_are_replaced(tmp_path: Path) -> None:
    with server(tmp_path / "data", "--workers", "2") as running:
        before = workers(running)
        os.kill(before[0], signal.SIGSTOP)
        await asyncio.sleep(_ASKED_EVERY * 3)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        # Whoever waits for the answer of the dead does so for a minute.
        async with asyncio.timeout(45):
            while len([pid for pid in workers(running) if pid not in before]) < 2:
                await asyncio.sleep(0.05)
        await asyncio.to_thread(running.wait_ready)


@pytest.mark.process
async def test_a_stop_finishes_what_was_accepted_and_ends_with_status_0(tmp_path: Path) -> None:
    with server(tmp_path / "data") as running:
        parents = Parents(running.base)
        async with authorised(running) as api:
            await tree(api)
            await open_campaign(api)
            parents.invite(await invitations(api, 100))
        async with parents.answering():
            while not parents.receipts:
                await asyncio.sleep(0.01)
            assert await asyncio.to_thread(running.stop) == 0
        socket = running.data_dir / "postgres" / "socket"
        assert list(socket.iterdir()) == []
    with EmbeddedPostgres(running.data_dir):
        await assert_each_once(running.data_dir, set(parents.receipts), parents.sent)
