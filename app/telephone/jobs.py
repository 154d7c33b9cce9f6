"""Jobs of the telephone: long deliveries, some thousand lines a transaction."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec

from app.access import audit
from app.core.database import Database, driver_connection
from app.core.keyring import Keyring
from app.core.problems import Busy, Problem
from app.jobs.running import Handler, Running
from app.responses.directory import Directory
from app.telephone import queries
from app.telephone.service import Waiting, numbers_told, parts_of, refusals_url
from app.telephone.spool import Lines, Spoilt, opened
from app.telephone.taking import Delivery, Part, look_ahead, take

_PART = 2000
_PART_BYTES = 4 << 20
_T = TypeVar("_T")


def interviews(keyring: Keyring, directory: Directory) -> Handler:
    """What takes long deliveries; `done` counts lines. Its result is what the items were told."""

    async def handle(database: Database, running: Running) -> dict[str, Any]:
        return await _LongDelivery(keyring, directory, database, running).taken()

    return handle


async def forget_left(database: Database) -> None:
    """What workers do from time to time: drop what waited for jobs that failed."""
    async with database.sessions.begin() as session:
        await queries.forget_left_chunks(session)


class _LongDelivery:
    def __init__(
        self, keyring: Keyring, directory: Directory, database: Database, running: Running
    ) -> None:
        self._keyring = keyring
        self._directory = directory
        self._database = database
        self._running = running
        self._sent = msgspec.convert(running.parameters, Waiting)
        self._delivery = Delivery(
            self._sent.delivery,
            self._sent.campaign,
            running.caller,
            self._sent.reading,
            keeps_results=False,
        )
        self._done = running.done
        """Lines of which it is committed what became of them."""

    async def taken(self) -> dict[str, Any]:
        """Take what is left of it; the job's result. Errors: NotOpenYet, Closed."""
        if await self._ended():
            return await self._result()
        try:
            async with aclosing(_ahead(self._looked())) as parts:
                async for count, part in parts:
                    await self._take(count, part)
        except Busy as error:
            raise RuntimeError("other deliveries were in the way: once more") from error
        except Problem:
            await self._end()
            raise
        await self._end()
        return await self._result()

    async def _take(self, lines: int, parts: Sequence[Part]) -> None:
        sent, running = self._sent, self._running
        assert running.campaign_id is not None
        async with self._database.sessions.begin() as session:
            await running.advance(session, done=self._done + lines)
            connection = await driver_connection(session)
            await queries.lock_deliveries(connection, running.campaign_id, running.caller.id)
            taken = await take(session, self._directory, self._delivery, lambda: parts)
            await queries.count_up(connection, sent.delivery, taken.true, taken.refused)
        self._done += lines

    async def _looked(self) -> AsyncGenerator[tuple[int, list[Part]], None]:
        """What is left: so many lines, and the items on them, looked at already."""
        reading, first = self._sent.reading, self._done
        async for lines in self._parts():
            parts: list[Part] = [
                await look_ahead(self._database, self._directory, self._delivery, part)
                for part in parts_of(reading, lines, first, most=_PART)
            ]
            first += len(lines)
            yield len(lines), parts

    async def _parts(self) -> AsyncIterator[list[bytes]]:
        """The lines that are left, as many at a time as one transaction takes."""
        skipped, size = self._done, 0
        part: list[bytes] = []
        async for line in self._lines():
            if skipped:
                skipped -= 1
                continue
            part.append(line)
            size += len(line)
            if len(part) == _PART or size > _PART_BYTES:
                yield part
                part, size = [], 0
        if part:
            yield part

    async def _lines(self) -> AsyncIterator[bytes]:
        lines = Lines()
        for number in range(self._sent.chunks):
            async with self._database.sessions.begin() as session:
                sealed = await queries.chunk(session, self._sent.delivery, number)
            if sealed is None:
                raise Spoilt("a chunk of a delivery that waits is missing")
            for line in lines.of(opened(self._keyring, self._sent.spool, number, sealed)):
                yield line
        for line in lines.last():
            yield line

    async def _ended(self) -> bool:
        async with self._database.sessions.begin() as session:
            delivery = await queries.delivery(session, self._sent.delivery, self._running.caller.id)
            return delivery is None or delivery.finished_at is not None

    async def _end(self) -> None:
        sent, running = self._sent, self._running
        async with self._database.sessions.begin() as session:
            await running.advance(session, done=self._done)
            await queries.finish(await driver_connection(session), sent.delivery)
            delivery = await queries.delivery(session, sent.delivery, running.caller.id)
            assert delivery is not None
            numbers = numbers_told(delivery)
            audit.record(session, running.caller, "interviews.deliver", sent.campaign, **numbers)

    async def _result(self) -> dict[str, Any]:
        sent = self._sent
        async with self._database.sessions.begin() as session:
            delivery = await queries.delivery(session, sent.delivery, self._running.caller.id)
        told = {} if delivery is None else numbers_told(delivery)
        where = refusals_url(sent.campaign, sent.delivery)
        return {"delivery": sent.delivery, **told, "refusals": where}


async def _ahead(source: AsyncIterator[_T]) -> AsyncGenerator[_T, None]:
    """The same, each one made while the database is busy with the one before."""
    following = asyncio.ensure_future(anext(source, None))
    try:
        while (one := await following) is not None:
            following = asyncio.ensure_future(anext(source, None))
            yield one
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
