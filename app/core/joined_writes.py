"""HTTP as uvicorn speaks it, but each reply leaves in one piece."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST_HELD = 1 << 16


class JoiningProtocol(HttpToolsProtocol):
    """uvicorn's protocol over a transport that joins what is written together."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a new connection."""
        super().connection_made(_Joining(transport, self.loop))  # type: ignore[arg-type]


class _Joining:
    """A transport that sends as one what is written in one turn of the event loop.

    uvicorn writes head and body of a reply apart, and a call of the kernel for each costs about
    as much as checking a response does.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = bytearray()
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, part: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._send)
        self._held += part
        # What streams without a pause must meet the transport's own flow control.
        if len(self._held) > _MOST_HELD:
            self._send()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        held, self._held = self._held, bytearray()
        if held and not self.is_closing():
            self._transport.write(held)
