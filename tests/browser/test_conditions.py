"""Questions that appear as others are answered: page and server must agree."""

from typing import Any

import pytest

from tests.browser.conftest import OpenPhone
from tests.browser.parents import at, heading, send
from tests.factories import Api
from tests.phone_page.questionnaires import EVERY_TYPE, ask

pytestmark = pytest.mark.browser


async def test_questions_appear_as_answers_call_for_them(live: Api, new_phone: OpenPhone) -> None:
    path = await ask(live, EVERY_TYPE)
    async with new_phone() as page:
        await page.goto(at(live, path))
        why = page.locator("[data-code=why]")
        assert not await why.is_visible()
        await page.locator("label:has([value=dissatisfied])").tap()
        assert await why.is_visible()
        assert not await why.get_by_text("可以不答").is_visible()
        await page.fill("[name='q.why']", "作业太多")
        await page.fill("[name='q.homework']", "１２０")
        assert await page.locator("[data-code=tired]").is_visible()
        await page.fill("[name='q.homework']", "45")
        assert not await page.locator("[data-code=tired]").is_visible()
        await page.locator("label:has([value=satisfied])").tap()
        assert not await why.is_visible()
        # Numbers of the questions that show have no gaps.
        numbers = await page.locator(".question:visible").count()
        assert numbers == 5
        await send(page)
        assert await heading(page) == "已经收到，谢谢您！"
    bodies = await live.app.state.database.pool.fetch("SELECT body FROM response_texts")
    assert bodies == []


async def test_without_scripts_conditional_questions_stand_there_and_do_no_harm(
    live: Api, new_phone: OpenPhone
) -> None:
    path = await ask(live, EVERY_TYPE)
    async with new_phone(java_script_enabled=False) as page:
        await page.goto(at(live, path))
        assert await page.locator("[data-code=why]").get_by_text("可以不答").is_visible()
        await page.locator("label:has([value=satisfied])").tap()
        await page.fill("[name='q.why']", "不用回答的话")
        await page.locator("label:has([name='q.tired'][value='4'])").tap()
        await send(page)
        assert await heading(page) == "已经收到，谢谢您！"


GIVEN = {"a": "x", "m": ["p", "q"], "r": 3, "n": 1200, "d": 2.5, "t": "hello"}


CONDITIONS: list[dict[str, Any]] = [
    {"question": "a", "in": ["x"]},
    {"question": "a", "in": ["y"]},
    {"question": "a", "not_in": ["x"]},
    {"question": "a", "not_in": ["y"]},
    {"question": "m", "in": ["q", "z"]},
    {"question": "m", "not_in": ["z"]},
    {"question": "m", "not_in": ["p"]},
    {"question": "m", "answered": True},
    {"question": "r", "in": [3]},
    {"question": "r", "gte": 3},
    {"question": "r", "gte": 3.5},
    {"question": "r", "lte": 3},
    {"question": "n", "gte": 1200},
    {"question": "n", "lte": 1199},
    {"question": "d", "gte": 2.5},
    {"question": "d", "lte": 2.4},
    {"question": "t", "answered": True},
    {"question": "t", "answered": False},
    {"not": {"question": "t", "answered": True}},
    {"all": [{"question": "a", "in": ["x"]}, {"question": "r", "lte": 2}]},
    {"any": [{"question": "a", "in": ["y"]}, {"question": "r", "lte": 3}]},
    {"not": {"any": [{"question": "n", "gte": 1}, {"not": {"question": "d", "gte": 1}}]}},
    {"question": "c0", "answered": False},
]


def _conditional() -> dict[str, Any]:
    def localized(text: str) -> dict[str, str]:
        return {"zh-CN": text}

    options = [{"value": one, "label": localized(one)} for one in "xy"]
    several = [{"value": one, "label": localized(one)} for one in "pqz"]
    asked: list[dict[str, Any]] = [
        {"code": "a", "type": "single_choice", "options": options},
        {"code": "m", "type": "multiple_choice", "options": several},
        {"code": "r", "type": "rating"},
        {"code": "n", "type": "number"},
        {"code": "d", "type": "number"},
        {"code": "t", "type": "text"},
    ]
    for number, condition in enumerate(CONDITIONS):
        asked.append({"code": f"c{number}", "type": "text", "visible_if": condition})
    labelled = [{"label": localized(one["code"]), **one} for one in asked]
    return {"title": localized("问卷"), "questions": labelled}


@pytest.mark.parametrize("codes", ["", "amrndt", "at", "mrn", "d"])
async def test_page_and_server_agree_on_what_is_asked(
    live: Api, new_phone: OpenPhone, codes: str
) -> None:
    path = await ask(live, _conditional())
    code = path.rpartition("/")[2]
    door = await live.app.state.reception.directory.link(code)
    given = {name: value for name, value in GIVEN.items() if name in codes}
    everything = given | {f"c{number}": "said" for number in range(len(CONDITIONS))}
    kept = door.population.questionnaire.validator.asked(everything)
    async with new_phone() as page:
        await page.goto(at(live, path))
        if "a" in codes:
            await page.check("[name='q.a'][value=x]")
        if "m" in codes:
            await page.check("[name='q.m'][value=p]")
            await page.check("[name='q.m'][value=q]")
        if "r" in codes:
            await page.check("[name='q.r'][value='3']")
        for name, typed in (("n", " 1，200"), ("d", "２．５"), ("t", "hello")):
            if name in codes:
                await page.fill(f"[name='q.{name}']", typed)
        # What depends on c0 is judged with c0 answered, as for the server.
        if await page.locator("[name='q.c0']").is_visible():
            await page.fill("[name='q.c0']", "said")
        shown = await page.evaluate(
            "Array.from(document.querySelectorAll('[data-code]:not([hidden])'), "
            "(one) => one.dataset.code)"
        )
    assert {one for one in shown if one.startswith("c")} == {
        one for one in kept if one.startswith("c")
    }
