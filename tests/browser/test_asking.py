"""Before anything is sent: what is missing is said at its question, and how far one has come."""

from typing import Any

import pytest

from tests.browser.conftest import OpenPhone
from tests.browser.parents import at, fits, heading, refused, send
from tests.factories import Api
from tests.phone_page.questionnaires import EVERY_TYPE, ask, both

pytestmark = pytest.mark.browser


async def test_what_is_missing_is_said_at_its_question_before_sending(
    live: Api, new_phone: OpenPhone
) -> None:
    sent: list[str] = []
    async with new_phone() as page:
        await page.goto(at(live, await ask(live, EVERY_TYPE)))
        page.on("request", lambda request: sent.append(request.method))
        await refused(page)
        assert await page.locator(".notice a").all_inner_texts() == ["总体满意吗？"]
        overall, why = page.locator("[data-code=overall]"), page.locator("[data-code=why]")
        assert await overall.locator(".error").inner_text() == "请选择一个答案。"
        described = await overall.locator("fieldset").get_attribute("aria-describedby")
        assert described == await overall.locator(".error").get_attribute("id")
        await page.locator("label:has([value=dissatisfied])").tap()
        assert await page.locator(".wrong, .error").count() == 0
        # What the answer asks for then is missing in its turn.
        await refused(page)
        assert await page.locator(".notice").count() == 1
        assert await why.locator(".error").inner_text() == "请回答这一题。"
        assert await page.locator("#q-why").get_attribute("aria-invalid") == "true"
        assert await page.locator("#q-why").get_attribute("aria-describedby") == (
            "q-why-hint q-why-error"
        )
        assert sent == []
        await page.locator(".notice a").tap()
        await page.keyboard.type("作业太多")
        # Half an emoji, as a keyboard that is cut short leaves it.
        await page.evaluate("document.getElementById('q-why').value += '\\ud83d'")
        assert await page.locator("#q-why").get_attribute("aria-describedby") == "q-why-hint"
        await send(page)
        assert await heading(page) == "已经收到，谢谢您！"
    assert sent == ["POST"]


def long_form() -> dict[str, Any]:
    """Twelve questions, the last of which is only asked after one answer to the first."""
    options: list[dict[str, Any]] = [
        {"value": one, "label": both(one, one)} for one in ("yes", "no", "other")
    ]
    options[-1]["text_length"] = 20
    questions: list[dict[str, Any]] = [
        {
            "code": f"a{number}",
            "type": "single_choice",
            "options": options,
            "label": both("问", "Q"),
        }
        for number in range(12)
    ]
    questions[-1]["visible_if"] = {"question": "a0", "in": ["no"]}
    return {"title": both("长问卷", "Long"), "questions": questions}


async def test_a_long_form_says_how_far_one_has_come(live: Api, new_phone: OpenPhone) -> None:
    async with new_phone(width=320, height=568) as page:
        await page.goto(at(live, await ask(live, long_form())))
        text, bar = page.locator(".progress p"), page.locator("progress")
        assert await text.inner_text() == "已答 0 题，共 11 题"
        await page.locator("label:has([name='q.a0'][value=no])").tap()
        assert await text.inner_text() == "已答 1 题，共 12 题"
        # A line beside an option is no question of its own.
        await page.locator("label:has([name='q.a1'][value=other])").tap()
        assert await text.inner_text() == "已答 2 题，共 12 题"
        assert [await bar.get_attribute("max"), await bar.get_attribute("value")] == ["12", "2"]
        await page.locator("label:has([name='q.a0'][value=yes])").tap()
        assert await text.inner_text() == "已答 2 题，共 11 题"
        assert await text.is_visible()
        await fits(page, 320)
        # It stays in view, and hides nothing that has the focus.
        await page.evaluate("scrollTo(0, document.body.scrollHeight)")
        await page.focus("#q-a5")
        top = await page.locator(".progress").bounding_box()
        field = await page.locator("#q-a5").bounding_box()
        assert top is not None
        assert field is not None
        assert 0 == top["y"] < top["y"] + top["height"] <= field["y"] < 568
