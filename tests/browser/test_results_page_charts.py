"""The results page's charts and tables as eyes read them, from the narrowest phone to the wall."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.waves import AUTUMN, DESK, count, credentials, surveyed, watched
from tests.factories import Api

pytestmark = pytest.mark.browser

LONG = "潍坊市峡山生态经济开发区第十二实验学校附属中心小学东校区（九年一贯制）"
"""A school's whole name, as registers have it."""

_TEXTS = """one => [...one.querySelectorAll('svg text')].filter(text => text.textContent.trim())
  .map(text => [text.textContent.trim(), text.getBoundingClientRect()])
  .map(([said, box]) => [said, box.left, box.top, box.right, box.bottom])"""

_BROKEN = r"""[...document.querySelectorAll('.holds-table td')].flatMap(cell => {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  const broken = [];
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(text);
    if (/^[\d.,%]+$/.test(text.data) && range.getClientRects().length > 1) broken.push(text.data);
  }
  return broken;
})"""


async def texts(page: Page, chart: str) -> list[Any]:
    """The texts in a chart, each with its left, top, right and bottom edges."""
    found: list[Any] = await page.locator(f".chart[data-chart={chart}]").evaluate(_TEXTS)
    return found


async def overlapping(page: Page) -> list[tuple[str, str]]:
    """Texts of one chart that lie upon each other by more than the air around their letters."""
    found = []
    for chart in ("questions", "ranking", "trend", "answers", "coverage"):
        all_of_it = await texts(page, chart)
        assert all_of_it, chart
        for at, (said, left, top, right, bottom) in enumerate(all_of_it):
            for other, x, y, to_x, to_y in all_of_it[:at]:
                across = min(right, to_x) - max(left, x)
                down = min(bottom, to_y) - max(top, y)
                if across > 2 and down > 0.4 * min(bottom - top, to_y - y):
                    found.append((other, said))
    return found


async def test_no_text_lies_upon_another_and_no_number_is_broken(
    browser: Browser, live: Api
) -> None:
    school = {"name": LONG, "kind": "school", "parent": "A", "stage": "primary"}
    await live.made("PUT", "/v1/units/A1", school)
    await surveyed(live)
    made = await credentials(live)
    for width, height, query, kind in (
        (320, 568, "", {}),
        (375, 667, "&lang=en", {}),
        (1920, 1080, "&wall=1", DESK),
    ):
        async with watched(browser, width=width, height=height, **kind) as found:
            page = found.page
            url = f"{live.http.base_url}/results/{AUTUMN}?level=school{query}#{made}"
            await page.goto(url)
            await found.ready()
            await page.locator(".chart[data-chart=trend] svg").wait_for()
            assert await overlapping(page) == [], width
            if not kind:
                await page.evaluate(
                    "for (const one of document.querySelectorAll('details')) one.open = true"
                )
                assert await page.evaluate(_BROKEN) == [], width
                (named,) = [said for said, *_ in await texts(page, "ranking") if "制）" in said]
                assert "…" in named
                assert named.startswith("1  潍坊市"), "both its ends are left"


async def test_a_line_that_marks_a_share_stands_where_its_scale_has_that_share(
    browser: Browser, live: Api
) -> None:
    await surveyed(live, release=False)
    await count(live, more=-5, revision=2)
    await live.made("POST", f"/v1/campaigns/{AUTUMN}/releases")
    public = await live.as_client("results:read", "W")
    (whole,) = (await public.made("GET", f"/v1/campaigns/{AUTUMN}/results"))["rows"]
    rate = 100 * whole["rate"]
    assert abs(rate - round(rate)) > 0.2, "a line at the nearest percent would be seen to be wrong"
    async with watched(browser, width=1280, **DESK) as found:
        page = found.page
        made = await credentials(live)
        await page.goto(f"{live.http.base_url}/results/{AUTUMN}?level=school#{made}")
        await found.ready()
        marks = {
            float(said[:-1]): (left + right) / 2
            for said, left, _, right, _ in await texts(page, "ranking")
            if re.fullmatch(r"\d+%", said)
        }
        (low, at_low), *_, (high, at_high) = sorted(marks.items())
        line = await page.locator(".chart[data-chart=ranking] svg path[stroke-dasharray]").evaluate(
            "one => one.getBoundingClientRect().x + one.getBoundingClientRect().width / 2"
        )
        wanted = at_low + (at_high - at_low) * (rate - low) / (high - low)
        assert abs(line - wanted) < 1


async def test_charts_on_paper_are_dark_on_white_whatever_the_screen_is(
    browser: Browser, live: Api
) -> None:
    await surveyed(live)
    made = await credentials(live)
    inks = (
        "[...new Set([...document.querySelectorAll('svg text')]"
        ".map(one => one.getAttribute('fill')))]"
    )
    async with watched(browser, width=1280, color_scheme="dark", **DESK) as found:
        page = found.page
        await page.goto(f"{live.http.base_url}/results/{AUTUMN}#{made}")
        await found.ready()
        assert "#e9efed" in await page.evaluate(inks)
        await page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert set(await page.evaluate(inks)) <= {"#1a2322", "#51605e"}
        await page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert "#e9efed" in await page.evaluate(inks)
