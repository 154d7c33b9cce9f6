"""An open campaign and a contractor."""

import pytest

from tests.factories import Api, open_campaign, tree


@pytest.fixture
async def campaign(admin: Api) -> Api:
    """The admin's API with an open campaign C over W."""
    await tree(admin)
    await open_campaign(admin)
    return admin


@pytest.fixture
async def contractor(campaign: Api) -> Api:
    """A contractor that sees everything."""
    return await campaign.as_client("interviews:write", name="contractor")


@pytest.fixture
async def other(campaign: Api) -> Api:
    """Another contractor."""
    return await campaign.as_client("interviews:write", name="another contractor")
