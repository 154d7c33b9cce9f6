"""A poster prints on one sheet of A4, whatever the school's name and the bureau's contact."""

import re

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import OpenPhone
from tests.browser.parents import at
from tests.factories import Api, link, open_campaign

pytestmark = pytest.mark.browser


def sheets(pdf: bytes) -> list[tuple[float, ...]]:
    """The width and height of each page of a PDF, in points."""
    boxes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)
    assert len(boxes) == len(re.findall(rb"/Type\s*/Page\b", pdf))
    return [tuple(map(float, box)) for box in boxes]


async def test_each_poster_fills_one_sheet_and_nothing_is_cut_off(
    live: Api, browser: Browser
) -> None:
    await open_campaign(live, contact={"bureau": "潍坊市教育局", "phone": "0536-8091234"})
    await open_campaign(
        live,
        "L",
        title="很长的调查题目" * 20,
        contact={"bureau": "很长的教育局" * 40, "phone": "0536-8091234 " * 30},
    )
    unit = {"name": "很长的学校名字" * 20, "kind": "school", "parent": "A", "stage": "primary"}
    await live.made("PUT", "/v1/units/A2", unit)
    addresses = [
        f"/v1/links/{await link(live)}/poster",
        f"/v1/links/{await link(live)}/poster?lang=en",
        f"/v1/links/{await link(live, 'A2', campaign='L')}/poster?lang=en",
    ]
    await link(live, "B1")
    addresses.append("/v1/campaigns/C/links/posters?population=parent")
    context = await browser.new_context(
        extra_http_headers={"Authorization": f"Bearer {live.token}"}
    )
    complaints: list[str] = []
    try:
        page = await context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        for address in addresses:
            await page.goto(at(live, address))
            await page.emulate_media(media="print")
            below = await page.evaluate(
                "Array.from(document.querySelectorAll('.poster'), (one) =>"
                " one.lastElementChild.getBoundingClientRect().bottom"
                " - one.getBoundingClientRect().bottom)"
            )
            assert max(below) <= 0
            drawn = await page.locator("svg").first.bounding_box()
            # A code of 7 cm is scanned from a metre away.
            assert drawn is not None
            assert drawn["height"] >= 7 / 2.54 * 96
            found = sheets(await page.pdf(prefer_css_page_size=True))
            assert len(found) == len(below)
            # A4 in points, as the browser rounds it.
            assert {(round(w / 5), round(h / 5)) for w, h in found} == {(119, 168)}
    finally:
        await context.close()
    assert complaints == []


async def test_the_short_address_of_a_poster_leads_to_the_form(
    live: Api, new_phone: OpenPhone
) -> None:
    await open_campaign(live)
    sheet = await live.get(f"/v1/links/{await link(live)}/poster")
    typed = re.findall(r'class="address"[^>]*>([^<]+)<', sheet.text)
    assert len(typed) == 1
    assert re.fullmatch(r"[^/]+/s/[2-9A-Za-z]{8}", typed[0])
    async with new_phone() as page:
        await page.goto(f"http://{typed[0]}")
        assert await page.locator("form[data-version]").count() == 1
