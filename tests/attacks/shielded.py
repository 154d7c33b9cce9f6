"""A small app behind connections as they are served, in a thread with an event loop of its own."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

import uvicorn
from starlette.types import Receive, Scope, Send

from app.core.protocol.bounds import Bounds
from app.core.protocol.connection import HttpConnection
from app.core.protocol.guard import Guard, guard_of
from tests.chaos.wire import Reply, Wire

SECONDS = 20
"""In which whatever is waited for comes to pass."""
LARGE = 32 << 20
BLOCKED_SECONDS = 2.5
_PIECES = {"/large": LARGE, "/stream": 1 << 16}
_LATER = ("/later", *_PIECES)


@dataclass
class Recorder:
    """An ASGI app that remembers what it has carried out, and replies with it."""

    carried_out: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Methods, paths and bodies of the requests that came to their end."""
    broken_off: int = 0
    """Requests whose client went away before."""
    proceed: threading.Event = field(default_factory=threading.Event)
    """Without it the addresses of `_LATER` wait before they read the body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if path == "/early":
            self.carried_out.append((method, path, b""))
            await _reply(send, {"early": True})
            return
        if path == "/split":
            value = unquote_to_bytes(scope["query_string"])
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x", value)]})
        if path == "/blocking":
            time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251
        while path in _LATER and not self.proceed.is_set():
            await asyncio.sleep(0.02)
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.broken_off += 1
                return
            body += message["body"]
            more = message["more_body"]
        headers = sorted(name.decode("latin-1") for name, _ in scope["headers"])
        self.carried_out.append((method, path, body))
        if path in _PIECES:
            await _stream(send, _PIECES[path])
        else:
            await _reply(send, {"path": path, "size": len(body), "headers": headers})


async def _reply(send: Send, document: Any) -> None:
    body = json.dumps(document).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(send: Send, size: int) -> None:
    headers = [(b"content-length", str(LARGE).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for sent in range(0, LARGE, size):
        more = sent + size < LARGE
        await send({"type": "http.response.body", "body": b"x" * size, "more_body": more})


@dataclass(frozen=True)
class Shielded:
    """A server that runs in a thread."""

    base: str
    app: Recorder
    server: uvicorn.Server
    guard: Guard

    @property
    def connections(self) -> int:
        """How many it has."""
        return len(self.server.server_state.connections)

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Wire]:
        """A connection to it; whatever is waited for within must come soon."""
        async with asyncio.timeout(SECONDS):
            wire = await Wire.open(self.base)
            try:
                yield wire
            finally:
                wire.close()


@contextmanager
def shielded(app: Any, **bounds: Any) -> Iterator[Shielded]:
    """Serve an app over HTTP, with these limits and the usual ones else."""

    class Bounded(HttpConnection):
        pass

    Bounded.bounds = Bounds(**bounds)
    config = uvicorn.Config(
        app,
        port=0,
        http=Bounded,
        ws="none",
        loop="uvloop",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        until(lambda: server.started)
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        guard = guard_of(server.server_state, Bounded.bounds)
        yield Shielded(base, app, server, guard)
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        listening.close()


def until(come_to_pass: Callable[[], bool]) -> None:
    """Wait for it. Errors: AssertionError."""
    deadline = time.monotonic() + SECONDS
    while not come_to_pass():
        assert time.monotonic() < deadline, "it does not come to pass"
        time.sleep(0.02)


async def soon(come_to_pass: Callable[[], bool]) -> None:
    """Wait for it, and let others go on. Errors: TimeoutError."""
    async with asyncio.timeout(SECONDS):
        while not come_to_pass():
            await asyncio.sleep(0.02)


def head(method: str, path: str, *headers: str) -> bytes:
    """A request's head."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def refused(wire: Wire, slug: str, status: int) -> Reply:
    """The reply, which must be this problem, and the last of its connection."""
    reply = await wire.reply()
    assert (reply.status, reply.json()["type"]) == (status, f"/problems/{slug}"), reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["connection"] == "close"
    assert reply.headers["x-request-id"] == reply.json()["request_id"]
    assert await wire.rest() == b""
    return reply
