"""Thousands who answer at the same moment, each over a connection of their own."""

import asyncio
import resource
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.chaos.ledger import assert_each_once
from tests.chaos.served import Served
from tests.chaos.wire import LOST, Wire, request
from tests.factories import invitations, submission

_CONNECTING_AT_ONCE = 200

Person = tuple[str, dict[str, Any]]
"""The path that one sends to, and the body."""


async def crowd(served: Served, size: int) -> list[Person]:
    """So many people with invitations."""
    tokens = await invitations(served.api, size)
    return [(f"/v1/invitations/{token}/responses", submission()) for token in tokens]


@contextmanager
def many_files() -> Iterator[None]:
    """Let this process have as many connections as it may."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (usual[1], usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


Act = Callable[[Wire, bytes], Awaitable[Any]]


async def each(people: Sequence[Person], act: Act, base: str) -> list[Any]:
    """Let everybody connect and do this with their request, all together."""
    connecting = asyncio.Semaphore(_CONNECTING_AT_ONCE)

    async def one(person: Person) -> Any:
        async with connecting:
            wire = await Wire.open(base)
        try:
            return await act(wire, request("POST", *person))
        finally:
            wire.close()

    with many_files():
        return await asyncio.gather(*(one(person) for person in people))


async def sent_until_acknowledged(served: Served, people: Sequence[Person]) -> "Counter[int]":
    """Everybody sends, and again while they are told to come again; the final statuses."""

    async def send(wire: Wire, whole: bytes) -> int:
        for _ in range(200):
            wire.send(whole)
            reply = await wire.reply()
            if reply.status != 503:
                return reply.status
            await asyncio.sleep(0.1)
        raise AssertionError("busy for ever")

    statuses: Counter[int] = Counter()
    # Some hundred at a time: a crowd again would be turned away again.
    for start in range(0, len(people), 500):
        some = people[start : start + 500]
        try:
            statuses.update(await each(some, send, served.base))
        except LOST as error:
            raise AssertionError(served.running.said()[-3000:]) from error
    return statuses


async def assert_stored_once(served: Served, people: Sequence[Person]) -> None:
    """The ledger holds these people's responses once, beside those of before, and no others."""
    served.stored.update(body["submission_id"] for _, body in people)
    await assert_each_once(served.data_dir, served.stored, served.stored)
