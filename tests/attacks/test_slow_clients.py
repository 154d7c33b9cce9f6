"""Who sends or reads slowly holds a connection for so long and no longer, and harms nobody."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.attacks.shielded import (
    BLOCKED_SECONDS,
    LARGE,
    Recorder,
    Shielded,
    head,
    refused,
    shielded,
    soon,
)

HEAD = head("POST", "/x", "Content-Length: 100000")


@pytest.fixture(scope="module")
def impatient() -> Iterator[Shielded]:
    """A server with short times, but for kept connections."""
    bounds = {
        "head_seconds": 0.6,
        "quiet_seconds": 0.8,
        "grace_seconds": 1.2,
        "unread_seconds": 1.5,
        "linger_seconds": 0.5,
        "sweep_seconds": 0.1,
    }
    with shielded(Recorder(), **bounds) as server:
        yield server


async def test_who_says_nothing_is_hung_up_on_without_a_word(impatient: Shielded) -> None:
    async with impatient.wire() as wire:
        assert await wire.rest() == b""


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
@pytest.mark.parametrize("part", [b"G", b"\r\n", HEAD[:30]], ids=["a letter", "nothing", "half"])
async def test_a_head_that_does_not_come_to_its_end_is_refused(
    impatient: Shielded, kept: bool, part: bytes
) -> None:
    async with impatient.wire() as wire:
        if kept:
            assert (await wire.ask("GET", "/x")).status == 200
        wire.send(part)
        await refused(wire, "request-timeout", 408)


async def test_a_head_that_trickles_in_is_refused(impatient: Shielded) -> None:
    async with impatient.wire() as wire:
        wire.send(HEAD[:20])
        trickling = asyncio.create_task(_trickle(wire.send, b"X: y\r\n", 0.1))
        await refused(wire, "request-timeout", 408)
        trickling.cancel()


async def _trickle(send: object, part: bytes, pause: float) -> None:
    assert callable(send)
    while True:
        send(part)
        await asyncio.sleep(pause)


async def test_who_waits_behind_a_slow_head_of_their_own_has_the_reply_first(
    impatient: Shielded,
) -> None:
    impatient.app.proceed.clear()
    async with impatient.wire() as wire:
        wire.send(head("GET", "/later") + b"GET /next HT")
        await asyncio.sleep(1.5)
        impatient.app.proceed.set()
        assert (await wire.reply()).json()["path"] == "/later"
        await refused(wire, "request-timeout", 408)


@pytest.mark.parametrize("pause", [None, 0.2], ids=["stops", "trickles"])
async def test_a_body_that_does_not_come_to_its_end_is_refused(
    impatient: Shielded, pause: float | None
) -> None:
    before, broken_off = list(impatient.app.carried_out), impatient.app.broken_off
    async with impatient.wire() as wire:
        wire.send(HEAD + b"half")
        trickling = asyncio.create_task(_trickle(wire.send, b"x", pause or 60))
        await refused(wire, "request-timeout", 408)
        trickling.cancel()
    await soon(lambda: impatient.app.broken_off == broken_off + 1)
    assert impatient.app.carried_out == before
    assert impatient.guard.unfinished == 0


async def test_a_slow_body_that_keeps_the_pace_arrives() -> None:
    bounds = {"quiet_seconds": 2, "grace_seconds": 0.5, "pace": 20, "sweep_seconds": 0.1}
    with shielded(Recorder(), **bounds) as server:
        async with server.wire() as wire:
            wire.send(head("POST", "/x", "Content-Length: 1000"))
            for _ in range(20):
                wire.send(b"x" * 50)
                await asyncio.sleep(0.1)
            assert (await wire.reply()).json()["size"] == 1000


async def test_our_own_slowness_is_not_the_client_s(impatient: Shielded) -> None:
    impatient.app.proceed.clear()
    body = b"x" * (16 << 20)
    async with impatient.wire() as wire:
        wire.send(head("POST", "/later", f"Content-Length: {len(body)}") + body)
        await asyncio.sleep(1.5)
        impatient.app.proceed.set()
        assert (await wire.reply()).json()["size"] == len(body)


async def test_a_process_that_stands_still_does_not_put_it_down_to_others() -> None:
    with shielded(Recorder(), head_seconds=BLOCKED_SECONDS - 0.5, sweep_seconds=0.1) as server:
        async with server.wire() as wire, server.wire() as blocking:
            wire.send(HEAD[:30])
            blocking.send(head("GET", "/blocking"))
            await blocking.reply()
            await asyncio.sleep(0.3)
            wire.send(HEAD[30:] + b"x" * 100_000)
            assert (await wire.reply()).json()["size"] == 100_000


async def test_who_waits_to_be_asked_for_the_body_is_not_hurried(impatient: Shielded) -> None:
    impatient.app.proceed.clear()
    async with impatient.wire() as wire:
        wire.send(head("POST", "/later", "Content-Length: 5", "Expect: 100-continue"))
        await asyncio.sleep(1.5)
        impatient.app.proceed.set()
        assert (await wire.reply()).status == 100
        wire.send(b"hello")
        assert (await wire.reply()).json()["size"] == 5


async def test_a_kept_connection_that_says_nothing_more_is_hung_up_on() -> None:
    with shielded(Recorder(), kept_seconds=0.5, sweep_seconds=0.1) as server:
        async with server.wire() as wire:
            assert (await wire.ask("GET", "/x")).status == 200
            assert await wire.rest() == b""


async def test_a_kept_connection_is_not_hurried_between_requests(impatient: Shielded) -> None:
    async with impatient.wire() as wire:
        assert (await wire.ask("POST", "/x", {"a": 1})).status == 200
        await asyncio.sleep(1.2)
        assert (await wire.ask("POST", "/x", {"a": 1})).status == 200


@pytest.mark.parametrize("kept", [True, False])
async def test_a_body_that_nobody_wants_has_a_moment_to_arrive(
    impatient: Shielded, kept: bool
) -> None:
    connection = "keep-alive" if kept else "close"
    async with impatient.wire() as wire:
        wire.send(
            head("POST", "/early", "Content-Length: 9", f"Connection: {connection}") + b"abcd"
        )
        assert (await wire.reply()).json() == {"early": True}
        wire.send(b"efghi")
        if kept:
            assert (await wire.ask("GET", "/next")).json()["path"] == "/next"
        else:
            assert await wire.rest() == b""


@pytest.mark.parametrize("kept", [True, False])
async def test_a_body_that_nobody_wants_does_not_last_for_ever(
    impatient: Shielded, kept: bool
) -> None:
    connection = "keep-alive" if kept else "close"
    async with impatient.wire() as wire:
        wire.send(head("POST", "/early", "Content-Length: 99999999", f"Connection: {connection}"))
        trickling = asyncio.create_task(_trickle(wire.send, b"x" * 1000, 0.01))
        assert (await wire.reply()).json() == {"early": True}
        before = impatient.connections
        await soon(lambda: impatient.connections < before)
        trickling.cancel()


@pytest.mark.parametrize("path", ["/large", "/stream"])
async def test_a_reply_that_nobody_reads_is_broken_off(impatient: Shielded, path: str) -> None:
    impatient.app.proceed.clear()
    async with impatient.wire() as wire:
        wire.pause()
        wire.send(head("GET", path))
        await asyncio.sleep(0.3)
        await soon(lambda: impatient.connections == 1)
        impatient.app.proceed.set()
        await soon(lambda: impatient.connections == 0)


@pytest.mark.parametrize("path", ["/large", "/stream"])
async def test_a_reply_that_is_read_slowly_arrives(impatient: Shielded, path: str) -> None:
    impatient.app.proceed.set()
    port = impatient.base.rpartition(":")[2]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 19)
    writer.write(head("GET", path, "Connection: close"))
    received = 0
    while part := await reader.read(1 << 20):
        received += len(part)
        await asyncio.sleep(0.06)
    writer.close()
    assert received > LARGE


async def test_who_looks_for_a_reply_only_after_the_body_finds_one(impatient: Shielded) -> None:
    body = b"x" * (16 << 20)
    async with impatient.wire() as wire:
        wire.send(head("POST", "/early", f"Content-Length: {len(body)}", "Connection: close"))
        wire.send(body)
        await wire.drained()
        assert (await wire.reply()).json() == {"early": True}
        assert await wire.rest() == b""


async def test_nothing_is_left_of_them(impatient: Shielded) -> None:
    await soon(lambda: impatient.connections == 0)
    assert impatient.guard.owing == {}
    assert impatient.guard.unfinished == 0
