"""The stand-in, an app that asks it, and a campaign that admits WeChat alone."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.core.settings import Settings
from tests.factories import Api, link, open_campaign, tree
from tests.identity.wechat.people import Phone, account
from tests.identity.wechat.stand_in.server import StandIn, standing_in


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    """WeChat, as far as the app can tell."""
    async with standing_in() as running:
        yield running


@pytest.fixture
def settings(settings: Settings, stand_in: StandIn) -> Settings:
    """Settings with a WeChat account."""
    return replace(settings, wechat=account(stand_in))


@pytest.fixture
async def campaign(admin: Api) -> Api:
    """An open campaign C that people answer by WeChat or invitation."""
    await tree(admin)
    await open_campaign(admin, identity=["wechat", "invitation"])
    return admin


@pytest.fixture
async def url(campaign: Api) -> str:
    """The page of a link of C."""
    return f"/s/{await link(campaign)}"


@pytest.fixture
def wang(api: Api) -> Phone:
    """Wang's phone."""
    return Phone(api).of("wang")
