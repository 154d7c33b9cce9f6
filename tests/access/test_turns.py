"""Turns at what costs much: few at once, fewer of one client, and nobody waits for ever."""

import asyncio

import pytest

from app.access import turns
from app.access.turns import Turns
from app.core.problems import Busy
from tests.factories import Api, open_campaign, tree


async def test_one_client_has_few_turns_at_once_and_others_have_theirs() -> None:
    held, under_way, most = Turns(), {"a": 0, "b": 0}, {"a": 0, "b": 0}

    async def read(client: str) -> None:
        async with held.taken(client):
            under_way[client] += 1
            most[client] = max(most[client], under_way[client])
            assert sum(under_way.values()) <= turns.AT_ONCE
            await asyncio.sleep(0.01)
            under_way[client] -= 1

    await asyncio.gather(*(read(client) for client in "ab" for _ in range(20)))
    assert most == {"a": turns.OF_ONE_CLIENT, "b": turns.OF_ONE_CLIENT}
    assert held._clients == {}


async def test_who_waits_too_long_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.05)
    held = Turns()
    async with held.taken("a"), held.taken("a"), held.taken("a"):
        with pytest.raises(Busy):
            async with held.taken("a"):
                pass
        async with held.taken("b"):
            pass
    async with held.taken("a"):
        pass


async def test_who_hangs_up_while_waiting_takes_nobodys_turn() -> None:
    held = Turns()
    async with held.taken("a"), held.taken("a"), held.taken("a"):
        waiting = asyncio.create_task(held.taken("a").__aenter__())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    for _ in range(5):
        async with held.taken("a"):
            pass
    assert held._all._value == turns.AT_ONCE


async def test_many_reads_at_once_all_get_their_reply(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    replies = await asyncio.gather(
        *(admin.get("/v1/campaigns/C/results?by=unit") for _ in range(40))
    )
    assert {reply.status_code for reply in replies} == {200}
    assert admin.app.state.turns._clients == {}
