"""What reconciliation is looked at by: a bureau, beside the contractors."""

import pytest

from tests.factories import Api


@pytest.fixture
async def bureau(campaign: Api) -> Api:
    """The bureau of the city, which the campaign belongs to."""
    return await campaign.as_client("results:exact campaigns:write", unit="W", name="bureau")
