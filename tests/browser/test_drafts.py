"""What was filled in and not sent stays on the phone, for a while, and for this page only."""

import pytest
from playwright.async_api import Page

from tests.browser.conftest import OpenPhone
from tests.browser.parents import at, heading, send
from tests.browser.test_sending import RECORDS
from tests.factories import Api, link, open_campaign
from tests.phone_page.questionnaires import EVERY_TYPE, ask

pytestmark = pytest.mark.browser

SHOWN = ".state.card [value=clear]:visible"
WEEK = 7 * 24 * 3600 * 1000


async def fill_some(page: Page) -> None:
    """Answer some questions of every type, as somebody who then turns to something else."""
    await page.locator("label:has([value=dissatisfied])").tap()
    await page.fill("[name='q.why']", "作业\n太多")
    for value in ("food", "bus"):
        await page.locator(f"label:has([name='q.improve'][value={value}])").tap()
    await page.fill("[name='q.homework']", "１２０")
    await page.locator("label:has([name='q.tired'][value='4'])").tap()
    await page.evaluate("window.dispatchEvent(new Event('pagehide'))")


async def test_a_draft_comes_back_is_told_and_can_be_cleared(
    live: Api, new_phone: OpenPhone
) -> None:
    url = at(live, await ask(live, EVERY_TYPE))
    async with new_phone() as page:
        await page.goto(url)
        await fill_some(page)
        ((key, record),) = await page.evaluate(RECORDS)
        assert "proof" not in str(record)
        assert "submission_id" not in str(record)
        await page.goto(f"{url}?lang=en")
        await page.locator(SHOWN).wait_for()
        assert "here again" in await page.locator("[role=status]").inner_text()
        assert await page.input_value("[name='q.why']") == "作业\n太多"
        assert await page.locator(":checked").count() == 4
        assert await page.locator("[data-code=tired]").is_visible()
        assert key.endswith("#1")
        assert await page.locator(SHOWN).inner_text() == "Clear and start again"
        await page.locator(SHOWN).tap()
        assert await page.locator(":checked").count() == 0
        assert not await page.locator("[data-code=tired]").is_visible()
        assert await page.evaluate(RECORDS) == []
        await page.reload()
        assert await page.locator(SHOWN).count() == 0


async def test_a_draft_is_sent_once_and_then_forgotten(live: Api, new_phone: OpenPhone) -> None:
    url = at(live, await ask(live, EVERY_TYPE))
    async with new_phone() as page:
        await page.goto(url)
        await fill_some(page)
        again = await page.context.new_page()
        await page.close()
        await again.goto(url)
        await send(again)
        assert await heading(again) == "已经收到，谢谢您！"
        assert await again.evaluate(RECORDS) == []
    texts = await live.app.state.database.pool.fetch("SELECT body FROM response_texts")
    assert [one["body"] for one in texts] == ["作业\n太多"]


async def test_drafts_of_another_version_or_of_last_week_are_left_out(
    live: Api, new_phone: OpenPhone
) -> None:
    url = at(live, await ask(live, EVERY_TYPE))
    async with new_phone() as page:
        await page.goto(url)
        changes: list[tuple[str, int]] = [
            ("{version: 'own:2'}", 1),
            (f"{{at: Date.now() - {WEEK} - 1}}", 0),
            ("{at: Date.now() + 60000}", 0),
            ("{answers: 'no list'}", 0),
        ]
        for change, kept in changes:
            await fill_some(page)
            assert len(await page.evaluate(RECORDS)) == 1
            await page.evaluate(
                "(change) => { for (const key of Object.keys(localStorage)) {"
                " const record = Object.assign(JSON.parse(localStorage[key]), change);"
                " localStorage[key] = JSON.stringify(record); } }",
                await page.evaluate(f"({change})"),
            )
            await page.reload()
            assert await page.locator(":checked").count() == 0
            assert await page.locator(SHOWN).count() == 0
            assert len(await page.evaluate(RECORDS)) == kept


async def test_each_child_has_a_draft_of_its_own(live: Api, new_phone: OpenPhone) -> None:
    asked = {"questionnaire": "satisfaction-six", "version": 1, "max_children": 2}
    await open_campaign(live, populations={"parent": asked})
    url = at(live, f"/s/{await link(live)}")
    async with new_phone() as page:
        for address, value in ((url, "satisfied"), (f"{url}?child=2", "dont_know")):
            await page.goto(address)
            assert await page.locator(":checked").count() == 0
            await page.locator(f"label:has([name='q.overall'][value={value}])").tap()
        await page.goto(url)
        assert await page.locator("[value=satisfied]:checked").count() == 1
        await page.goto(f"{url}?child=2")
        assert await page.locator("[value=dont_know]:checked").count() == 1
