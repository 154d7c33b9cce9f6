"""People who answer by invitation, and send until they have their receipt."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.chaos.wire import LOST, asked
from tests.factories import submission

CLIENTS = 24
_PAUSE = 0.03


class Parents:
    """Those who wait to answer, those who have, and the server that they send to."""

    def __init__(self, base: str = "") -> None:
        self.base = base
        self.waiting: list[tuple[str, dict[str, Any]]] = []
        self.sent: set[str] = set()
        """The ids of all submissions that have been on the wire."""
        self.receipts: dict[str, str] = {}
        """By the ids of those submissions that were acknowledged."""
        self.refusals = 0
        """How often one was told to come again."""
        self.losses = 0
        """How often a reply did not come."""
        self.seconds: list[float] = []
        """From the first attempt to the receipt, of everybody who has one."""
        self.given_up = False
        self._under_way = 0

    def invite(self, tokens: list[str]) -> None:
        """Let more people wait to answer."""
        self.waiting += [(token, submission()) for token in tokens]

    @property
    def all_have_answered(self) -> bool:
        """Whether nobody waits for a receipt."""
        return not self.waiting and not self._under_way

    @asynccontextmanager
    async def answering(self) -> AsyncIterator["asyncio.Task[None]"]:
        """Answer while the context lasts, `CLIENTS` at a time, whoever is invited meanwhile."""
        task = asyncio.create_task(self._answer())
        try:
            yield task
        finally:
            self.given_up = True
            await task

    async def _answer(self) -> None:
        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(self._one_by_one())

    async def _one_by_one(self) -> None:
        while not self.given_up:
            if not self.waiting:
                await asyncio.sleep(_PAUSE)
                continue
            token, body = self.waiting.pop()
            self._under_way += 1
            began = time.perf_counter()
            while not (done := await self._acknowledged(token, body)) and not self.given_up:
                await asyncio.sleep(_PAUSE)
            self._under_way -= 1
            if done:
                self.seconds.append(time.perf_counter() - began)
            await asyncio.sleep(_PAUSE)

    async def _acknowledged(self, token: str, body: dict[str, Any]) -> bool:
        self.sent.add(body["submission_id"])
        try:
            reply = await asked(self.base, "POST", f"/v1/invitations/{token}/responses", body)
        except LOST:
            self.losses += 1
            return False
        if reply.status in (200, 201):
            self.receipts[body["submission_id"]] = reply.json()["receipt"]
            return True
        assert reply.status == 503, reply.body
        assert int(reply.headers["retry-after"]) > 0
        self.refusals += 1
        return False
