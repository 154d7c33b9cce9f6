"""Headless Chromium as a phone, and a real server in the same event loop for it to open."""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import uvicorn
from playwright.async_api import Browser, Page, async_playwright

from app.core.settings import Settings
from tests.apps import create
from tests.factories import Api

MISSING = (
    "Chromium was not found, and the pages are only tested in a real browser. "
    "Install it: apt-get update && apt-get install -y chromium fonts-noto-cjk"
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class _Server(uvicorn.Server):
    """Leaves Ctrl-C to whoever runs the loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Api]:
    """A server on a free port, and its API as one who may do everything."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = create(replace(settings, public_url=url))
    # The lifespan is entered here and not by uvicorn, which would end the process if it failed.
    server = _Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    async with app.router.lifespan_context(app):
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with httpx.AsyncClient(base_url=url) as client:
                yield await Api(client, app).as_client("admin")
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The machine's own Chromium. Errors: RuntimeError saying what to install."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise RuntimeError(MISSING)
    arguments = [*_ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else _ARGUMENTS
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def phone(
    browser: Browser, *, width: int = 375, height: int = 667, **options: Any
) -> AsyncIterator[Page]:
    """A page on a phone of its own, set to Chinese; `options` as `Browser.new_context` has them."""
    settings: dict[str, Any] = {
        "viewport": {"width": width, "height": height},
        "locale": "zh-CN",
        "is_mobile": True,
        "has_touch": True,
        **options,
    }
    context = await browser.new_context(**settings)
    context.set_default_timeout(15_000)
    try:
        yield await context.new_page()
    finally:
        await context.close()
