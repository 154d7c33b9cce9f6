"""Days, matrices, texts beside options and options that stand alone, on a phone."""

import pytest

from tests.browser.conftest import OpenPhone
from tests.browser.parents import at, fits, heading, send
from tests.factories import Api
from tests.phone_page.more_kinds import MORE_KINDS
from tests.phone_page.questionnaires import ask

pytestmark = pytest.mark.browser


async def test_they_are_filled_in_with_a_thumb(live: Api, new_phone: OpenPhone) -> None:
    path = await ask(live, MORE_KINDS)
    async with new_phone(width=320, height=568) as page:
        await page.goto(at(live, path))
        await fits(page, 320)
        beside, sports = page.locator("[data-code='why.other']"), page.locator("[data-code=sports]")
        started = page.locator(".note")
        assert not await beside.is_visible()
        await page.fill("[name='q.born']", "2019-09-01")
        assert await started.is_visible()
        await page.fill("[name='q.born']", "2019-08-31")
        assert not await started.is_visible()
        for row, value in (("maths", "good"), ("sport", "bad")):
            await page.locator(f"label:has([name='q.teachers.{row}'][value={value}])").tap()
        assert await sports.is_visible()
        # An option that stands alone takes the others away, and they it.
        for value in ("near", "other", "none"):
            await page.locator(f"label:has([name='q.why'][value={value}])").tap()
        assert await page.locator("[name='q.why']:checked").count() == 1
        assert not await beside.is_visible()
        await page.locator("label:has([name='q.why'][value=other])").tap()
        assert await page.locator("[name='q.why'][value=none]:checked").count() == 0
        await page.fill("[name='q.why.other']", "有校车")
        await fits(page, 320)
        await send(page)
        assert await heading(page) == "已经收到，谢谢您！"
