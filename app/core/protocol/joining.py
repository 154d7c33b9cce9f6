"""Replies that leave in one piece, and an end that lets them arrive."""

import asyncio
from typing import Any

_MOST_HELD = 1 << 16


class JoiningTransport:
    """A transport that sends as one what is written in one turn of the event loop.

    uvicorn writes head and body of a reply apart, and a call of the kernel for each costs about
    as much as checking a response does.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = bytearray()
        self.is_closing = transport.is_closing
        self.awaits_more = False
        """Whether the client is still sending, so that `close` becomes `linger`."""
        self.lingers = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, part: bytes) -> None:
        """Send this with what else is written in this turn."""
        if not self._held:
            self._loop.call_soon(self._send)
        self._held += part
        # What streams without a pause must meet the transport's own flow control.
        if len(self._held) > _MOST_HELD:
            self._send()

    def close(self) -> None:
        """Send what was written, and end the connection."""
        if self.awaits_more and not self.lingers:
            self.linger()
            return
        self._send()
        self._transport.close()

    def linger(self) -> None:
        """Send what was written, and an end; but read on.

        To close while the client is sending would make the kernel reset the connection, and the
        reply be lost on its way.
        """
        self._send()
        if self.is_closing():
            return
        self.lingers = True
        self.is_closing = self._is_ending
        self._transport.write_eof()
        if not self._transport.is_reading():
            self._transport.resume_reading()

    def _is_ending(self) -> bool:
        return True

    def _send(self) -> None:
        held, self._held = self._held, bytearray()
        if held and not self.is_closing():
            self._transport.write(held)
