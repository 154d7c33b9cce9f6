"""The app without limits, which would hide what lies behind them."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from app.core.settings import Settings
from app.doubts import keeping
from tests.apps import create
from tests.factories import Api


@pytest.fixture(autouse=True)
def _no_judging_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    # It appends to the ledger, which would be counted as some request's doing.
    monkeypatch.setattr(keeping, "INTERVAL", 3600.0)


@pytest.fixture
async def unlimited(settings: Settings) -> AsyncIterator[Api]:
    """A client that may do everything, of the app with limits that nothing here reaches."""
    app = create(replace(settings, limits=dict.fromkeys(settings.limits, 10**9)))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            yield await Api(http, app).as_client("admin")
