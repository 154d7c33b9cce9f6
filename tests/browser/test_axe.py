"""axe finds nothing wrong with any page, in any state, size, colour or direction."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.axe import violations
from tests.browser.conftest import OpenPhone
from tests.browser.parents import at, refused, send
from tests.browser.test_sizes import UYGHUR
from tests.factories import Api, campaign_body, link, open_campaign
from tests.phone_page.more_kinds import MORE_KINDS
from tests.phone_page.questionnaires import EVERY_TYPE, ask

pytestmark = pytest.mark.browser

_OTHERS = [one for one in EVERY_TYPE["questions"] if one["code"] not in ("why", "start")]
ALL_TYPES = {**EVERY_TYPE, **MORE_KINDS, "questions": [*MORE_KINDS["questions"], *_OTHERS]}
AROUND: dict[str, Any] = {
    "contact": {"bureau": "潍坊市教育局", "phone": "0536-8091234", "hours": "9:00-17:00"},
    "legal": {"表号": "教满 1 表", "制定机关": "潍坊市教育局"},
    "purpose": "用于改进学校工作",
}
LOOKS: dict[str, tuple[dict[str, Any], str]] = {
    "light": ({}, "?lang=en"),
    "narrow, large and dark": ({"width": 320, "color_scheme": "dark"}, "?large=yes"),
}


async def answer(page: Page) -> None:
    """Give the answers that the page with all types requires."""
    await page.fill("[name='q.born']", "2019-09-01")
    for name, value in (("teachers.maths", "good"), ("teachers.sport", "bad")):
        await page.check(f"[name='q.{name}'][value={value}]")
    await page.check("[name='q.overall'][value=satisfied]")


@pytest.mark.parametrize("look", LOOKS)
async def test_the_form_in_every_state_and_the_thanks(
    live: Api, new_phone: OpenPhone, look: str
) -> None:
    options, query = LOOKS[look]
    url = at(live, await ask(live, ALL_TYPES, **AROUND))
    async with new_phone(**options) as page:
        await page.goto(url + query)
        await refused(page)
        assert await page.locator(".error").count() == 4
        assert await violations(page) == [], "with errors"
        await answer(page)
        assert await page.locator("[data-code=sports]").is_visible()
        await page.context.set_offline(True)
        await page.locator("button[type=submit]").tap()
        await page.locator(".state.card [value=again]").wait_for()
        assert await violations(page) == [], "waiting for a network"
        await page.context.set_offline(False)
        await page.locator(".code").wait_for()
        assert await violations(page) == [], "thanks"


async def test_the_form_without_scripts_and_from_right_to_left(
    live: Api, new_phone: OpenPhone
) -> None:
    url = at(live, await ask(live, UYGHUR, **AROUND))
    async with new_phone(locale="ug-CN") as page:
        await page.goto(url)
        assert await page.locator("html[dir=rtl]").count() == 1
        assert await violations(page) == []
        await refused(page)
        assert await violations(page) == []
        await page.locator("label:has([value=yes])").tap()
        await send(page)
        assert await violations(page) == []


async def test_the_pages_of_every_state(live: Api, new_phone: OpenPhone) -> None:
    for code, more in (("C", {}), ("X", {}), ("I", {"identity": ["invitation"]})):
        await open_campaign(live, code, **AROUND, **more)
    await live.made("PUT", "/v1/campaigns/N", campaign_body())
    links = {code: await link(live, campaign=code) for code in "CXIN"}
    revoked = await link(live, "A2")
    await live.made("POST", "/v1/campaigns/X/close")
    await live.made("POST", f"/v1/links/{revoked}/revoke")
    states = {
        "unknown": "nothing",
        "not_open": links["N"],
        "closed": links["X"],
        "identity": links["I"],
        "revoked": revoked,
    }
    async with new_phone() as page:
        for state, code in states.items():
            await page.goto(at(live, f"/s/{code}"))
            assert await page.locator(f"[data-page={state}]").count() == 1
            assert await violations(page) == [], state
        await page.goto(at(live, f"/s/{links['C']}"))
        for radio in await page.locator("[value=satisfied]").all():
            await radio.check()
        await send(page)
        await page.goto("about:blank")
        await page.goto(at(live, f"/s/{links['C']}"))
        assert await page.locator("[data-page=answered]").count() == 1
        assert await violations(page) == []
        # Posters are pages too, for those who hand them on as files.
        sheet = await live.get(f"/v1/links/{links['C']}/poster")
        await page.set_content(sheet.text)
        assert await violations(page) == []
