"""Taking turns at what costs much, so that one dashboard cannot keep others waiting.

Whoever waits for a turn holds no connection to the database meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Request

from app.access import tokens
from app.access.problems import Unauthenticated
from app.core.problems import Busy

AT_ONCE = 6
"""In one process: of its eight connections two are left to what costs little."""
OF_ONE_CLIENT = 3
PATIENCE_SECONDS = 15.0


class Turns:
    """One process's turns, by client."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._clients: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def taken(self, client_id: str) -> AsyncIterator[None]:
        """A turn of this client's. Errors: Busy for whoever has waited for long."""
        own = self._clients.setdefault(client_id, asyncio.Semaphore(OF_ONE_CLIENT))
        held: list[asyncio.Semaphore] = []
        try:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    for one in (own, self._all):
                        await one.acquire()
                        held.append(one)
            except TimeoutError:
                raise Busy("Too many large reads are under way; ask for them one by one.") from None
            yield
        finally:
            for one in held:
                one.release()
            if own._value == OF_ONE_CLIENT:
                self._clients.pop(client_id, None)


async def _in_turn(request: Request) -> AsyncIterator[None]:
    turns: Turns = request.app.state.turns
    _, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        client_id = tokens.verify(request.app.state.keyring, token.strip()).client_id
    except Unauthenticated:
        yield  # it is refused in a moment
        return
    async with turns.taken(client_id):
        yield


InTurn = Annotated[None, Depends(_in_turn, scope="function")]
"""A dependency that comes before the session, which takes a connection."""
