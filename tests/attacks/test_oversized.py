"""Too long, too many, too much at once: refused, at a cost that has a bound."""

import asyncio
import random
import resource
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from app.core.protocol.bounds import Bounds
from tests.attacks.shielded import Recorder, Shielded, head, refused, shielded, soon
from tests.chaos.wire import LOST, Wire

LONG = "a" * (8 << 10)
CHUNKED = head("POST", "/x", "Transfer-Encoding: chunked")


@pytest.fixture(scope="module")
def server() -> Iterator[Shielded]:
    """A server with the usual limits."""
    with shielded(Recorder()) as server:
        yield server


async def _send(wire: Wire, whole: bytes, piecemeal: bool) -> None:
    size = 1000 if piecemeal else len(whole)
    for start in range(0, len(whole), size):
        wire.send(whole[start : start + size])
        await wire.drained()
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("sent", "slug", "status"),
    [
        (head("GET", f"/{LONG}"), "uri-too-long", 414),
        (head("GET", f"/x?{LONG}"), "uri-too-long", 414),
        (head("GET", f"/{LONG * 100}"), "uri-too-long", 414),
        (f"GET /{LONG * 5}".encode(), "uri-too-long", 414),
        (head("GET", "/x", *(f"X-{n}: {n}" for n in range(100))), "headers-too-large", 431),
        (head("GET", "/x", f"Cookie: {LONG * 4}"), "headers-too-large", 431),
        (head("GET", "/x", *(f"X-{n}: {LONG}" for n in range(90))), "headers-too-large", 431),
        (head("GET", "/x", f"Cookie: {LONG * 5}")[:-4], "headers-too-large", 431),
        (head("GET", "/x", f"{LONG * 5}")[:-4], "headers-too-large", 431),
    ],
    ids=["path", "query", "huge path", "endless path", "many", "one", "bomb", "endless", "name"],
)
@pytest.mark.parametrize("piecemeal", [False, True], ids=["whole", "in pieces"])
async def test_a_head_beyond_the_limits_is_refused(
    server: Shielded, sent: bytes, slug: str, status: int, piecemeal: bool
) -> None:
    server.app.carried_out.clear()
    async with server.wire() as wire:
        await _send(wire, sent, piecemeal)
        await refused(wire, slug, status)
    assert server.app.carried_out == []


@pytest.mark.parametrize("piecemeal", [False, True], ids=["whole", "in pieces"])
async def test_a_head_within_the_limits_is_taken(server: Shielded, piecemeal: bool) -> None:
    values = [f"X-{n}: {'v' * 300}" for n in range(99)]
    whole = head("GET", f"/{LONG[:-100]}", *values)
    async with server.wire() as wire:
        await _send(wire, whole, piecemeal)
        reply = await wire.reply()
        assert reply.status == 200
        assert len(reply.json()["headers"]) == 100


@pytest.mark.parametrize(
    "endless",
    [b"1;" + b"x" * (1 << 16), b"0\r\n" + b"X: y\r\n" * 10_000, b"0\r\nX:" + b"y" * (1 << 16)],
    ids=["extension", "trailers", "trailer"],
)
async def test_a_body_of_nothing_but_framing_comes_to_an_end(
    server: Shielded, endless: bytes
) -> None:
    async with server.wire() as wire:
        wire.send(CHUNKED + endless)
        sending = asyncio.create_task(_flood(wire, endless.rpartition(b"\r\n")[2] or b"X: y\r\n"))
        await refused(wire, "too-large", 413)
        sending.cancel()


