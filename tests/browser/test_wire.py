"""What the page costs on the wire, and that its first reply alone is enough to read and answer."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route

from tests.browser.conftest import OpenPhone
from tests.browser.parents import at, fill, heading, send, stored
from tests.factories import Api, link

pytestmark = pytest.mark.browser

BUDGET = 30_000
"""Bytes in all, heads of replies included, for the page with six indicators."""


async def test_six_indicators_take_three_requests_and_thirty_kilobytes(
    campaign: Api, new_phone: OpenPhone
) -> None:
    loaded: dict[str, float] = {}
    encodings: set[str] = set()
    async with new_phone() as page:
        network = await page.context.new_cdp_session(page)
        await network.send("Network.enable")

        def finished(event: Any) -> None:
            loaded[event["requestId"]] = event["encodedDataLength"]

        def received(event: Any) -> None:
            headers = {name.lower(): one for name, one in event["response"]["headers"].items()}
            if not event["response"]["url"].startswith("data:"):
                encodings.add(headers.get("content-encoding", "none"))

        network.on("Network.loadingFinished", finished)
        network.on("Network.responseReceived", received)
        await page.goto(at(campaign, f"/s/{await link(campaign)}"), wait_until="networkidle")
        assert await page.evaluate("document.styleSheets.length") == 1
    sizes = [size for size in loaded.values() if size]
    assert len(sizes) == 3
    assert encodings == {"br"}
    assert sum(sizes) <= BUDGET / 2, "half of the budget is left for longer questionnaires"


async def test_the_first_reply_alone_can_be_read_and_answered(
    campaign: Api, new_phone: OpenPhone
) -> None:
    asked: list[str] = []

    async def lost(route: Route) -> None:
        asked.append(route.request.url.rpartition(".")[2])
        await route.abort()

    async with new_phone() as page:
        await page.route("**/static/**", lost)
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        assert sorted(asked) == ["css", "js"]
        assert await heading(page) == "2026 年秋季满意度调查"
        assert await page.evaluate("document.documentElement.scrollWidth") <= 375
        await fill(page)
        await send(page)
        assert await heading(page) == "已经收到，谢谢您！"
    assert await stored(campaign) == [2]


async def test_on_a_slow_line_the_form_can_be_filled_in_before_the_script_has_come(
    campaign: Api, new_phone: OpenPhone
) -> None:
    script_may_come = asyncio.Event()

    async def late(route: Route) -> None:
        await script_may_come.wait()
        await route.continue_()

    async with new_phone() as page:
        network = await page.context.new_cdp_session(page)
        await network.send("Network.enable")
        line = {"downloadThroughput": 50_000, "uploadThroughput": 50_000}
        await network.send(
            "Network.emulateNetworkConditions", {"offline": False, "latency": 400, **line}
        )
        await page.route("**/static/page.*.js", late)
        await page.goto(at(campaign, f"/s/{await link(campaign)}"), wait_until="commit")
        await page.locator("label:has([name='q.overall'][value=satisfied])").tap()
        script_may_come.set()
        await page.wait_for_load_state("load")
        # The script finds what was answered before it came, and goes on from there.
        assert await page.locator("[name='q.overall']:checked").count() == 1
        await fill(page)
        await send(page)
        assert await heading(page) == "已经收到，谢谢您！"
        assert await page.evaluate("Boolean(history.state && history.state.thanks)")
    assert await stored(campaign) == [2]
