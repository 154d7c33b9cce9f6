"""Parents who answer while others do all they can to keep the server from it."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.attacks.shielded import head
from tests.chaos.crowds import many_files
from tests.chaos.parents import Parents
from tests.chaos.served import Served
from tests.chaos.wire import LOST, Wire
from tests.factories import invitations

_CONNECTING_AT_ONCE = 100
_SECONDS = 120
_ENOUGH = 100_000_000
_PARENTS_A_SECOND = 800
_NEARLY_ALL = 0.98


Act = Callable[[Wire], Awaitable[None]]


@dataclass(frozen=True)
class Host:
    """How many attack in which way, all the time."""

    idle: int
    """Connections that say nothing."""
    slow: int
    """Heads, and as many bodies, that trickle in byte by byte."""
    endless: int
    """Bodies without an end, and as many of a size that nobody takes."""
    deaf: int
    """Who asks for replies and reads none."""

    @property
    def connections(self) -> int:
        """How many all of them have."""
        return self.idle + 2 * self.slow + 2 * self.endless + self.deaf


@dataclass
class Answering:
    """How it went for parents for some time."""

    asked: int
    answered: int
    attempts: int
    seconds: list[float]
    """From the first attempt to the receipt."""

    @property
    def share(self) -> float:
        """Of those who asked, how many have their receipt."""
        return self.answered / self.asked

    @property
    def at_first(self) -> float:
        """Of all attempts, how many had a receipt for a reply."""
        return self.answered / self.attempts

    def milliseconds(self, share: float) -> float:
        """What this share of them waited at most."""
        return sorted(self.seconds)[int(len(self.seconds) * share)] * 1000


@dataclass
class Siege:
    """What was measured."""

    quiet: Answering
    besieged: Answering
    bytes_per_idle_connection: float
    attacks: int
    """Connections that attackers have made."""
    told: "Counter[str]" = field(default_factory=Counter)
    """What they heard."""

    def summary(self) -> str:
        """A line for people."""
        one = self.besieged
        return (
            f"Under siege {one.answered:,} of {one.asked:,} parents had their receipt, "
            f"{one.at_first:.1%} of all attempts led to one; p50 {one.milliseconds(0.5):.0f} ms, "
            f"p99 {one.milliseconds(0.99):.0f} ms; quiet {self.quiet.milliseconds(0.5):.0f} and "
            f"{self.quiet.milliseconds(0.99):.0f} ms. Attackers connected {self.attacks:,} times "
            f"and heard {dict(self.told)}. An idle connection took "
            f"{self.bytes_per_idle_connection:,.0f} bytes."
        )


class _Attackers:
    def __init__(self, served: Served) -> None:
        self.base = served.base
        self.link = served.link
        self.told: Counter[str] = Counter()
        self.attacks = 0
        self.connected = 0
        self._connecting = asyncio.Semaphore(_CONNECTING_AT_ONCE)
        self._chance = random.Random(20261122)

    @asynccontextmanager
    async def attacking(self, *acts: tuple[int, Act]) -> AsyncIterator[None]:
        """Let so many do each of these, again and again, until the context ends."""
        over = asyncio.Event()
        former = self.connected
        async with asyncio.TaskGroup() as attackers:
            count = sum(many for many, _ in acts)
            for many, act in acts:
                for _ in range(many):
                    attackers.create_task(self._again(act, over))
            try:
                async with asyncio.timeout(_SECONDS):
                    while self.connected - former < count * _NEARLY_ALL:
                        await asyncio.sleep(0.1)
                yield
            finally:
                over.set()

    async def _again(self, act: Act, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                async with self._connecting:
                    wire = await Wire.open(self.base)
            except OSError:
                self.told["no connection"] += 1
                await asyncio.sleep(1)
                continue
            self.attacks += 1
            self.connected += 1
            acting = [asyncio.ensure_future(one) for one in (act(wire), self._hear(wire))]
            ends = asyncio.ensure_future(over.wait())
            await asyncio.wait([acting[1], ends], return_when=asyncio.FIRST_COMPLETED)
            for one in (*acting, ends):
                one.cancel()
            await asyncio.gather(*acting, ends, return_exceptions=True)
            self.connected -= 1
            wire.close()
            await asyncio.sleep(self._chance.random())

    async def _hear(self, wire: Wire) -> None:
        try:
            heard = (await wire.rest())[:12].decode()
            self.told[heard.removeprefix("HTTP/1.1 ") or "hung up"] += 1
        except LOST:
            self.told["reset"] += 1

    async def say_nothing(self, wire: Wire) -> None:
        """Connect, and that is all."""

    async def trickle_a_head(self, wire: Wire) -> None:
        """A head, a byte at a time."""
        await self._trickle(wire, head("GET", "/healthz", *["X-Nothing: nothing"] * 50))

    async def trickle_a_body(self, wire: Wire) -> None:
        """A body, a byte at a time."""
        wire.send(head("POST", self._path, "Content-Length: 10000"))
        await self._trickle(wire, b"{" + b" " * 9999)

    async def _trickle(self, wire: Wire, whole: bytes) -> None:
        for start in range(len(whole)):
            wire.send(whole[start : start + 1])
            await asyncio.sleep(1)

    async def never_end(self, wire: Wire) -> None:
        """A body in chunks, one after the other."""
        wire.send(head("POST", self._path, "Transfer-Encoding: chunked"))
        while True:
            wire.send(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
            await wire.drained()
            await asyncio.sleep(0.1)

    async def declare_too_much(self, wire: Wire) -> None:
        """A body of a size that no address takes."""
        wire.send(head("POST", self._path, f"Content-Length: {_ENOUGH}"))
        while True:
            wire.send(b" " * 0x4000)
            await wire.drained()
            await asyncio.sleep(0.1)

    async def read_nothing(self, wire: Wire) -> None:
        """Ask for much, and leave it."""
        wire.pause()
        wire.send(head("GET", "/openapi.json") * 90)
        await asyncio.sleep(_SECONDS)

    @property
    def _path(self) -> str:
        return f"/v1/links/{self.link}/responses"


async def siege(served: Served, host: Host, seconds: float) -> Siege:
    """Let parents answer for some seconds undisturbed, then as long under siege."""
    quiet = await _answering(served, seconds)
    attackers = _Attackers(served)
    with many_files():
        before = served.memory
        async with attackers.attacking((host.idle, attackers.say_nothing)):
            each = (served.memory - before) / host.idle
            async with attackers.attacking(
                (host.slow, attackers.trickle_a_head),
                (host.slow, attackers.trickle_a_body),
                (host.endless, attackers.never_end),
                (host.endless, attackers.declare_too_much),
                (host.deaf, attackers.read_nothing),
            ):
                besieged = await _answering(served, seconds)
    return Siege(quiet, besieged, each, attackers.attacks, attackers.told)


async def _answering(served: Served, seconds: float) -> Answering:
    parents = Parents(served.base)
    parents.invite(await invitations(served.api, int(_PARENTS_A_SECOND * seconds)))
    async with parents.answering():
        await asyncio.sleep(seconds)
        parents.waiting.clear()
        deadline = time.monotonic() + _SECONDS
        while not parents.all_have_answered and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
    served.stored.update(parents.receipts)
    attempts = len(parents.receipts) + parents.refusals + parents.losses
    return Answering(len(parents.sent), len(parents.receipts), attempts, parents.seconds)
