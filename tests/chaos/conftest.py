"""A server with an open campaign, for the tests of one file."""

from collections.abc import AsyncIterator

import pytest

from tests.chaos.ledger import assert_counts_are_the_rows, authorised, respondents
from tests.chaos.served import Served
from tests.factories import link, open_campaign, tree
from tests.processes import server


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A server that answers; whatever one test did to it, the next finds it well."""
    with server(tmp_path_factory.mktemp("served") / "data") as running:
        async with authorised(running) as api:
            await tree(api)
            await open_campaign(api)
            served = Served(running, api, await link(api))
            yield served
            assert await respondents(api) == len(served.stored)
        assert_counts_are_the_rows(running.data_dir)
        assert running.stop() == 0