async def _flood(wire: Wire, part: bytes) -> None:
    try:
        while True:
            wire.send(part * (1 + (1 << 14) // len(part)))
            await wire.drained()
            await asyncio.sleep(0)
    except LOST:
        pass


async def test_a_body_in_the_smallest_of_chunks_arrives(server: Shielded) -> None:
    async with server.wire() as wire:
        wire.send(CHUNKED + b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n")
        assert (await wire.reply()).json()["size"] == 200_000


async def test_of_too_much_at_once_the_largest_bodies_are_refused() -> None:
    limit = 8 << 20
    with shielded(Recorder(), unfinished=limit) as server:
        async with AsyncExitStack() as stack:
            small, large = [
                [await stack.enter_async_context(server.wire()) for _ in range(20)] for _ in "ab"
            ]
            for wire in small:
                wire.send(head("POST", "/x", "Content-Length: 1000") + b"x" * 999)
            for wire in large:
                wire.send(head("POST", "/x", "Content-Length: 10000000") + b"x" * (1 << 20))
            replies = [asyncio.create_task(refused(wire, "busy", 503)) for wire in large]
            await soon(lambda: sum(one.done() for one in replies) >= 20 - limit // (1 << 20))
            assert all(
                int(one.result().headers["retry-after"]) > 0 for one in replies if one.done()
            )
            assert server.guard.unfinished <= limit
            for wire in small:
                wire.send(b"x")
                assert (await wire.reply()).json()["size"] == 1000
        await soon(lambda: server.guard.unfinished == 0)
        await asyncio.gather(*replies, return_exceptions=True)


def test_connections_are_as_many_as_open_files_leave_room_for() -> None:
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (700, usual[1]))
        assert Bounds().most_connections() == 500
        assert Bounds(connections=300).most_connections() == 300
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


async def test_more_connections_than_there_may_be_are_turned_away_while_all_are_in_use() -> None:
    with shielded(Recorder(), connections=20, patience_seconds=60) as server:
        async with AsyncExitStack() as stack:
            wires = [await stack.enter_async_context(server.wire()) for _ in range(20)]
            for wire in wires:
                wire.send(head("POST", "/x", "Content-Length: 5"))
            await soon(lambda: server.connections == 20)
            async with server.wire() as one_more:
                reply = await refused(one_more, "busy", 503)
                assert int(reply.headers["retry-after"]) > 0
            for wire in wires:
                wire.send(b"hello")
                assert (await wire.reply()).status == 200
        await soon(lambda: server.connections == 0)
        async with server.wire() as one_more:
            assert (await one_more.ask("GET", "/x")).status == 200


async def test_those_who_say_nothing_make_way_for_those_who_do() -> None:
    bounds = {"connections": 20, "patience_seconds": 0.5, "sweep_seconds": 0.1}
    with shielded(Recorder(), **bounds) as server:
        async with AsyncExitStack() as stack:
            wires = [await stack.enter_async_context(server.wire()) for _ in range(20)]
            await wires[0].ask("GET", "/x")  # kept, with nothing under way
            working = wires[1:4]
            for wire in working:
                wire.send(head("POST", "/x", "Content-Length: 5"))
            await asyncio.sleep(1)
            async with server.wire() as one_more:
                assert (await one_more.ask("GET", "/x")).status == 200
            for wire in working:
                wire.send(b"hello")
                assert (await wire.reply()).status == 200
            await soon(lambda: server.connections <= 4)


async def test_requests_that_wait_on_one_connection_are_counted(server: Shielded) -> None:
    server.app.carried_out.clear()
    server.app.proceed.clear()
    most = Bounds().pipelined
    async with server.wire() as wire:
        wire.send(head("GET", "/later") + head("GET", "/x") * 3000)
        await asyncio.sleep(0.2)
        server.app.proceed.set()
        for _ in range(1 + most):
            assert (await wire.reply()).status == 200
        await refused(wire, "busy", 503)
    assert len(server.app.carried_out) == 1 + most


async def test_rubbish_is_refused_and_harms_nobody(server: Shielded) -> None:
    chance = random.Random(20261122)
    good = head("POST", "/x", "Content-Length: 5") + b"hello"
    for _ in range(200):
        bad = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            bad[chance.randrange(len(bad) - 5)] = chance.randrange(256)
        async with server.wire() as wire:
            wire.send(bytes(bad) + b"\r\n\r\n")
            wire.finish()
            told = await wire.rest()
        assert not told or told.startswith(b"HTTP/1.1 "), (bad, told)
        assert b" 500 " not in told[:20], (bad, told)
    async with server.wire() as wire:
        wire.send(good)
        assert (await wire.reply()).status == 200
    await soon(lambda: server.connections == 0)
