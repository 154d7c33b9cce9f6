"""What a parent does with the page, and what comes of it."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.factories import INDICATORS, Api

SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])


def at(api: Api, path: str) -> str:
    return f"{api.http.base_url}{path}"


async def fill(page: Page, value: str = "satisfied") -> None:
    """Tap one answer to all six indicators."""
    for code in INDICATORS:
        await page.locator(f"label:has([name='q.{code}'][value={value}])").tap()


async def send(page: Page) -> None:
    """Tap the button and wait for the page that follows, whoever fetches it."""
    await page.evaluate("document.body.dataset.before = ''")
    await page.locator("button[type=submit]").tap()
    await page.locator("body:not([data-before])").wait_for()


async def refused(page: Page) -> None:
    """Tap the button and wait for the page to say that something is missing."""
    await page.locator("button[type=submit]").tap()
    await page.locator(".notice:focus").wait_for()


async def heading(page: Page) -> str:
    return await page.locator("h1").inner_text()


async def stored(api: Api) -> list[Any]:
    """The channels of all responses."""
    rows = await api.app.state.database.pool.fetch("SELECT channel FROM responses")
    return [row["channel"] for row in rows]


async def fits(page: Page, width: int) -> None:
    """Nothing sticks out, and nothing to tap is under 44 pixels high or wide."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    small = await page.evaluate(
        "Array.from(document.querySelectorAll("
        "'a, button, textarea, input[type=text], .options label, .ratings label'))"
        ".map((one) => [one.textContent, one.getBoundingClientRect()])"
        ".filter(([, box]) => box.width && (box.height < 44 || box.width < 44))"
        ".map(([text, box]) => [text, box.width, box.height])"
    )
    assert small == []
