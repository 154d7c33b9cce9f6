"""Who a code stands for: asked of WeChat once, however often the browser comes back with it.

WeChat itself may call a person's browser back twice, and people go back and reload; but a code is
good for one exchange. So the first to come exchanges it, and the others wait for what came of it.
"""

import asyncio
import hmac
from datetime import timedelta

import msgspec

from app.core.database import Pool, lent
from app.core.keyring import Keyring
from app.core.settings import WeChatAccount
from app.identity.sealing import seal, unsealed
from app.identity.wechat import queries
from app.identity.wechat.client import Client
from app.identity.wechat.failures import Failure, Refused

LASTS = timedelta(minutes=5)
"""How long an outcome is kept: as long as a code is good."""
_POLL_SECONDS = 0.1
_PATIENCE = 1.2
"""Times the client's budget that others wait for the first one's outcome."""


class _Outcome(msgspec.Struct, array_like=True):
    accounts: tuple[str, ...]
    failure: Failure | None


_decoder = msgspec.msgpack.Decoder(_Outcome)


class Exchanges:
    """Exchanges codes, each one once in all processes together."""

    def __init__(
        self, account: WeChatAccount, client: Client, keyring: Keyring, pool: Pool
    ) -> None:
        self._account = account
        self._client = client
        self._keyring = keyring
        self._pool = pool

    async def accounts(self, nonce: str, code: str) -> tuple[str, ...]:
        """The accounts of whoever came back with a code to the browser with this nonce.

        As `openid/{app id}/{openid}` and, where WeChat tells it, `unionid/{unionid}`.
        Errors: Refused.
        """
        secret = self._keyring.current("wechat-code").key
        key = hmac.digest(secret, f"{nonce} {code}".encode(), "sha256")[:16]
        async with lent(self._pool) as connection:
            first = await queries.begin_exchange(connection, key, LASTS)
        if first:
            outcome = await self._exchanged(code)
            sealed = seal(self._keyring, "wechat-stored", msgspec.msgpack.encode(outcome), key)
            async with lent(self._pool) as connection:
                await queries.end_exchange(connection, key, sealed)
        else:
            outcome = await self._awaited(key)
        if outcome.failure is not None:
            raise Refused(outcome.failure)
        return outcome.accounts

    async def _exchanged(self, code: str) -> _Outcome:
        try:
            person = await self._client.exchange(code)
        except Refused as refused:
            return _Outcome((), refused.failure)
        accounts = [f"openid/{self._account.app_id}/{person.openid}"]
        if person.unionid is not None:
            accounts.append(f"unionid/{person.unionid}")
        return _Outcome(tuple(accounts), None)

    async def _awaited(self, key: bytes) -> _Outcome:
        try:
            async with asyncio.timeout(self._client.budget * _PATIENCE):
                while True:
                    async with lent(self._pool) as connection:
                        found = await queries.exchange(connection, key)
                    if found.expired:
                        return _Outcome((), Failure.expired_code)
                    if found.outcome is not None:
                        return self._read(found.outcome, key)
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            return _Outcome((), Failure.unreachable)

    def _read(self, sealed: bytes, key: bytes) -> _Outcome:
        content = unsealed(self._keyring, "wechat-stored", sealed, key)
        return _Outcome((), Failure.expired_code) if content is None else _decoder.decode(content)
