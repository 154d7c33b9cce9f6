"""An open campaign, its county's bureau and a contractor."""

import pytest

from tests.factories import Api, open_campaign, tree


@pytest.fixture
async def campaign(admin: Api) -> Api:
    """The admin's API with an open campaign C over W."""
    await tree(admin)
    await open_campaign(admin)
    return admin


@pytest.fixture
async def county(campaign: Api) -> Api:
    """The bureau of county A."""
    return await campaign.as_client("links:write", unit="A")
