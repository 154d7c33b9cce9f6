"""The results page in a real browser: its figures are the API's, on phones and on walls."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.axe import violations
from tests.browser.waves import AUTUMN, DESK, SPRING, credentials, surveyed, watched
from tests.factories import Api

pytestmark = pytest.mark.browser

RESULTS = f"/v1/campaigns/{AUTUMN}"


@pytest.fixture
async def released(live: Api) -> Api:
    """The API of a real server with two campaigns that have releases."""
    await surveyed(live)
    return live


async def address(api: Api, query: str = "", **options: str) -> str:
    return f"{api.http.base_url}/results/{AUTUMN}{query}#{await credentials(api, **options)}"


def percent(share: float) -> str:
    """As scripts round: a half upwards, not to the even digit."""
    return f"{Decimal(share * 100).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"


def span(interval: list[float]) -> str:
    return f"{percent(interval[0])}–{percent(interval[1])}"


async def cells(page: Page, section: str) -> list[list[str]]:
    """The table of a section as people read it, row by row."""
    rows = await page.locator(f".{section} tbody tr").all()
    return [
        [text.strip() for text in await row.locator("th, td").all_inner_texts()] for row in rows
    ]


async def opened(page: Page) -> None:
    """Open all tables."""
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")


async def test_its_figures_are_those_of_the_api(browser: Browser, released: Api) -> None:
    public = await released.as_client("results:read", "W")
    read: dict[str, Any] = {
        name: await public.made("GET", f"{RESULTS}/{path}")
        for name, path in {
            "whole": "results",
            "questions": "results?by=question",
            "ranking": "ranking?level=school",
            "coverage": "coverage?level=school",
        }.items()
    }
    (whole,) = read["whole"]["rows"]
    trends = f"/v1/trends?unit=W&population=parent&campaigns={SPRING},{AUTUMN}"
    change = (await public.made("GET", trends))["rows"][1]["change"]
    async with watched(browser) as found:
        page = found.page
        await page.goto(await address(released, "?level=school"))
        await found.ready()
        assert await page.locator("h1").inner_text() == "2026 年秋季家长满意度调查"
        assert "第 1 次发布" in await page.locator(".facts").inner_text()
        headline = await page.locator(".headline").inner_text()
        assert percent(whole["rate"]) in headline
        assert span(whole["interval"]) in headline
        assert f"不了解 {percent(whole['dont_know_share'])}" in headline
        assert "抽样" in headline
        assert f"答卷 {whole['respondents']} 人" in headline
        assert f"其中 {whole['included']} 人" in headline
        await opened(page)
        assert [row[1:3] for row in await cells(page, "questions")] == [
            [percent(row["rate"]), span(row["interval"])] for row in read["questions"]["rows"]
        ]
        assert [row[1:5] for row in await cells(page, "answers")] == [
            [percent(row["counts"][option] / row["answered"]) for option in row["counts"]]
            for row in read["questions"]["rows"]
        ]
        first, second, hidden = await cells(page, "ranking")
        for shown, row in (
            (first, read["ranking"]["rows"][0]),
            (second, read["ranking"]["rows"][1]),
        ):
            assert shown[0] == row["unit"]["name"]
            assert shown[1].split()[0] == str(row["rank"])
            assert shown[2].split() == [percent(row["rate"]), span(row["interval"])]
        assert hidden[0] == "B1学校"
        assert "不显示" in hidden[2]
        assert "%" not in "".join(hidden)
        assert [row[1:4] for row in await cells(page, "coverage")] == [
            [str(row["responded"]), str(row["required"]), percent(row["share"])]
            for row in read["coverage"]["rows"]
        ]
        trend = await page.locator(".trend .says").inner_text()
        assert f"+{change['difference'] * 100:.1f} 个百分点" in trend
        assert ("差异显著" if change["significant"] else "差异不显著") in trend


async def test_on_a_phone_nothing_lies_beside_the_screen_and_all_can_be_touched(
    browser: Browser, released: Api
) -> None:
    async with watched(browser) as found:
        page = found.page
        await page.goto(await address(released, "?level=school"))
        await found.ready()
        await opened(page)
        for width in (375, 320):
            await page.set_viewport_size({"width": width, "height": 667})
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            boxes = await page.evaluate(
                "[...document.querySelectorAll('a, button, summary, input')].map(one => "
                "[one.textContent, one.getBoundingClientRect().height])"
            )
            assert len(boxes) > 8
            assert [one for one in boxes if one[1] < 44] == []
            tables = await page.evaluate(
                "[...document.querySelectorAll('.holds-table')].map(one => "
                "one.scrollWidth - one.clientWidth)"
            )
            assert max(tables) == 0
            await page.locator(f"svg[width='{width - 56}']").first.wait_for()
            names = await page.locator(".ranking svg text").all_text_contents()
            assert {"1 A1学校", "2 A2学校"} <= {" ".join(name.split()) for name in names}
        # axe-core is put into the page from outside, past the policy that the page has.
        assert await violations(page) == []
        assert await page.locator(".chart").first.get_attribute("aria-label")


async def test_on_a_wall_everything_is_seen_at_once(browser: Browser, released: Api) -> None:
    async with watched(browser, width=1920, height=1080, **DESK) as found:
        page = found.page
        await page.goto(await address(released, "?wall=1"))
        await found.ready()
        assert await page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        ) == [1920, 1080]
        for tile in ("headline", "questions", "ranking", "trend", "answers", "coverage"):
            box = await page.locator(f".{tile}").bounding_box()
            assert box is not None
            assert box["height"] > 300, tile
            assert box["y"] + box["height"] <= 1080
            cut = await page.locator(f".{tile}").evaluate(
                "one => one.scrollHeight > one.clientHeight"
            )
            assert not cut, tile
        assert await page.locator(".chart svg").count() == 5
        assert await page.locator("a:visible, button:visible, summary:visible").count() == 0


async def test_links_lead_into_a_county_into_english_and_back(
    browser: Browser, released: Api
) -> None:
    async with watched(browser, width=1280, color_scheme="dark", **DESK) as found:
        page = found.page
        await page.goto(await address(released))
        await found.ready()
        assert "#" not in page.url, "secrets don't stay where screens are shared"
        await opened(page)
        await page.locator(".ranking tbody a", has_text="A县").focus()
        await page.keyboard.press("Enter")
        await page.locator("h1", has_text="A县").wait_for()
        assert page.url.endswith(f"/results/{AUTUMN}?within=A")
        assert [row[0] for row in await cells(page, "ranking")] == ["A1学校", "A2学校"]
        await page.get_by_role("link", name="English").click()
        await page.locator(".headline h2", has_text="Overall satisfaction").wait_for()
        assert await page.evaluate("document.documentElement.lang") == "en"
        chrome = "h2, summary, thead, .facts .fact:nth-child(n+2)"
        shown = " ".join(await page.locator(chrome).all_inner_texts())
        assert not re.search(r"[\u4e00-\u9fff]", shown)
        assert await violations(page) == []
        await page.go_back()
        await page.go_back()
        await page.locator(".headline h2", has_text="总体满意率").wait_for()
        assert await page.locator("h1").inner_text() == "2026 年秋季家长满意度调查"
        await page.reload()
        await found.ready()
        asked = {re.sub(r"^https?://[^/]+(/[a-z0-9]+)?.*", r"\1", url) for url in found.asked}
        assert asked <= {"/v1", "/oauth", "/static", "/results", "data:,"}


async def test_a_client_with_live_results_sees_them_live(browser: Browser, released: Api) -> None:
    exact = await released.as_client("results:exact", "W")
    (whole,) = (await exact.made("GET", f"{RESULTS}/results"))["rows"]
    async with watched(browser, width=1280, **DESK) as found:
        await found.page.goto(await address(released, scope="results:exact"))
        await found.ready()
        assert "实时数据" in await found.page.locator(".facts").inner_text()
        assert percent(whole["rate"]) in await found.page.locator(".rate").inner_text()
        assert "请勿公开" in await found.page.locator(".method").inner_text()
