"""That the fuzzer would notice: a service with planted mistakes, each of which it finds."""

import random

import asyncpg
import pytest
from fastapi import Response
from sqlalchemy import text
from starlette.responses import JSONResponse, RedirectResponse

from app.core.database import Session
from app.core.problems import NotFound, replies
from app.core.settings import Settings
from app.core.status import Status
from tests.factories import Api
from tests.fuzz.asking import Asking
from tests.fuzz.requests import operations, random_cases, schema_of
from tests.fuzz.world import made
from tests.fuzz.writes import watch, written

_STORE = "UPDATE units SET name = name || '.'"


def _plant(api: Api) -> None:
    @api.app.get("/planted/breaks")
    async def breaks() -> Status:
        """Break."""
        raise RuntimeError

    @api.app.get("/planted/lies")
    async def lies() -> Status:
        """Reply with what no schema says."""
        return JSONResponse({"status": "planted"})  # type: ignore[return-value]

    @api.app.get("/planted/surprises")
    async def surprises() -> Status:
        """Refuse with a problem that nobody was told of."""
        raise NotFound()

    @api.app.post("/planted/stores", responses=replies(NotFound))
    async def stores(session: Session, response: Response) -> Status:
        """Store, and say that nothing was."""
        await session.execute(text(_STORE))
        return JSONResponse(NotFound().document(""), 404)  # type: ignore[return-value]

    @api.app.get("/planted/reads", responses=replies(NotFound))
    async def reads(session: Session) -> Status:
        """Store while reading."""
        await session.execute(text(_STORE))
        return Status()

    @api.app.get("/planted/sends")
    async def sends() -> Status:
        """Send elsewhere."""
        return RedirectResponse("//evil.example")  # type: ignore[return-value]

    @api.app.get("/planted/opens")
    async def opens(response: Response) -> Status:
        """Let every site read it."""
        response.headers["Access-Control-Allow-Origin"] = "*"
        return Status()


EXPECTED = {
    "GET /planted/breaks": {"ServerError"},
    "GET /planted/lies": {"JsonSchemaError"},
    "GET /planted/surprises": {"UndefinedStatusCode", "undocumented /problems/not-found"},
    "POST /planted/stores": {
        "UndefinedContentType",
        "a 404 stored something",
        "no problem document",
    },
    "GET /planted/reads": {"reading stored something"},
    "GET /planted/sends": {"UndefinedStatusCode", "a redirect"},
    "GET /planted/opens": {"CORS"},
}


@pytest.fixture
async def connection(unlimited: Api, settings: Settings) -> asyncpg.Connection:
    """Another connection to the service's database."""
    return await asyncpg.connect(str(settings.database_url))


async def test_every_planted_mistake_is_found(
    unlimited: Api, connection: asyncpg.Connection
) -> None:
    _plant(unlimited)
    asking = Asking(unlimited.http, connection, await made(unlimited))
    await watch(connection)
    planted = [
        one for one in operations(schema_of(unlimited.app.openapi())) if "/planted" in one.path
    ]
    for operation in planted:
        await asking.ask(random_cases(operation, 2, 1), random.Random(1), real=True)
    found = {
        operation: {kind for where, kind in asking.tally.seen if where == operation}
        for operation in asking.tally.failures
    }
    assert found == EXPECTED
    await connection.close()


async def test_only_what_was_committed_and_stands_was_written(
    unlimited: Api, connection: asyncpg.Connection
) -> None:
    await made(unlimited)
    await watch(connection)
    assert await written(connection) == set()
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(_STORE)
    await transaction.rollback()
    assert await written(connection) == set()
    await connection.execute(_STORE)
    await connection.execute("UPDATE units SET name = rtrim(name, '.')")
    assert await written(connection) == set()
    await connection.execute(_STORE)
    assert await written(connection) == {"units"}
    assert await written(connection) == set()
    await connection.close()
