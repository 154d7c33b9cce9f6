"""The token and the ticket: one for all processes, renewed by one of them and in time."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from app.identity.wechat.client import Client
from app.identity.wechat.failures import Failure, Refused
from app.identity.wechat.passes import Passes
from tests.identity.wechat.people import account
from tests.identity.wechat.stand_in.server import StandIn


@pytest.fixture
async def processes(app: FastAPI, stand_in: StandIn) -> AsyncIterator[list[Passes]]:
    """What ten processes hold, on one database."""
    client = Client(account(stand_in))
    state = app.state
    yield [Passes(account(stand_in), client, state.keyring, state.database.pool) for _ in range(10)]
    await client.close()


async def move_on(app: FastAPI, column: str = "due_at") -> None:
    """Let the time come, as hours would."""
    await app.state.database.pool.execute(
        f"UPDATE wechat_passes SET {column} = now() - interval '1 second', leased_until = now()"
    )


async def test_ten_processes_with_a_crowd_each_ask_once(
    processes: list[Passes], stand_in: StandIn
) -> None:
    tickets = await asyncio.gather(*(one.ticket() for one in processes for _ in range(20)))
    assert len(set(tickets)) == 1
    assert stand_in.asked == {"token": 1, "ticket": 1}


async def test_it_is_renewed_before_it_expires_by_one(
    app: FastAPI, processes: list[Passes], stand_in: StandIn
) -> None:
    first = await processes[0].ticket()
    stand_in.seconds_later = 7000
    stand_in.refuses_token = True
    await move_on(app)
    tickets = await asyncio.gather(*(one.ticket() for one in processes[1:]))
    assert set(tickets) - {first}
    assert stand_in.asked["ticket"] == 2
    assert await processes[0].ticket() == first, "remembered for half a minute, and still good"


async def test_the_old_one_goes_on_while_wechat_is_down(
    app: FastAPI, processes: list[Passes], stand_in: StandIn
) -> None:
    first = await processes[0].ticket()
    stand_in.down = True
    await move_on(app)
    tickets = await asyncio.gather(*(one.ticket() for one in processes[1:]))
    assert set(tickets) == {first}


async def test_one_that_has_expired_is_not_used(
    app: FastAPI, processes: list[Passes], stand_in: StandIn
) -> None:
    await processes[0].ticket()
    stand_in.down = True
    await move_on(app, "expires_at")
    with pytest.raises(Refused) as caught:
        await processes[1].ticket()
    assert caught.value.failure in (Failure.faulty, Failure.unreachable)
    asked = stand_in.asked.total()
    with pytest.raises(Refused):
        await processes[1].ticket()
    assert stand_in.asked.total() == asked, "nobody is asked again at once"


async def test_a_refused_token_is_renewed_once(
    app: FastAPI, processes: list[Passes], stand_in: StandIn
) -> None:
    token = await processes[0].access_token()
    stand_in.refuses_token = True
    ticket = await processes[1].ticket()
    assert ticket
    assert await processes[2].access_token() != token
    assert stand_in.asked == {"token": 2, "ticket": 2}


async def test_a_process_that_died_over_it_holds_nobody_up_for_good(
    app: FastAPI, processes: list[Passes], stand_in: StandIn
) -> None:
    await app.state.database.pool.execute(
        """
        INSERT INTO wechat_passes (name, expires_at, leased_until)
        VALUES ($1, now(), now() + interval '1 second')
        """,
        f"{account(stand_in).app_id}/token",
    )
    assert await processes[0].access_token()


async def test_neither_can_be_read_in_the_database(app: FastAPI, processes: list[Passes]) -> None:
    ticket, token = await processes[0].ticket(), await processes[0].access_token()
    rows = await app.state.database.pool.fetch(
        "SELECT kept::text AS line FROM wechat_passes AS kept"
    )
    assert len(rows) == 2
    for row in rows:
        assert ticket not in row["line"]
        assert token.encode().hex() not in row["line"]
