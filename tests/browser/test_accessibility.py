"""Size, keyboard and contrast: the page can be read and reached by everyone."""

import pytest

from tests.browser.conftest import OpenPhone
from tests.browser.parents import at, fits, heading, refused, send
from tests.factories import INDICATORS, Api, link
from tests.phone_page.questionnaires import EVERY_TYPE, ask

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [320, 375, 1280])
async def test_nothing_is_wider_than_the_phone_and_targets_are_large(
    live: Api, new_phone: OpenPhone, width: int
) -> None:
    unit = {"name": "Supercalifragilistic" * 4, "kind": "school", "parent": "A"}
    await live.made("PUT", "/v1/units/A1", unit)
    contact = {"email": f"{'long' * 15}@{'name' * 12}.example.cn", "phone": "0536-8091234"}
    path = await ask(live, EVERY_TYPE, contact=contact)
    async with new_phone(width=width, height=568) as page:
        await page.goto(at(live, path))
        await fits(page, width)
        await page.locator("label:has([value=dissatisfied])").tap()
        await refused(page)
        await fits(page, width)
        await page.fill("[name='q.why']", "x")
        await send(page)
        assert await page.locator(".code").count() == 1
        await fits(page, width)


async def test_the_keyboard_alone_is_enough(campaign: Api, new_phone: OpenPhone) -> None:
    async with new_phone() as page:
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        await page.keyboard.press("Tab")
        assert await page.locator("nav a:focus").count() == 1
        await page.keyboard.press("Tab")
        assert await page.locator(".size:focus").count() == 1
        for code in INDICATORS:
            await page.keyboard.press("Tab")
            assert await page.locator(f"[name='q.{code}']:focus-visible").count() == 1
            await page.keyboard.press("Space")
            await page.keyboard.press("ArrowDown")
        assert await page.locator("[value=basically_satisfied]:checked").count() == 6
        await page.keyboard.press("Tab")
        assert await page.locator("button:focus-visible").count() == 1
        await page.keyboard.press("Enter")
        await page.locator(".code").wait_for()
        assert await heading(page) == "已经收到，谢谢您！"


_CONTRASTS = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((one) => {
      one /= 255;
      return one <= .04045 ? one / 12.92 : Math.pow((one + .055) / 1.055, 2.4);
    });
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = parse(getComputedStyle(element).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const low = [];
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push([texts.currentNode.textContent, ratio]);
  }
  return low;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_stands_out_from_what_is_behind_it(
    live: Api, new_phone: OpenPhone, scheme: str
) -> None:
    contact = {"phone": "0536-8091234"}
    path = await ask(live, EVERY_TYPE, contact=contact, legal={"表号": "教满 1 表"})
    async with new_phone(color_scheme=scheme) as page:
        await page.goto(at(live, path))
        await page.locator("label:has([value=dissatisfied])").tap()
        await refused(page)
        assert await page.locator(".error").count() == 1
        assert await page.evaluate(_CONTRASTS) == []
        await page.fill("[name='q.why']", "x")
        await send(page)
        assert await page.locator(".code").count() == 1
        assert await page.evaluate(_CONTRASTS) == []
