"""Large print, zoom, and languages that run from right to left."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import OpenPhone
from tests.browser.parents import SCRIPTS, at, fill, fits, heading, refused, send
from tests.factories import Api, link
from tests.phone_page.more_kinds import MORE_KINDS
from tests.phone_page.questionnaires import EVERY_TYPE, ask

pytestmark = pytest.mark.browser


async def print_size(page: Page) -> float:
    """Of an option's words, in pixels."""
    size = await page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('.options span')).fontSize)"
    )
    return float(size)


@SCRIPTS
async def test_large_print_is_one_tap_away_and_stays(
    campaign: Api, new_phone: OpenPhone, scripts: bool
) -> None:
    url = at(campaign, f"/s/{await link(campaign)}")
    async with new_phone(width=320, java_script_enabled=scripts) as page:
        await page.goto(url)
        before = await print_size(page)
        if scripts:
            await page.locator("label:has([name='q.overall'][value=satisfied])").tap()
        await page.get_by_text("大字版").tap()
        await page.get_by_text("标准字号").wait_for()
        assert await print_size(page) >= 1.4 * before
        # Where the page changes its size itself, what was chosen stays.
        assert await page.locator(":checked").count() == int(scripts)
        await fits(page, 320)
        await page.locator("nav a").tap()
        assert await heading(page) == "School satisfaction survey"
        assert await print_size(page) >= 1.4 * before
        await page.goto(url)
        assert await print_size(page) >= 1.4 * before
        # What the address says gives way to a tap, and comes back by another.
        await page.goto(f"{url}?large=no")
        await page.get_by_text("大字版").tap()
        await page.get_by_text("标准字号").wait_for()
        await page.reload()
        await page.locator("nav a").tap()
        await page.locator("html.large[lang=en]").wait_for()
        await page.goto(url)
        await fill(page)
        await send(page)
        assert await page.locator("html.large .code").count() == 1
        await fits(page, 320)
        await page.goto(at(campaign, "/s/nothing"))
        await page.get_by_text("标准字号").tap()
        await page.get_by_text("大字版").wait_for()
        assert await page.locator("html.large").count() == 0
        await fits(page, 320)


async def test_neither_large_print_nor_zoom_needs_scrolling_sideways(
    live: Api, new_phone: OpenPhone
) -> None:
    others = [one for one in EVERY_TYPE["questions"] if one["code"] not in ("why", "start")]
    questions = [*MORE_KINDS["questions"], *others]
    url = at(live, await ask(live, {**EVERY_TYPE, **MORE_KINDS, "questions": questions}))
    # A phone of 375 pixels at 200 % zoom has 188 to show.
    for width, size in ((320, "yes"), (188, "no")):
        async with new_phone(width=width, height=400) as page:
            await page.goto(f"{url}?large={size}")
            await fits(page, width)
            await refused(page)
            await fits(page, width)


UYGHUR: dict[str, Any] = {
    "title": {"zh-CN": "家长问卷", "ug": "ئاتا-ئانىلار سوئالنامىسى"},
    "questions": [
        {
            "code": "first",
            "type": "single_choice",
            "label": {"zh-CN": "满意吗？", "ug": "رازىمۇ؟"},
            "options": [
                {"value": "yes", "label": {"zh-CN": "满意", "ug": "رازى"}},
                {"value": "no", "label": {"zh-CN": "不满意。"}},
            ],
            "required": True,
        },
        {"code": "second", "type": "text", "label": {"zh-CN": "还想说什么？"}},
        {
            "code": "third",
            "type": "date",
            "label": {"zh-CN": "哪一天入学？"},
            "min": "2015-09-01",
            "max": "2026-12-31",
        },
    ],
}

_PLACES = r"""(hint) => {
  const text = hint.firstChild;
  const left = (start) => {
    const range = document.createRange();
    range.setStart(text, start);
    range.setEnd(text, start + 1);
    return range.getBoundingClientRect().left;
  };
  return Array.from(text.data.matchAll(/\d{4}-\d\d-\d\d/g),
    ({ index }) => left(index) < left(index + 5) && left(index + 5) < left(index + 9));
}"""
"""Of each day in a hint: whether year, month and day stand in this order from left to right."""


async def test_a_uyghur_page_runs_from_right_to_left_and_falls_back_where_it_must(
    live: Api, new_phone: OpenPhone
) -> None:
    async with new_phone(width=320, locale="ug-CN") as page:
        await page.goto(at(live, await ask(live, UYGHUR)))
        assert await page.locator("html[lang=ug][dir=rtl]").count() == 1
        assert await heading(page) == "ئاتا-ئانىلار سوئالنامىسى"
        await fits(page, 320)
        for value in ("yes", "no"):
            option = page.locator(f"label:has([value={value}])")
            mark = await option.locator("input").bounding_box()
            words = await option.locator("span").bounding_box()
            assert mark is not None
            assert words is not None
            assert mark["x"] > words["x"] + words["width"] / 2
        assert await page.locator("label:has([value=no])").inner_text() == "不满意。"
        starts = await page.evaluate(
            "Array.from(document.querySelectorAll('.label'), (label) => {"
            " const range = document.createRange(); range.selectNodeContents(label);"
            " return Math.round(range.getBoundingClientRect().right); })"
        )
        assert starts[0] == starts[1], "one falls back to Chinese, both begin at the right"
        assert await page.locator("#q-third-hint").evaluate(_PLACES) == [True, True]
        await refused(page)
        await fits(page, 320)
        await page.locator("label:has([value=yes])").tap()
        await send(page)
        assert await page.locator("html[dir=rtl] .code").count() == 1
        await fits(page, 320)


@pytest.mark.parametrize("language", ["zh-CN", "ug"])
async def test_the_bureaus_name_stays_whole_beside_or_above_the_languages(
    live: Api, new_phone: OpenPhone, language: str
) -> None:
    title = {"zh-CN": "问卷", "en": "Questions", "ug": "سوئال", "bo": "དྲི་བ"}
    contact = {"bureau": "潍坊高新区教育分局"}
    url = at(live, await ask(live, {**UYGHUR, "title": title}, contact=contact))
    for size in ("no", "yes"):
        async with new_phone(width=320) as page:
            await page.goto(f"{url}?lang={language}&large={size}")
            lines = await page.locator(".bureau").evaluate(
                "(one) => { const range = document.createRange(); range.selectNodeContents(one);"
                " return range.getClientRects().length; }"
            )
            assert lines == 1
            await fits(page, 320)
