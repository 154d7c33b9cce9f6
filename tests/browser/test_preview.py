"""A preview in a browser: it asks what answers call for, and keeps nothing on the phone."""

import pytest

from tests.browser.conftest import OpenPhone
from tests.browser.parents import at, heading
from tests.factories import Api
from tests.phone_page.questionnaires import EVERY_TYPE

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("script", [True, False])
async def test_a_preview_is_filled_in_and_leaves_nothing(
    live: Api, new_phone: OpenPhone, script: bool
) -> None:
    await live.made("PUT", "/v1/questionnaires/own", EVERY_TYPE)
    made = await live.made("POST", "/v1/questionnaires/own/preview")
    path = "/p/" + made["url"].rpartition("/")[2]
    async with new_phone(java_script_enabled=script) as page:
        await page.goto(at(live, path))
        assert await page.get_by_text("这是预览，不会保存").is_visible()
        await page.locator("label:has([value=dissatisfied])").tap()
        if script:
            assert await page.locator("[data-code=why]").is_visible()
        await page.fill("[name='q.why']", "作业太多")
        await page.locator("form [type=submit]").tap()
        await page.wait_for_selector("main[data-page=preview_accepted]")
        assert await heading(page) == "这份回答会被接受"
        if script:
            assert await page.evaluate("localStorage.length") == 0
        assert await page.context.cookies() == []
    pool = live.app.state.database.pool
    assert await pool.fetchval("SELECT count(*) FROM responses") == 0
