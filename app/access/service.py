"""Rules of access: tokens for credentials, idempotency keys."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import queries, tokens
from app.access.principal import Principal, may_call_from
from app.access.problems import InvalidClient, InvalidScope, NetworkNotAllowed, Unauthenticated
from app.access.scopes import implied
from app.access.tables import Client
from app.core.keyring import Keyring
from app.core.problems import (
    FieldError,
    IdempotencyKeyInFlight,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    InvalidInput,
)
from app.core.schemas import storable

REPLIES_KEPT = timedelta(hours=24)
_MAX_KEY_LENGTH = 255


def secret_hash(secret: str) -> bytes:
    """The stored form of a client secret.

    Plain SHA-256 is enough: secrets are 32 random bytes of our own making, which no dictionary
    holds; a slow hash would only make token requests a way to burn our processors.
    """
    return hashlib.sha256(secret.encode()).digest()


async def exchange(
    session: AsyncSession,
    keyring: Keyring,
    *,
    client_id: str,
    secret: str,
    scope: str | None,
    address: str,
) -> tuple[str, frozenset[str]]:
    """A token for a client's credentials, and its scopes.

    Errors: InvalidClient, NetworkNotAllowed, InvalidScope.
    """
    client, secret_id = await authenticated(session, client_id, secret)
    if not may_call_from(client, address):
        raise NetworkNotAllowed()
    held = frozenset(client.scopes)
    wanted = frozenset(scope.split()) if scope and scope.strip() else held
    if not wanted <= implied(held):
        raise InvalidScope()
    await queries.note_use(session, secret_id)
    token = tokens.issue(keyring, client_id=client.client_id, secret_id=secret_id, scopes=wanted)
    return token, wanted


async def authenticated(session: AsyncSession, client_id: str, secret: str) -> tuple[Client, int]:
    """The client that these credentials are of, and the id of its secret. Errors: InvalidClient."""
    client = await queries.client_in_force(session, client_id) if storable(client_id) else None
    given = secret_hash(secret)
    for one in await queries.secrets_in_force(session, client.id) if client else ():
        if client is not None and hmac.compare_digest(one.secret_hash, given):
            return client, one.id
    raise InvalidClient()


async def revoke_token(
    session: AsyncSession, keyring: Keyring, *, client_id: str, secret: str, token: str
) -> None:
    """Revoke one of the client's own tokens; what is no such token is none to revoke (RFC 7009).

    Errors: InvalidClient.
    """
    client, _ = await authenticated(session, client_id, secret)
    try:
        claims = tokens.verify(keyring, token)
    except Unauthenticated:
        return
    if claims.client_id == client.client_id:
        await queries.revoke_token(session, claims.token_id, claims.expires_at)


class IdempotentRequest:
    """A request under an Idempotency-Key: first its former reply, if any, then the new one."""

    def __init__(
        self, session: AsyncSession, caller: Principal, keyring: Keyring, key: str | None
    ) -> None:
        self._session = session
        self._caller = caller
        self._mac_key = keyring.all("replay")[-1].key
        self._key = _checked(key)
        self._mac: bytes | None = None

    async def former_reply(self, *parts: bytes) -> dict[str, Any] | None:
        """What was replied to this request before.

        `parts` are what makes it the same: its address and body. Errors: in flight 409, the key
        used with another request 422.
        """
        mac = self._mac = _mac(self._mac_key, parts)
        if not await queries.lock_idempotency_key(self._session, self._caller.id, self._key):
            raise IdempotencyKeyInFlight(headers={"Retry-After": "2"})
        former = await queries.idempotency_key(
            self._session, self._caller.id, self._key, kept=REPLIES_KEPT
        )
        if former is None:
            return None
        if not hmac.compare_digest(former.request_mac, mac):
            raise IdempotencyKeyReused()
        return former.reply

    async def keep(self, reply: dict[str, Any]) -> None:
        """Keep the reply, in the transaction that carries the request out.

        Only after `former_reply` has said that there is none.
        """
        assert self._mac is not None, "ask for the former reply first"
        await queries.insert_idempotency_key(
            self._session, self._caller.id, self._key, self._mac, reply
        )


def _checked(key: str | None) -> str:
    if not key:
        raise IdempotencyKeyMissing()
    if len(key) > _MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        message = f"The key is at most {_MAX_KEY_LENGTH} printable ASCII characters."
        raise InvalidInput(errors=[FieldError("header Idempotency-Key", "bad_key", message)])
    return key


def _mac(key: bytes, parts: Sequence[bytes]) -> bytes:
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        mac.update(len(part).to_bytes(8, "big"))
        mac.update(part)
    return mac.digest()


async def forget_replies(session: AsyncSession) -> None:
    """Drop the replies under Idempotency-Keys that are kept no longer."""
    await queries.delete_idempotency_keys(session, kept=REPLIES_KEPT)
