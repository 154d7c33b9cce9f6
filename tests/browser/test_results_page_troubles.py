"""The results page where something is missing or goes wrong: it says what, and what to do."""

from dataclasses import replace

import pytest
from playwright.async_api import Browser, Page, Route

from app.core.settings import Settings
from tests.browser.chromium import serving
from tests.browser.test_results_page import cells
from tests.browser.waves import AUTUMN, DESK, count, credentials, surveyed, watched
from tests.factories import Api, tree

pytestmark = pytest.mark.browser
PROBLEM = ".problem:not([hidden])"


def page_of(api: Api, campaign: str = AUTUMN, query: str = "") -> str:
    return f"{api.http.base_url}/results/{campaign}{query}"


async def problem(page: Page) -> str:
    await page.locator(PROBLEM).wait_for()
    return await page.locator(PROBLEM).inner_text()


async def test_wrong_credentials_are_told_and_right_ones_taken_by_keyboard(
    browser: Browser, live: Api
) -> None:
    await surveyed(live)
    made = await credentials(live)
    without_scope = await credentials(live, "interviews:write")
    async with watched(browser, complains=True) as found:
        page = found.page
        await page.goto(page_of(live))
        await page.locator("form").wait_for()
        assert await page.locator(PROBLEM).count() == 0
        await page.goto(f"{page_of(live)}#{without_scope}")
        assert "results:read" in await problem(page)
        await page.goto(f"{page_of(live)}#xc_nobody:xs_wrong")
        await page.locator(PROBLEM, has_text="编号或密钥不对").wait_for()
        for part in made.split(":"):
            await page.keyboard.type(part)
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await found.ready()
        assert made.split(":")[1] not in "".join(found.asked), "a secret stands in no address"


async def test_an_unknown_campaign_and_an_unknown_unit_are_told_apart(
    browser: Browser, live: Api
) -> None:
    await surveyed(live)
    made = await credentials(live)
    async with watched(browser, complains=True) as found:
        await found.page.goto(f"{page_of(live, 'nowhere')}#{made}")
        assert "nowhere" in await problem(found.page)
        await found.page.goto(page_of(live, query="?within=Z"))
        assert "没有这个单位" in await problem(found.page)
        await found.page.get_by_role("link", name="查看全部范围").tap()
        await found.ready()
        assert await found.page.locator(PROBLEM).count() == 0


async def test_before_the_first_release_coverage_is_there_and_releases_come_by_themselves(
    browser: Browser, live: Api
) -> None:
    await surveyed(live, release=False)
    made = await credentials(live)
    async with watched(browser, complains=True, width=1280, **DESK) as found:
        page = found.page
        await page.goto(f"{page_of(live)}#{made}")
        assert "还没有发布结果" in await problem(page)
        for section in ("headline", "questions", "answers", "ranking"):
            assert "还没有发布" in await page.locator(f".{section}").inner_text()
        await page.locator(".chart[data-chart=coverage] svg").wait_for()
        await page.evaluate("window.loaded_once = true")
        tile = await page.locator(".questions").element_handle()
        await live.made("POST", f"/v1/campaigns/{AUTUMN}/releases")
        await page.locator(".facts", has_text="第 1 次发布").wait_for(timeout=60_000)
        await found.ready()
        before = await page.locator(".rate").inner_text()
        await count(live, more=40, revision=2)
        await live.made("POST", f"/v1/campaigns/{AUTUMN}/releases")
        await page.locator(".facts", has_text="第 2 次发布").wait_for(timeout=60_000)
        assert await page.locator(".rate").inner_text() > before
        assert await page.evaluate("window.loaded_once")
        assert await page.evaluate("one => one.isConnected", tile), "nothing was built anew"
        assert await page.locator(PROBLEM).count() == 0


async def test_without_a_network_the_figures_stay_with_their_time(
    browser: Browser, live: Api
) -> None:
    await surveyed(live)
    made = await credentials(live)
    async with watched(browser, complains=True) as found:
        page = found.page
        await page.goto(f"{page_of(live)}#{made}")
        await found.ready()
        rate = await page.locator(".rate").inner_text()
        await page.context.set_offline(True)
        await page.get_by_role("link", name="学校").tap()
        said = await problem(page)
        assert said.startswith("没有网络")
        assert "读到的数字" in said
        assert await page.locator(".rate").inner_text() == rate
        await page.context.set_offline(False)
        await page.locator(PROBLEM).wait_for(state="hidden")
        assert len(await cells(page, "coverage")) == 3


async def test_before_the_charts_have_come_the_tables_are_open(browser: Browser, live: Api) -> None:
    await surveyed(live)
    made = await credentials(live)

    async def lost(route: Route) -> None:
        await route.abort()

    async with watched(browser, complains=True) as found:
        page = found.page
        await page.route("**/echarts.js", lost)
        await page.goto(f"{page_of(live)}#{made}")
        await page.locator(".coverage tbody tr").first.wait_for()
        tables = await page.locator(".tile tbody:visible").count()
        assert tables == 5
        assert await page.locator(".chart:visible").count() == 0


async def test_asked_too_often_it_says_when_it_tries_again(
    browser: Browser, settings: Settings
) -> None:
    limits = {**settings.limits, "client": 40}
    async with serving(replace(settings, limits=limits)) as api:
        await tree(api)
        await surveyed(await api.as_client("admin"))
        made = await credentials(await api.as_client("admin"))
        async with watched(browser, complains=True) as found:
            page = found.page
            await page.goto(f"{page_of(api)}#{made}")
            await found.ready()
            for level in ("学校", "县市区") * 2:
                await page.get_by_role("link", name=level).tap()
                await page.locator("main:not([aria-busy])").wait_for()
            said = await problem(page)
            assert said.startswith("请求太多")
            assert "读到的数字" in said
            assert "秒后自动再试" in said
            assert await page.locator(".rate").is_visible()
