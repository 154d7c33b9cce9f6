"""Sources of tallies, beside the contractors of interviews."""

import pytest

from tests.factories import Api


@pytest.fixture
async def source(campaign: Api) -> Api:
    """A source of both kinds that sees everything."""
    return await campaign.as_client("tallies:write interviews:write", name="dashboard")


@pytest.fixture
async def rival(campaign: Api) -> Api:
    """Another source."""
    return await campaign.as_client("tallies:write", name="another dashboard")
