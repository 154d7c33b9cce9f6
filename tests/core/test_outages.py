"""The database away: a 503 that says when to come again, and recovery without a restart."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.core.database import Database, Session
from tests.core.test_http import problem
from tests.factories import Api, invitations, open_campaign, submission, tree


def busy(reply: object) -> None:
    problem(reply, 503, "busy")  # type: ignore[arg-type]
    assert int(reply.headers["Retry-After"]) > 0  # type: ignore[attr-defined]


async def _terminate_all(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(
            await connection.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    finally:
        await connection.close()


@pytest.fixture
async def slow(app: FastAPI, database_url: str) -> FastAPI:
    """The app with routes in which the database fails at chosen moments."""

    @app.get("/sleeping")
    async def sleeping(session: Session) -> None:
        await session.execute(text("SELECT pg_sleep(30)"))

    @app.get("/over-time")
    async def over_time(session: Session) -> None:
        await session.execute(text("SET LOCAL statement_timeout = '50ms'"))
        await session.execute(text("SELECT pg_sleep(30)"))

    @app.get("/locked")
    async def locked(session: Session) -> None:
        await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        await session.execute(text("LOCK TABLE units"))

    @app.get("/idle")
    async def idle(session: Session) -> None:
        await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        await asyncio.sleep(0.2)
        await session.execute(text("SELECT 1"))

    @app.put("/units-then-killed")
    async def units_then_killed(session: Session) -> str:
        await session.execute(
            text("INSERT INTO units (code, name, kind) VALUES ('K', 'K', 'city')")
        )
        await _terminate_all(database_url)
        return "stored"

    return app


async def test_connections_that_died_while_idle_are_replaced_unnoticed(
    admin: Api, database_url: str
) -> None:
    assert (await admin.get("/v1/units")).status_code == 200
    for _ in range(3):
        assert await _terminate_all(database_url) >= 1
        assert (await admin.get("/v1/units")).status_code == 200


async def test_a_batch_whose_connection_died_while_idle_is_stored_by_another(
    admin: Api, database_url: str
) -> None:
    await tree(admin)
    await open_campaign(admin)
    tokens = await invitations(admin, 12)
    for group in (tokens[:4], tokens[4:8], tokens[8:]):
        replies = await asyncio.gather(
            *(admin.post(f"/v1/invitations/{one}/responses", submission()) for one in group)
        )
        assert [reply.status_code for reply in replies] == [201] * 4
        await _terminate_all(database_url)
        await asyncio.sleep(0.1)
    assert await admin.app.state.database.pool.fetchval("SELECT sum(sign) FROM responses") == 12


async def test_a_connection_that_dies_in_the_middle_is_a_503(
    slow: FastAPI, api: Api, database_url: str
) -> None:
    request = asyncio.create_task(api.get("/sleeping"))
    await _until_sleeping(database_url)
    await _terminate_all(database_url)
    busy(await request)
    assert (await api.get("/readyz")).status_code == 200


async def _until_sleeping(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
            "AND datname = current_database()"
        ):
            await asyncio.sleep(0.02)
    finally:
        await connection.close()


async def test_nothing_is_acknowledged_when_the_commit_fails(slow: FastAPI, admin: Api) -> None:
    busy(await admin.put("/units-then-killed"))
    problem(await admin.get("/v1/units/K"), 404, "not-found")


@pytest.mark.parametrize("url", ["/over-time", "/idle"])
async def test_a_statement_or_transaction_over_its_time_is_a_503(
    slow: FastAPI, api: Api, url: str
) -> None:
    busy(await api.get(url))
    assert (await api.get("/readyz")).status_code == 200


async def test_a_lock_that_is_held_too_long_is_a_503(slow: FastAPI, api: Api) -> None:
    database: Database = slow.state.database
    async with database.sessions.begin() as session:
        await session.execute(text("LOCK TABLE units IN ACCESS SHARE MODE"))
        busy(await api.get("/locked"))
    assert (await api.get("/locked")).status_code == 200


@asynccontextmanager
async def _elsewhere(app: FastAPI, url: str, pool_size: int = 8) -> AsyncIterator[Database]:
    """The app with its database at another address."""
    usual = app.state.database
    app.state.database = Database(url, pool_size=pool_size)
    try:
        yield app.state.database
    finally:
        await app.state.database.close()
        app.state.database = usual


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres@127.0.0.1:1/postgres",
        "postgresql://postgres@/postgres?host=/no/such/folder",
        "postgresql://postgres@no-such-host.invalid/postgres",
    ],
)
async def test_a_server_that_is_not_there_is_a_503(app: FastAPI, api: Api, url: str) -> None:
    async with _elsewhere(app, url):
        busy(await api.get("/readyz"))
        busy(await api.http.post("/oauth/token", data={"grant_type": "client_credentials"}))
        assert (await api.get("/healthz")).status_code == 200
    assert (await api.get("/readyz")).status_code == 200


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)
    writer.close()


async def _talk_nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("handler", [_hang_up, _say_nothing, _talk_nonsense])
async def test_a_server_that_does_not_answer_is_a_503(
    app: FastAPI, api: Api, handler: Handler
) -> None:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
        async with _elsewhere(app, url):
            busy(await api.get("/readyz"))
    finally:
        server.close()


async def test_wrong_credentials_and_databases_are_a_503(
    app: FastAPI, api: Api, database_url: str
) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    async with _elsewhere(app, database_url.replace(name, "no_such_database")):
        busy(await api.get("/readyz"))


async def test_when_all_connections_are_lent_a_request_waits_no_longer_than_seconds(
    app: FastAPI, api: Api, database_url: str
) -> None:
    async with _elsewhere(app, database_url, pool_size=1) as database:
        async with database.sessions.begin() as session:
            await session.execute(text("SELECT 1"))
            began = asyncio.get_running_loop().time()
            busy(await api.get("/readyz"))
            assert asyncio.get_running_loop().time() - began < 8
        assert (await api.get("/readyz")).status_code == 200


async def test_a_database_at_another_version_is_not_ready(app: FastAPI, api: Api) -> None:
    database: Database = app.state.database
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    reply = await api.get("/readyz")
    busy(reply)
    assert "xinsheng migrate" in reply.json()["detail"]
