"""WeChat's browser on a phone, there and back: against the stand-in, in headless Chromium."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Page, Route

from app.core.settings import Settings
from app.phone_page.assets import NAMES
from app.phone_page.pages import SDK
from app.phone_page.texts import CATALOGUE
from tests.browser.axe import violations
from tests.browser.chromium import serving
from tests.browser.conftest import OpenPhone
from tests.browser.parents import at, fill, fits, heading, send, stored
from tests.factories import Api, link, open_campaign, submission, tree
from tests.identity.wechat.people import AGENT, account
from tests.identity.wechat.stand_in.server import StandIn, openid, standing_in
from tests.identity.wechat.test_flow import PAGES

pytestmark = pytest.mark.browser

_FAKE = """
window.wx = {
  config(given) { window.configured = given; window.setTimeout(() => this.then(), 0); },
  ready(then) { this.then = then; },
  updateAppMessageShareData(card) { window.card = card; },
  updateTimelineShareData(card) { window.timeline = card; },
};
"""
"""As much of WeChat's script as a page uses."""


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    """WeChat, as far as the server can tell."""
    async with standing_in() as running:
        yield running


@pytest.fixture
async def campaign(settings: Settings, stand_in: StandIn) -> AsyncIterator[Api]:
    """The API of a real server with a campaign C that is answered by WeChat."""
    async with serving(replace(settings, wechat=account(stand_in))) as api:
        await tree(api)
        await open_campaign(api, identity=["wechat", "invitation"])
        yield api


def of(new_phone: OpenPhone, person: str, **options: Any) -> AbstractAsyncContextManager[Page]:
    """A phone with somebody's WeChat."""
    return new_phone(user_agent=f"{AGENT} StandIn/{person}", **options)


def page_of(page: Page) -> str:
    """Where a tab is; what stands behind `#` comes from WeChat's address."""
    return page.url.partition("#")[0]


async def wait_for(page: Page, condition: str) -> None:
    """Wait until this is so; Playwright's own way is a kind of eval, which our pages forbid."""
    async with asyncio.timeout(15):
        while not await page.evaluate(f"Boolean({condition})"):
            await asyncio.sleep(0.05)


async def without_sdk(page: Page) -> None:
    """Let WeChat's script not be loaded, as behind many a school's firewall."""

    async def lost(route: Route) -> None:
        await route.abort()

    await page.context.route("https://res.wx.qq.com/**", lost)


@pytest.mark.parametrize(("width", "scripts"), [(320, True), (375, False)])
async def test_a_parent_is_recognised_answers_and_is_known_again(
    campaign: Api, new_phone: OpenPhone, stand_in: StandIn, width: int, scripts: bool
) -> None:
    url = at(campaign, f"/s/{await link(campaign)}")
    async with of(new_phone, "wang", width=width, java_script_enabled=scripts) as page:
        await without_sdk(page)
        await page.goto(url)
        assert page_of(page) == url
        await page.reload()
        assert stand_in.asked["exchange"] == 1
        await fill(page)
        if scripts:
            await fits(page, width)
        await send(page)
        assert await heading(page) == "已经收到，谢谢您！"
        await page.goto("about:blank")
        await page.goto(url)
        assert await heading(page) == "您已经答过了"
        cookies = {one.get("name"): one for one in await page.context.cookies()}
        assert {one.get("httpOnly") for one in cookies.values()} == {True}
    other = f"/s/{await link(campaign, 'A2')}"
    async with of(new_phone, "wang", width=width) as second:
        await without_sdk(second)
        await second.goto(at(campaign, other))
        assert await heading(second) == "您已经答过了"
        path = at(campaign, f"/v1/links/{other.removeprefix('/s/')}/responses")
        sent = await second.context.request.post(path, data=submission())
        assert sent.status == 409
        claimed = await second.context.request.post(path, data=submission(openid=openid("li")))
        assert claimed.status == 422
    assert await stored(campaign) == [1]


