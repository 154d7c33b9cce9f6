"""The access token and the ticket: one of each for all processes, renewed by one of them.

A new token makes the one before useless soon, so nobody may get one on their own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import monotonic

from app.core.database import Pool, lent
from app.core.keyring import Keyring
from app.core.settings import WeChatAccount
from app.identity.sealing import seal, unsealed
from app.identity.wechat import queries
from app.identity.wechat.client import Client, Pass
from app.identity.wechat.failures import Failure, Refused

_LEASE = timedelta(seconds=10)
"""Longer than renewing takes; whoever failed is not followed by others sooner."""
_DUE = 0.95
"""Of its life, after which a token or ticket is renewed."""
_REMEMBERED_SECONDS = 30.0
_FAILED_SECONDS = 5.0
"""After a failure nobody is asked for so long, and nobody kept waiting."""
_POLL_SECONDS = 0.1
_PATIENCE = 1.2
"""Times the client's budget that others wait for the one who renews."""


class Passes:
    """An account's token and ticket."""

    def __init__(
        self, account: WeChatAccount, client: Client, keyring: Keyring, pool: Pool
    ) -> None:
        self._account = account
        self._client = client
        self._keyring = keyring
        self._pool = pool
        self._turn = asyncio.Lock()
        self._remembered: str | Refused | None = None
        self._until = 0.0

    async def ticket(self) -> str:
        """The ticket that signs pages for WeChat's script. Errors: Refused."""
        # One of a process's requests looks, and the others wait for it without a connection.
        async with self._turn:
            if self._remembered is None or monotonic() >= self._until:
                try:
                    self._remembered = await self._current("ticket", self._new_ticket)
                    self._until = monotonic() + _REMEMBERED_SECONDS
                except Refused as refused:
                    self._remembered = Refused(refused.failure)
                    self._until = monotonic() + _FAILED_SECONDS
        if isinstance(self._remembered, Refused):
            raise Refused(self._remembered.failure)
        return self._remembered

    async def access_token(self, *, refused: str | None = None) -> str:
        """The access token; never the one that WeChat has refused. Errors: Refused."""
        return await self._current("token", self._client.access_token, refused)

    async def _new_ticket(self) -> Pass:
        token = await self.access_token()
        try:
            return await self._client.ticket(token)
        except Refused as refused:
            if refused.failure is not Failure.token:
                raise
        return await self._client.ticket(await self.access_token(refused=token))

    async def _current(
        self, kind: str, renew: Callable[[], Awaitable[Pass]], refused: str | None = None
    ) -> str:
        name = f"{self._account.app_id}/{kind}"
        until = monotonic() + self._client.budget * _PATIENCE
        while True:
            async with lent(self._pool) as connection:
                kept = await queries.kept_pass(connection, name)
            value = self._value(name, kept.sealed)
            usable = value if value != refused else None
            if usable is not None and not kept.due:
                return usable
            async with lent(self._pool) as connection:
                leased = await queries.lease(connection, name, _LEASE, kept.renewed_at)
            if leased:
                return await self._renewed(name, renew, usable)
            if usable is not None:
                return usable
            if monotonic() > until:
                raise Refused(Failure.busy)
            await asyncio.sleep(_POLL_SECONDS)

    async def _renewed(
        self, name: str, renew: Callable[[], Awaitable[Pass]], usable: str | None
    ) -> str:
        try:
            new = await renew()
        except Refused:
            if usable is None:
                raise
            return usable
        sealed = seal(self._keyring, "wechat-stored", new.value.encode(), name.encode())
        async with lent(self._pool) as connection:
            await queries.keep_pass(connection, name, sealed, new.lasts * _DUE, new.lasts)
        return new.value

    def _value(self, name: str, sealed: bytes | None) -> str | None:
        if sealed is None:
            return None
        content = unsealed(self._keyring, "wechat-stored", sealed, name.encode())
        return None if content is None else content.decode()
