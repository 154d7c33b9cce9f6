"""Every type of question, in both languages, with and without scripts, by thumb and by keyboard."""

from typing import Any

import pytest
from playwright.async_api import Page

from app.phone_page.texts import CATALOGUE
from tests.browser.conftest import OpenPhone
from tests.browser.parents import SCRIPTS, at, heading, send
from tests.browser.test_axe import ALL_TYPES
from tests.factories import Api
from tests.phone_page.questionnaires import ask

pytestmark = pytest.mark.browser

SAID: dict[str, Any] = {
    "born": "2019-09-01",
    "books": 1200,
    "teachers.maths": "good",
    "teachers.sport": "bad",
    "why": ["near", "other"],
    "sports": "没有操场",
    "overall": "satisfied",
    "improve": ["food", "bus"],
    "score": 10,
    "homework": 90,
    "tired": 4,
    "comment": "谢谢\n老师",
    "why.other": "有校车",
}
"""An answer to each question, as it is to be stored."""


_CODES = "Array.from(document.querySelectorAll('[data-code]'), (one) => one.dataset.code)"


async def tell(page: Page) -> None:
    """Tap and type all of SAID, in the order in which the page asks."""
    for code in await page.evaluate(_CODES):
        said = SAID[code]
        field = f"[name='q.{code}']"
        if await page.locator(field).first.get_attribute("type") in ("radio", "checkbox"):
            for value in said if isinstance(said, list) else [said]:
                await page.locator(f"label:has({field}[value='{value}'])").tap()
        else:
            await page.fill(field, typed(code))


def typed(code: str) -> str:
    """An answer as a person types it."""
    return "1，200" if code == "books" else str(SAID[code])


async def kept(api: Api, page: Page) -> dict[str, Any]:
    """The answers that the receipt on the page shows."""
    receipt = (await page.locator(".code").inner_text()).replace("\n", "")
    arrival = await api.made("POST", "/v1/receipts/read", {"receipt": receipt})
    answers: dict[str, Any] = arrival["answers"]
    return {**answers, "why": sorted(answers["why"])}


@SCRIPTS
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
async def test_every_type_is_answered_with_a_thumb(
    live: Api, new_phone: OpenPhone, locale: str, scripts: bool
) -> None:
    url = at(live, await ask(live, ALL_TYPES))
    async with new_phone(java_script_enabled=scripts, locale=locale) as page:
        await page.goto(url)
        await tell(page)
        await send(page)
        assert await heading(page) == CATALOGUE[locale]["thanks_title"]
        assert await kept(live, page) == SAID


async def test_every_type_is_answered_by_keyboard_alone(live: Api, new_phone: OpenPhone) -> None:
    url = at(live, await ask(live, ALL_TYPES))
    async with new_phone(is_mobile=False, has_touch=False) as page:
        await page.goto(url)
        asked: list[str] = []
        while True:
            await page.keyboard.press("Tab")
            focused = await page.evaluate(
                "() => { const one = document.activeElement;"
                " return [one.type || '', (one.name || '').slice(2), one.value || '',"
                " getComputedStyle(one.closest('.options label, .ratings label') || one)"
                ".outlineStyle]; }"
            )
            kind, code, value, outline = focused
            if kind == "submit":
                break
            if not code:
                continue
            # A date takes several stops, the calendar's button last.
            if kind != "date" or code not in asked:
                assert outline == "solid", code
                await press(page, kind, code, value)
            asked.append(code)
        await page.keyboard.press("Enter")
        await page.locator(".code").wait_for()
        assert set(asked) == set(SAID)
        assert await kept(live, page) == SAID


async def press(page: Page, kind: str, code: str, value: str) -> None:
    """Answer the field that has the focus by keys."""
    said = SAID[code]
    if kind == "checkbox":
        if value in said:
            await page.keyboard.press("Space")
    elif kind == "radio":
        await page.keyboard.press("Space")
        while await page.evaluate("document.activeElement.value") != str(said):
            await page.keyboard.press("ArrowDown")
    elif kind == "date":
        year, month, day = said.split("-")
        await page.keyboard.type(f"{month}{day}{year}")
        # Year, month and day have a stop each.
        for _ in range(4):
            if await page.input_value(f"[name='q.{code}']") == said:
                break
            await page.keyboard.press("ArrowRight")
        assert await page.input_value(f"[name='q.{code}']") == said
    else:
        await page.keyboard.type(typed(code))
