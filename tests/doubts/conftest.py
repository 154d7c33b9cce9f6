"""Tests of doubts judge by themselves, and begin with an open campaign."""

import pytest

from app.doubts import keeping
from tests.factories import Api, open_campaign, tree


@pytest.fixture(autouse=True)
def _no_judging_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "INTERVAL", 3600.0)


@pytest.fixture
async def ready(admin: Api) -> Api:
    """The admin's API with an open campaign C; its schools have 200 parents each."""
    await tree(admin)
    await open_campaign(admin)
    return admin
