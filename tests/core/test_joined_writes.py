"""Replies in one piece: whole, in order, as they stream, and within bounds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

from app.core.protocol.connection import HttpConnection

CHUNK = b"x" * (1 << 20)


def _app() -> FastAPI:
    app = FastAPI()
    app.state.made = 0
    app.state.go_on = asyncio.Event()

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    @app.get("/slow")
    async def slow() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first"
            await app.state.go_on.wait()
            yield b"second"

        return StreamingResponse(parts())

    @app.get("/large")
    async def large() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(64):
                app.state.made += 1
                yield CHUNK

        return StreamingResponse(parts())

    return app


@pytest.fixture
def app() -> FastAPI:
    """A small app of this file's own."""
    return _app()


@asynccontextmanager
async def connected(
    app: FastAPI,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the app as it is served."""
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", http=HttpConnection)
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        port = listening.getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        yield reader, writer
        writer.close()
    finally:
        server.should_exit = True
        await serving
        listening.close()


def request(method: str, path: str, body: bytes = b"", *headers: bytes) -> bytes:
    """A request's bytes."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"host: x", *headers]
    lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def test_head_and_body_arrive_together(app: FastAPI) -> None:
    async with connected(app) as (reader, writer):
        for body in (b"", b"hello", b"x" * 1000):
            writer.write(request("POST", "/echo", body))
            arrived = await reader.read(1 << 16)
            assert arrived.startswith(b"HTTP/1.1 200 OK\r\n")
            assert arrived.endswith(b"\r\n\r\n" + body)


async def test_pipelined_requests_are_answered_in_order(app: FastAPI) -> None:
    bodies = [b"%03d" % number for number in range(50)]
    async with connected(app) as (reader, writer):
        writer.write(b"".join(request("POST", "/echo", body) for body in bodies))
        for body in bodies:
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(3) == body


async def test_the_last_reply_of_a_connection_is_whole(app: FastAPI) -> None:
    async with connected(app) as (reader, writer):
        writer.write(request("POST", "/echo", b"bye", b"connection: close"))
        arrived = await reader.read()
        assert arrived.endswith(b"\r\n\r\nbye")


async def test_a_stream_is_sent_as_it_is_made(app: FastAPI) -> None:
    async with connected(app) as (reader, writer):
        writer.write(request("GET", "/slow"))
        await asyncio.wait_for(reader.readuntil(b"first\r\n"), 5)
        app.state.go_on.set()
        await asyncio.wait_for(reader.readuntil(b"second\r\n0\r\n\r\n"), 5)


async def test_who_waits_to_be_asked_for_the_body_is_asked(app: FastAPI) -> None:
    head, _, body = request("POST", "/echo", b"hello", b"expect: 100-continue").partition(b"hello")
    async with connected(app) as (reader, writer):
        writer.write(head)
        asked = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert asked.startswith(b"HTTP/1.1 100 Continue")
        writer.write(b"hello" + body)
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\nhello"), 5)


async def test_a_large_stream_waits_for_its_reader(app: FastAPI) -> None:
    async with connected(app) as (reader, writer):
        writer.write(request("GET", "/large", b"", b"connection: close"))
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.5)
        assert app.state.made < 40
        received = len(await reader.read())
        assert received > 64 * len(CHUNK)
