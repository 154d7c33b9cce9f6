"""The whole OpenAPI document as requests, of everybody: nothing breaks, nothing is left behind."""

import asyncio
import random
from dataclasses import replace

import asyncpg
import httpx
import pytest

from app.core.settings import Settings
from app.main import create
from tests.factories import Api
from tests.fuzz.asking import Asking, Tally
from tests.fuzz.requests import edges, operations, random_cases, schema_of
from tests.fuzz.world import made
from tests.fuzz.writes import watch

_EDGES, _RANDOM = 60, 30
"""Cases of each operation."""


async def _asked(settings: Settings) -> Tally:
    # Over ASGI: twice as many requests in the same time, and over HTTP scripts/fuzz sends them.
    unlimited = replace(settings, limits=dict.fromkeys(settings.limits, 10**9))
    app = create(unlimited)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            admin = await Api(http, app).as_client("admin")
            world = await made(admin)
            connection = await asyncpg.connect(str(settings.database_url))
            await watch(connection)
            asking = Asking(http, connection, world)
            for operation in operations(schema_of(app.openapi())):
                chance = random.Random(operation.label)
                await asking.ask(edges(operation, _EDGES), chance, real=False)
                await asking.ask(random_cases(operation, _RANDOM, 1), chance, real=True)
            await connection.close()
    return asking.tally


@pytest.mark.timeout(300)
def test_no_request_breaks_the_service_its_schema_or_stores_what_it_refuses(
    settings: Settings,
) -> None:
    tally = asyncio.run(_asked(settings))
    assert tally.asked > 2000
    assert not tally.failures, "\n".join(
        f"{operation}: {told}" for operation, some in tally.failures.items() for told in some
    )
