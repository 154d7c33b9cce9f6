"""The page on a phone in headless Chromium, as parents meet it."""

import pytest
from playwright.async_api import Request

from tests.browser.conftest import OpenPhone
from tests.browser.parents import SCRIPTS, at, fill, heading, send, stored
from tests.factories import INDICATORS, Api, invitations, link

pytestmark = pytest.mark.browser


@SCRIPTS
async def test_a_parent_answers_by_link(campaign: Api, new_phone: OpenPhone, scripts: bool) -> None:
    url = at(campaign, f"/s/{await link(campaign)}")
    async with new_phone(java_script_enabled=scripts) as page:
        await page.goto(url)
        await fill(page)
        await send(page)
        assert await heading(page) == "已经收到，谢谢您！"
        receipt = await page.locator(".code").inner_text()
        await page.reload()
        assert await page.locator(".code").inner_text() == receipt
        await page.goto("about:blank")
        await page.goto(url)
        assert await heading(page) == "您已经答过了"
        assert await page.locator("form").count() == 0
    assert await stored(campaign) == [2]


@SCRIPTS
async def test_a_parent_answers_by_invitation(
    campaign: Api, new_phone: OpenPhone, scripts: bool
) -> None:
    (token,) = await invitations(campaign, 1)
    async with new_phone(java_script_enabled=scripts) as page:
        await page.goto(at(campaign, f"/i/{token}"))
        await fill(page, "dont_know")
        await send(page)
        assert await heading(page) == "已经收到，谢谢您！"
        assert await page.context.cookies() == []
    async with new_phone() as another:
        await another.goto(at(campaign, f"/i/{token}"))
        assert await heading(another) == "您已经答过了"
    assert await stored(campaign) == [3]


@SCRIPTS
async def test_going_back_after_sending_says_that_all_is_done(
    campaign: Api, new_phone: OpenPhone, scripts: bool
) -> None:
    (token,) = await invitations(campaign, 1)
    async with new_phone(java_script_enabled=scripts) as page:
        for path in (f"/s/{await link(campaign)}", f"/i/{token}"):
            await page.goto(at(campaign, path))
            await fill(page)
            await send(page)
            await page.go_back()
            if scripts:
                # The page took the form's place in the history: back leads out of it.
                assert page.url == "about:blank"
                await page.go_forward()
                assert await heading(page) == "已经收到，谢谢您！"
                await page.goto("about:blank")
            else:
                assert await heading(page) == "您已经答过了"
    assert sorted(await stored(campaign)) == [2, 3]


async def test_a_page_left_open_in_a_second_tab_cannot_answer_again(
    campaign: Api, new_phone: OpenPhone
) -> None:
    url = at(campaign, f"/s/{await link(campaign)}")
    async with new_phone() as page:
        second = await page.context.new_page()
        for tab in (page, second):
            await tab.bring_to_front()
            await tab.goto(url)
            await fill(tab)
        await send(second)
        await page.bring_to_front()
        await send(page)
        assert await heading(second) == "已经收到，谢谢您！"
        assert await heading(page) == "您已经答过了"
    assert await stored(campaign) == [2]


@SCRIPTS
async def test_errors_are_shown_and_take_the_focus(
    campaign: Api, new_phone: OpenPhone, scripts: bool
) -> None:
    async with new_phone(java_script_enabled=scripts) as page:
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        await fill(page)
        # A radio cannot be undone, so the last question is taken out of the form.
        if scripts:
            await page.evaluate("document.querySelector('[data-code=safety]').remove()")
        else:
            await page.reload()
            for code in INDICATORS[:-1]:
                await page.locator(f"label:has([name='q.{code}'][value=satisfied])").tap()
        await send(page)
        assert await page.locator(".notice:focus").count() == 1
        assert await page.locator(".error").all_inner_texts() == ["请选择一个答案。"]
        assert await page.locator("input:checked").count() == 5
        await page.locator(".notice a").tap()
        assert await page.locator("#q-safety:focus").count() == 1
        await page.locator("label:has([name='q.safety'][value=satisfied])").tap()
        await send(page)
        assert await heading(page) == "已经收到，谢谢您！"
    assert await stored(campaign) == [2]


async def test_an_english_reader_is_met_in_english_and_can_switch(
    campaign: Api, new_phone: OpenPhone
) -> None:
    async with new_phone(locale="en-GB") as page:
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        assert await heading(page) == "School satisfaction survey"
        await page.locator("nav a").tap()
        assert await heading(page) == "2026 年秋季满意度调查"
        await page.locator("nav a").tap()
        await fill(page)
        await send(page)
        assert await heading(page) == "Received. Thank you!"


async def test_a_double_tap_sends_once(campaign: Api, new_phone: OpenPhone) -> None:
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.url)

    async with new_phone() as page:
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        await fill(page)
        page.on("request", note)
        await page.evaluate(
            "() => { const button = document.querySelector('button[type=submit]');"
            "button.click(); button.click(); button.click(); }"
        )
        await page.locator(".code").wait_for()
        assert await heading(page) == "已经收到，谢谢您！"
    assert len(sent) == 1


@SCRIPTS
async def test_a_page_takes_three_requests_and_breaks_no_rule_of_its_own(
    campaign: Api, new_phone: OpenPhone, scripts: bool
) -> None:
    requests: list[str] = []
    complaints: list[str] = []
    async with new_phone(java_script_enabled=scripts) as page:
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(at(campaign, f"/s/{await link(campaign)}"), wait_until="networkidle")
        assert len([one for one in requests if not one.startswith("data:")]) <= 3
        await fill(page)
        await send(page)
    assert complaints == []


async def test_the_receipt_is_copied_without_gaps(campaign: Api, new_phone: OpenPhone) -> None:
    async with new_phone() as page:
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        await fill(page)
        await send(page)
        copied = await page.evaluate(
            "() => { getSelection().selectAllChildren(document.querySelector('.code'));"
            "return getSelection().toString(); }"
        )
    assert len(copied.strip()) == 38
    assert not any(one.isspace() for one in copied.strip())


@pytest.mark.parametrize("old_way", [True, False])
async def test_a_button_copies_the_receipt_where_scripts_run(
    campaign: Api, new_phone: OpenPhone, old_way: bool
) -> None:
    async with new_phone(permissions=["clipboard-read", "clipboard-write"]) as page:
        if not old_way:
            await page.add_init_script("Document.prototype.execCommand = () => false;")
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        await fill(page)
        await send(page)
        await page.get_by_role("button", name="复制回执").tap()
        await page.get_by_text("已复制。").wait_for()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied == await page.locator(".code").text_content()
        assert len(copied) == 38
        # After a reload the button is there again, and without scripts it never was.
        await page.reload()
        assert await page.get_by_role("button", name="复制回执").is_visible()
