"""Idempotency keys: the first reply again, once, for whoever sent the first request."""

import asyncio
import hashlib
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import queries
from app.access.principal import Principal
from app.access.service import REPLIES_KEPT, IdempotentRequest
from app.clients import service as clients
from app.core.database import Database
from app.core.keyring import Keyring
from app.core.problems import (
    IdempotencyKeyInFlight,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    InvalidInput,
)

KEYRING = Keyring((b"k" * 32,))
REPLY = {"accepted": 3, "名": ["a", None, 1.5]}
BODY = (b"POST /v1/campaigns/C/interviews", b'{"interviews": []}')


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@pytest.fixture
async def callers(database: Database) -> list[Principal]:
    """Two clients."""
    async with database.sessions.begin() as session:
        made = [
            await clients.create(session, name="x", scopes=["admin"], unit=None) for _ in range(2)
        ]
        stored = [await queries.client_in_force(session, one.client_id) for one in made]
    return [
        Principal(id=one.id, client_id=one.client_id, scopes=frozenset({"admin"}), unit_id=None)
        for one in stored
        if one is not None
    ]


def _request(
    session: AsyncSession, caller: Principal, key: str | None = "key-1", keyring: Keyring = KEYRING
) -> IdempotentRequest:
    return IdempotentRequest(session, caller, keyring, key)


async def _carried_out(database: Database, caller: Principal, *parts: bytes) -> None:
    async with database.sessions.begin() as session:
        request = _request(session, caller)
        assert await request.former_reply(*(parts or BODY)) is None
        await request.keep(REPLY)


async def _former(database: Database, caller: Principal, *parts: bytes) -> Any:
    async with database.sessions.begin() as session:
        return await _request(session, caller).former_reply(*(parts or BODY))


async def test_the_same_request_gets_the_first_reply(
    database: Database, callers: list[Principal]
) -> None:
    await _carried_out(database, callers[0])
    for _ in range(3):
        assert await _former(database, callers[0]) == REPLY


async def test_another_request_under_the_same_key_is_refused(
    database: Database, callers: list[Principal]
) -> None:
    await _carried_out(database, callers[0])
    address, body = BODY
    for parts in (
        (address, b'{"interviews": [] }'),
        (b"POST /v1/campaigns/D/interviews", body),
        (address + body,),
        (address + body[:1], body[1:]),
        (address, body, b""),
        (body, address),
    ):
        with pytest.raises(IdempotencyKeyReused):
            await _former(database, callers[0], *parts)


async def test_the_keys_of_two_clients_are_apart(
    database: Database, callers: list[Principal]
) -> None:
    await _carried_out(database, callers[0])
    assert await _former(database, callers[1]) is None
    assert await _former(database, callers[1], b"another") is None


async def test_a_key_in_flight_is_refused_until_its_transaction_ends(
    database: Database, callers: list[Principal]
) -> None:
    async with database.sessions.begin() as session:
        request = _request(session, callers[0])
        assert await request.former_reply(*BODY) is None
        with pytest.raises(IdempotencyKeyInFlight) as refused:
            await _former(database, callers[0])
        assert int(refused.value.headers["Retry-After"]) > 0
        assert await _former(database, callers[1]) is None
        await request.keep(REPLY)
    assert await _former(database, callers[0]) == REPLY


async def test_of_many_at_once_one_is_carried_out(
    database: Database, callers: list[Principal]
) -> None:
    done = 0

    async def once() -> str:
        nonlocal done
        async with database.sessions.begin() as session:
            request = _request(session, callers[0])
            try:
                former = await request.former_reply(*BODY)
            except IdempotencyKeyInFlight:
                return "in flight"
            if former is None:
                done += 1
                await request.keep(REPLY)
                return "done"
            return "again"

    outcomes = await asyncio.gather(*(once() for _ in range(30)))
    assert done == 1
    assert outcomes.count("done") == 1
    assert await _former(database, callers[0]) == REPLY


async def test_a_request_that_failed_can_be_sent_again(
    database: Database, callers: list[Principal]
) -> None:
    async with database.sessions() as session:
        request = _request(session, callers[0])
        assert await request.former_reply(*BODY) is None
        await request.keep(REPLY)
        await session.rollback()
    await _carried_out(database, callers[0])


@pytest.mark.parametrize("key", [None, ""])
async def test_a_missing_key_is_said_to_be_missing(
    database: Database, callers: list[Principal], key: str | None
) -> None:
    async with database.sessions() as session:
        with pytest.raises(IdempotencyKeyMissing):
            _request(session, callers[0], key)


async def test_a_key_that_cannot_be_kept_is_refused(
    database: Database, callers: list[Principal]
) -> None:
    async with database.sessions() as session:
        for key in ("x" * 256, "钥匙", "a" + chr(0), "a\nb", chr(0x7F), chr(0xD800)):
            with pytest.raises(InvalidInput):
                _request(session, callers[0], key)
        assert await _request(session, callers[0], "x" * 255).former_reply(*BODY) is None
        assert await _request(session, callers[0], "a key, 'quoted' %").former_reply(*BODY) is None


async def test_a_reply_is_forgotten_after_a_day(
    database: Database, callers: list[Principal]
) -> None:
    await _carried_out(database, callers[0])
    await _age(database, hours=23, minutes=59)
    assert await _former(database, callers[0]) == REPLY
    await _age(database, minutes=1)
    await _carried_out(database, callers[0], b"something else")
    assert await _former(database, callers[0], b"something else") == REPLY


async def test_what_is_forgotten_is_deleted(database: Database, callers: list[Principal]) -> None:
    await _carried_out(database, callers[0])
    for expected in (1, 0):
        async with database.sessions.begin() as session:
            await queries.delete_idempotency_keys(session, kept=REPLIES_KEPT)
            statement = text("SELECT count(*) FROM idempotency_keys")
            assert await session.scalar(statement) == expected
        await _age(database, hours=24)


async def _age(database: Database, **time: int) -> None:
    async with database.sessions.begin() as session:
        interval = " ".join(f"{count} {unit}" for unit, count in time.items())
        await session.execute(
            text(f"UPDATE idempotency_keys SET created_at = created_at - interval '{interval}'")
        )


async def test_the_body_is_not_kept_nor_a_hash_that_could_be_guessed(
    database: Database, callers: list[Principal]
) -> None:
    body = b'{"phone": "+8613800000000"}'
    await _carried_out(database, callers[0], body)
    async with database.sessions() as session:
        row = await session.scalar(text("SELECT k::text FROM idempotency_keys k"))
        mac = await session.scalar(text("SELECT request_mac FROM idempotency_keys"))
    assert row is not None
    assert "13800000000" not in row
    plain = len(body).to_bytes(8, "big") + body
    assert mac not in (hashlib.sha256(body).digest(), hashlib.sha256(plain).digest())


async def test_a_new_secret_key_in_front_does_not_forget_what_was_replied(
    database: Database, callers: list[Principal]
) -> None:
    await _carried_out(database, callers[0])
    rotated = Keyring((b"n" * 32, b"k" * 32))
    async with database.sessions.begin() as session:
        request = _request(session, callers[0], keyring=rotated)
        assert await request.former_reply(*BODY) == REPLY


async def test_a_reply_cannot_be_kept_unasked(database: Database, callers: list[Principal]) -> None:
    async with database.sessions() as session:
        with pytest.raises(AssertionError, match="former reply"):
            await _request(session, callers[0]).keep(REPLY)
