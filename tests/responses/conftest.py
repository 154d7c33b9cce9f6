"""An open campaign to answer."""

import pytest

from tests.factories import Api, open_campaign, tree


@pytest.fixture
async def ready(admin: Api) -> Api:
    """The admin's API with an open campaign C."""
    await tree(admin)
    await open_campaign(admin)
    return admin
