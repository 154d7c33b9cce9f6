"""The load generator of the benchmarks: raw HTTP/1.1 over kept connections, on loopback only.

Requests are made before the clock starts and sent one after the other on each connection, so
that the generator costs little of the machine that it shares with the server.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop


@dataclass(frozen=True)
class Measured:
    """One run: how many of each status, in how many seconds, and the latencies in milliseconds."""

    statuses: dict[int, int]
    seconds: float
    latencies: list[float]

    def per_second(self, *statuses: int) -> float:
        """Replies of these statuses per second."""
        return sum(self.statuses.get(status, 0) for status in statuses) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that this share of requests stayed under, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Sequence[bytes], done: "asyncio.Future[None]") -> None:
        self._requests = iter(requests)
        self._done = done
        self._received = b""
        self._sent_at = 0.0
        self.statuses: Counter[bytes] = Counter()
        self.latencies: list[float] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        # As uvicorn writes it: names in lower case, always with a length.
        received = self._received = self._received + data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        at = received.index(b"content-length: ") + 16
        if len(received) < end + 4 + int(received[at : received.index(b"\r", at)]):
            return
        self.statuses[received[9:12]] += 1
        self.latencies.append(time.perf_counter() - self._sent_at)
        self._received = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)


def post(path: str, body: bytes, *, cookie: str | None = None) -> bytes:
    """The bytes of a POST with a JSON body."""
    kept = b"Cookie: %b\r\n" % cookie.encode() if cookie else b""
    return (
        b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"%bContent-Length: %d\r\n\r\n%b" % (path.encode(), kept, len(body), body)
    )


def run(port: int, requests: Sequence[bytes], connections: int) -> Measured:
    """Send all requests over so many connections at once to 127.0.0.1."""
    return uvloop.run(_run(port, requests, connections))


async def _run(port: int, requests: Sequence[bytes], connections: int) -> Measured:
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    opened = []
    ends = []
    for number in range(connections):
        end = loop.create_future()
        _, protocol = await loop.create_connection(
            lambda number=number, end=end: _Connection(requests[number::connections], end),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        opened.append(protocol)
        ends.append(end)
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - started
    statuses: Counter[int] = Counter()
    for protocol in opened:
        statuses.update({int(status): count for status, count in protocol.statuses.items()})
    latencies = [one * 1000 for protocol in opened for one in protocol.latencies]
    return Measured(statuses, seconds, latencies)
