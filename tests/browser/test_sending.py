"""A network that comes and goes: what was filled in is kept, sent again, and counted once."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, Route

from tests.browser.conftest import OpenPhone
from tests.browser.parents import at, fill, heading, send, stored
from tests.factories import Api, link

pytestmark = pytest.mark.browser

THANKS = "已经收到，谢谢您！"
KEPT = "已保存在这部手机上，还没有提交：网络不通。"
UNKEPT = "还没有提交：网络不通。请不要关闭这个页面"
NO_STORAGE = "Storage.prototype.setItem = () => { throw new Error('refused'); };"
RECORDS = "Object.keys(localStorage).map((key) => [key, JSON.parse(localStorage[key])])"


async def tap_send(page: Page) -> None:
    await page.locator("button[type=submit]").tap()


async def told(page: Page, words: str) -> None:
    """Wait until the page says this of sending, to be seen and to be heard."""
    await page.locator(".state.card [role=status]").get_by_text(words).wait_for()


async def arrived(page: Page) -> None:
    await page.locator(".code").wait_for()
    assert await heading(page) == THANKS
    assert await page.evaluate("document.activeElement.tagName") == "H1"
    assert await page.evaluate(RECORDS) == []


@pytest.mark.parametrize("storage", [True, False], ids=["storage", "storage refused"])
async def test_what_is_sent_without_a_network_goes_out_when_there_is_one(
    campaign: Api, new_phone: OpenPhone, storage: bool
) -> None:
    async with new_phone() as page:
        if not storage:
            await page.add_init_script(NO_STORAGE)
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        await fill(page)
        await page.context.set_offline(True)
        await tap_send(page)
        await told(page, KEPT if storage else UNKEPT)
        assert not await page.locator("form").is_visible()
        assert await page.locator("[value=again]:focus").count() == 1
        records = await page.evaluate(RECORDS)
        assert len(records) == int(storage)
        assert "device_proof" not in str(records)
        assert await stored(campaign) == []
        await page.context.set_offline(False)
        await arrived(page)
    assert await stored(campaign) == [2]


async def cookieless(route: Route) -> None:
    await route.request.frame.page.context.clear_cookies()
    await route.continue_()


@pytest.mark.parametrize("cookies", [True, False], ids=["cookies", "cookies lost"])
async def test_a_tab_that_was_closed_sends_when_the_page_is_opened_again(
    campaign: Api, new_phone: OpenPhone, cookies: bool
) -> None:
    url = at(campaign, f"/s/{await link(campaign)}")
    async with new_phone() as page:
        await page.goto(url)
        await fill(page)
        await page.context.set_offline(True)
        await tap_send(page)
        await told(page, KEPT)
        again = await page.context.new_page()
        await page.close()
        if not cookies:
            await again.context.clear_cookies()
            await again.route("**/s/*", cookieless)
        await again.context.set_offline(False)
        await again.goto(url)
        await arrived(again)
    assert await stored(campaign) == [2]


async def test_a_lost_reply_is_asked_for_again_even_by_a_page_that_says_answered(
    campaign: Api, new_phone: OpenPhone
) -> None:
    url = at(campaign, f"/s/{await link(campaign)}")

    async def lose(route: Route) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        await route.fetch()
        await route.abort()

    async with new_phone() as page:
        await page.route("**/s/*", lose)
        await page.goto(url)
        await fill(page)
        await tap_send(page)
        await told(page, KEPT)
        assert await stored(campaign) == [2]
        again = await page.context.new_page()
        await page.close()
        await again.goto(url)
        await arrived(again)
        assert "此前已经收到" in await again.locator(".arrival").inner_text()
    assert await stored(campaign) == [2]


async def test_neither_a_strange_networks_page_nor_a_busy_server_is_taken_for_a_reply(
    campaign: Api, new_phone: OpenPhone
) -> None:
    replies: list[dict[str, Any]] = [
        {"status": 200, "content_type": "text/html", "body": "<h1>Welcome to our hotel</h1>"},
        {"status": 503, "content_type": "text/html", "body": "<main data-page=form></main>"},
    ]

    async def answer(route: Route) -> None:
        if route.request.method == "POST" and replies:
            await route.fulfill(**replies.pop(0))
        else:
            await route.continue_()

    async with new_phone() as page:
        await page.route("**/s/*", answer)
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        await fill(page)
        await tap_send(page)
        await told(page, KEPT)
        assert await page.locator(".state button:visible").all_inner_texts() == [
            "现在再试一次",
            "返回修改",
        ]
        await page.locator("[value=again]").tap()
        await told(page, "现在提交的人很多")
        await page.locator("[value=change]").tap()
        await page.locator("label:has([name='q.overall'][value=dont_know])").tap()
        await send(page)
        await arrived(page)
    assert await stored(campaign) == [2]


async def test_two_tabs_that_send_at_once_are_one_answer(
    campaign: Api, new_phone: OpenPhone
) -> None:
    url = at(campaign, f"/s/{await link(campaign)}")
    async with new_phone() as page:
        tabs = [page, await page.context.new_page()]
        # A tab behind another is drawn seldom, and so taps on it take long.
        for tab in tabs:
            await tab.bring_to_front()
            await tab.goto(url)
            await fill(tab)
        await page.context.set_offline(True)
        for tab in tabs:
            await tab.bring_to_front()
            await tap_send(tab)
            await told(tab, KEPT)
        await page.context.set_offline(False)
        done = "main:not([data-page=form])"
        await asyncio.gather(*(tab.locator(done).wait_for() for tab in tabs))
        assert sorted([await heading(tab) for tab in tabs]) == sorted([THANKS, "您已经答过了"])
        assert await page.evaluate(RECORDS) == []
    assert await stored(campaign) == [2]


async def test_a_slow_network_is_waited_for(campaign: Api, new_phone: OpenPhone) -> None:
    async with new_phone() as page:
        network = await page.context.new_cdp_session(page)
        slow = {"offline": False, "latency": 400}
        speed = {"downloadThroughput": 50_000, "uploadThroughput": 50_000}
        await network.send("Network.enable")
        await network.send("Network.emulateNetworkConditions", {**slow, **speed})
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        await fill(page)
        said = await page.evaluate(
            "() => { const button = document.querySelector('button[type=submit]'); button.click();"
            "return [button.textContent, document.querySelector('[role=status]').textContent]; }"
        )
        assert said == ["正在提交……", "正在提交……"]
        await arrived(page)
    assert await stored(campaign) == [2]
