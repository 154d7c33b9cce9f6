"""HTTP by hand: cheap enough to send thousands of requests, and to break off anywhere in one."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    """By their names in lower case."""
    body: bytes

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


LOST = (OSError, asyncio.IncompleteReadError, TimeoutError)
"""What is raised where a reply does not come: whether the request arrived is not known."""


class Wire:
    """One connection to a server on this machine, kept from request to request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, base: str) -> Self:
        """Connect. Errors: OSError."""
        at = urlsplit(base)
        return cls(*await asyncio.open_connection(at.hostname, at.port))

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """A request and its reply. Errors: `LOST`."""
        self.send(request(method, path, body, headers))
        return await self.reply()

    def send(self, part: bytes) -> None:
        """Send bytes, whatever they are."""
        self._writer.write(part)

    async def reply(self) -> Reply:
        """The next reply. Errors: `LOST`."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.rstrip().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Reply(int(status.split()[1]), headers, body)

    async def rest(self) -> bytes:
        """All that comes until the other side hangs up. Errors: `LOST`."""
        return await self._reader.read()

    def pause(self) -> None:
        """Take nothing more of what comes."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def finish(self) -> None:
        """Say that nothing more will be sent."""
        self._writer.write_eof()

    async def drained(self) -> None:
        """Wait until what was sent is on its way."""
        await self._writer.drain()

    def close(self) -> None:
        """Hang up, as a browser does."""
        self._writer.close()

    def reset(self) -> None:
        """Hang up, as a telephone does that leaves the network."""
        own: socket.socket = self._writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


def request(
    method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """The bytes of a request."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def asked(
    base: str,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    seconds: float = 5,
) -> Reply:
    """A request over a connection of its own, and its reply. Errors: `LOST`."""
    async with asyncio.timeout(seconds):
        wire = await Wire.open(base)
        try:
            return await wire.ask(method, path, body, {"Connection": "close", **(headers or {})})
        finally:
            wire.close()
