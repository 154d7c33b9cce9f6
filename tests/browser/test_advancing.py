"""A tap on an answer brings the next question into view; nothing else moves the page."""

import asyncio

import pytest
from playwright.async_api import Locator, Page

from tests.browser.conftest import OpenPhone
from tests.browser.parents import at
from tests.factories import INDICATORS, Api, link

pytestmark = pytest.mark.browser

_BOX = "((code) => document.querySelector(`[data-code=${code}]`).getBoundingClientRect())"
LONG_ENOUGH = 3_000
"""Milliseconds of the page's own clock, which is in our hands."""


async def open_form(page: Page, api: Api, query: str = "") -> None:
    """Open the page of six indicators on a phone whose edge cuts the second question."""
    await page.clock.install()
    await page.goto(at(api, f"/s/{await link(api)}{query}"))
    bottom = await page.evaluate(f"{_BOX}('ethics').bottom")
    await page.set_viewport_size({"width": 375, "height": round(bottom) - 100})


def option(page: Page, code: str, value: str = "satisfied") -> Locator:
    return page.locator(f"label:has([name='q.{code}'][value={value}])")


async def top(page: Page) -> float:
    """How far down the page is, some time after what happened to it."""
    await page.clock.run_for(LONG_ENOUGH)
    await asyncio.sleep(0.3)
    return float(await page.evaluate("scrollY"))


async def in_view(page: Page, code: str) -> bool:
    """Whether all of a question is in view."""
    return bool(
        await page.evaluate(
            f"(code) => {{ const box = {_BOX}(code);"
            " return box.top >= 0 && box.bottom <= innerHeight; }",
            code,
        )
    )


async def comes_into_view(page: Page, code: str) -> None:
    await page.clock.run_for(LONG_ENOUGH)
    async with asyncio.timeout(15):
        while not await in_view(page, code):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("query", ["", "?large=yes", "?lang=en"])
async def test_a_tap_brings_the_next_question_into_view_and_no_more(
    campaign: Api, new_phone: OpenPhone, query: str
) -> None:
    async with new_phone() as page:
        await open_form(page, campaign, query)
        assert not await in_view(page, "ethics")
        await option(page, "overall").tap()
        await comes_into_view(page, "ethics")
        assert await page.evaluate(f"innerHeight - {_BOX}('ethics').bottom") < 60
        assert await page.locator("[name='q.overall']:focus").count() == 1


async def test_the_last_tap_brings_the_button_into_view(
    campaign: Api, new_phone: OpenPhone
) -> None:
    async with new_phone() as page:
        await open_form(page, campaign)
        last, height = option(page, INDICATORS[-1]), await page.evaluate("innerHeight")
        await page.evaluate(
            "document.querySelector('[data-code=safety]').scrollIntoView({ block: 'end' })"
        )
        button = page.locator("button[type=submit]")
        before = await button.bounding_box()
        await last.tap()
        await page.clock.run_for(LONG_ENOUGH)
        assert before is not None
        async with asyncio.timeout(15):
            while True:
                now = await button.bounding_box()
                if now is not None and now["y"] + now["height"] <= height:
                    break
                await asyncio.sleep(0.05)
        assert before["y"] + before["height"] > height


async def test_whoever_changes_an_answer_stays_where_they_are(
    campaign: Api, new_phone: OpenPhone
) -> None:
    async with new_phone() as page:
        await open_form(page, campaign)
        await option(page, "overall").tap()
        await comes_into_view(page, "ethics")
        await page.evaluate("scrollTo(0, 0)")
        await option(page, "overall", "dissatisfied").tap()
        before = await page.evaluate("scrollY")
        assert await top(page) == before


async def test_a_question_that_is_answered_already_is_not_gone_to(
    campaign: Api, new_phone: OpenPhone
) -> None:
    async with new_phone() as page:
        await open_form(page, campaign)
        await page.check("[name='q.ethics'][value=satisfied]")
        await page.evaluate("scrollTo(0, 0)")
        await option(page, "overall").tap()
        before = await page.evaluate("scrollY")
        assert await top(page) == before


@pytest.mark.parametrize("key", ["Space", "ArrowDown"])
async def test_keys_move_nothing(campaign: Api, new_phone: OpenPhone, key: str) -> None:
    async with new_phone() as page:
        await open_form(page, campaign)
        # A tap elsewhere before must not be taken for one on the answer.
        await page.locator("h1").tap()
        await page.locator("[name='q.overall']").first.focus()
        await page.keyboard.press(key)
        before = await page.evaluate("scrollY")
        assert await page.locator("[name='q.overall']:checked").count() == 1
        assert await top(page) == before


async def test_less_motion_means_none(campaign: Api, new_phone: OpenPhone) -> None:
    async with new_phone(reduced_motion="reduce") as page:
        await open_form(page, campaign)
        before = await page.evaluate("scrollY")
        await option(page, "overall").tap()
        assert await top(page) == before
        assert await page.locator("[name='q.overall']:checked").count() == 1


async def test_anything_that_the_person_does_meanwhile_stops_it(
    campaign: Api, new_phone: OpenPhone
) -> None:
    async with new_phone() as page:
        await open_form(page, campaign)
        await option(page, "overall").tap()
        # A second tap, as old hands give it, lands on the same answer.
        await page.clock.run_for(200)
        await option(page, "overall").tap()
        before = await page.evaluate("scrollY")
        assert await top(page) == before
