"""A real server and a real browser for each test."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest
from playwright.async_api import Browser, Page

from app.core.settings import Settings
from tests.browser.chromium import chromium, phone, serving
from tests.factories import Api, open_campaign, tree

OpenPhone = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, started once; without it these tests fail and say what to install."""
    async with chromium() as started:
        yield started


@pytest.fixture
def new_phone(browser: Browser) -> OpenPhone:
    """Opens a phone without cookies."""
    return partial(phone, browser)


@pytest.fixture
async def live(settings: Settings) -> AsyncIterator[Api]:
    """The API of a real server with a tree and no campaign."""
    async with serving(settings) as api:
        await tree(api)
        yield api


@pytest.fixture
async def campaign(live: Api) -> Api:
    """The API of a real server with an open campaign C."""
    await open_campaign(live)
    return live
