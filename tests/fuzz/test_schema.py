"""The whole OpenAPI document as requests, of everybody: nothing breaks, nothing is left behind."""

import random

import asyncpg
import pytest

from app.core.settings import Settings
from tests.factories import Api
from tests.fuzz.asking import Asking
from tests.fuzz.requests import edges, operations, random_cases, schema_of
from tests.fuzz.world import made
from tests.fuzz.writes import watch

_EDGES, _RANDOM = 20, 8
"""Cases of each operation, at most: scripts/fuzz sends as many as one likes."""


@pytest.mark.timeout(300)
async def test_no_request_breaks_the_service_its_schema_or_stores_what_it_refuses(
    unlimited: Api, settings: Settings
) -> None:
    # Over ASGI, in half the time: over HTTP scripts/fuzz sends them.
    world = await made(unlimited)
    connection = await asyncpg.connect(str(settings.database_url))
    await watch(connection)
    asking = Asking(unlimited.http, connection, world)
    found = operations(schema_of(unlimited.app.openapi()))
    for operation in found:
        chance = random.Random(operation.label)
        await asking.ask(edges(operation, _EDGES), chance, real=False)
        await asking.ask(random_cases(operation, _RANDOM, 1), chance, real=True)
    await connection.close()
    tally = asking.tally
    assert tally.statuses.keys() == {operation.label for operation in found}
    assert tally.asked > 18 * len(found)
    assert not tally.failures, "\n".join(
        f"{operation}: {told}" for operation, some in tally.failures.items() for told in some
    )