async def test_every_failure_is_told_on_the_smallest_phone(
    campaign: Api, new_phone: OpenPhone
) -> None:
    url = at(campaign, f"/s/{await link(campaign)}")
    client = campaign.app.state.wechat.client
    each = {failure: trick for trick, (failure, _) in PAGES.items()}
    for failure, trick in each.items():
        client.budget = 1.0 if trick == "silent" else 5.0
        async with of(new_phone, trick, width=320, height=568) as page:
            await page.goto(url)
            assert await heading(page) == CATALOGUE["zh-CN"][f"wechat_{failure.value}_title"]
            await fits(page, 320)
            assert await page.get_by_text("如有疑问，请联系学校或潍坊市。").is_visible()
            # They are alike but for their words and whether they have a way on.
            if trick in ("snapshot", "undocumented"):
                assert await violations(page) == []
    assert await stored(campaign) == []


async def test_the_button_of_a_failure_leads_to_the_form(
    campaign: Api, new_phone: OpenPhone, stand_in: StandIn
) -> None:
    url = at(campaign, f"/s/{await link(campaign)}")
    stand_in.quota = 0
    async with of(new_phone, "wang") as page:
        await without_sdk(page)
        await page.goto(url)
        assert await heading(page) == "现在用微信确认的人太多"
        stand_in.quota = None
        async with page.expect_navigation():
            await page.locator(".steps .first").tap()
        assert page_of(page) == url
        await fill(page)
        await send(page)
    assert await stored(campaign) == [1]


async def test_a_callback_that_comes_twice_is_one_recognition(
    campaign: Api, new_phone: OpenPhone, stand_in: StandIn
) -> None:
    url = at(campaign, f"/s/{await link(campaign)}")
    seen: list[str] = []
    async with of(new_phone, "wang") as page:
        await without_sdk(page)
        page.on("request", lambda request: seen.append(request.url))
        await page.goto(url)
        (callback,) = [one for one in seen if "/wechat/callback" in one]
        await page.goto(callback)
        assert page_of(page) == url
        # And at once, in a browser that has not been recognised.
        await page.context.clear_cookies(name="xinsheng_wechat")
        tabs = [await page.context.new_page() for _ in range(3)]
        await asyncio.gather(*(tab.goto(callback) for tab in tabs))
        assert [page_of(tab) for tab in tabs] == [url] * 3
        assert stand_in.asked["exchange"] == 1
    async with of(new_phone, "li") as thief:
        await without_sdk(thief)
        await thief.goto(callback)
        await thief.locator(".steps .first").tap()
        await fill(thief)
        await send(thief)
        assert await heading(thief) == "已经收到，谢谢您！"
    async with of(new_phone, "wang") as page:
        await without_sdk(page)
        await page.goto(url)
        assert await page.locator("form").count() == 1, "the thief answered as itself"


@pytest.mark.parametrize("width", [320, 375])
async def test_outside_wechat_the_page_says_to_open_it_there(
    campaign: Api, new_phone: OpenPhone, width: int
) -> None:
    async with new_phone(width=width) as page:
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        assert await heading(page) == "请用微信打开"
        size = await page.evaluate("document.querySelector('.code-to-scan img').naturalWidth")
        assert size > 100
        await fits(page, width)
        assert await violations(page) == []


async def test_the_share_card_is_set_by_wechats_own_script(
    campaign: Api, new_phone: OpenPhone
) -> None:
    complaints: list[str] = []

    async def fake(route: Route) -> None:
        await route.fulfill(body=_FAKE, content_type="text/javascript")

    url = at(campaign, f"/s/{await link(campaign)}")
    async with of(new_phone, "wang") as page:
        await page.context.route(SDK, fake)
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(f"{url}?lang=zh-CN")
        await wait_for(page, "window.card && window.timeline")
        card = await page.evaluate("window.card")
        configured = await page.evaluate("window.configured")
    assert card["link"] == url
    assert card["title"] == "2026 年秋季满意度调查"
    assert card["desc"].startswith("A1学校 · ")
    assert card["imgUrl"] == at(campaign, f"/static/{NAMES['card.png']}")
    assert len(configured["signature"]) == 40
    assert complaints == []
