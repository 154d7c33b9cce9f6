"""The page on a phone in headless Chromium, as parents meet it."""

from typing import Any

import pytest
from playwright.async_api import Page, Request

from tests.browser.conftest import OpenPhone
from tests.factories import INDICATORS, Api, invitations, link
from tests.phone_page.questionnaires import EVERY_TYPE, ask

pytestmark = pytest.mark.browser

SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])


def at(api: Api, path: str) -> str:
    return f"{api.http.base_url}{path}"


async def fill(page: Page, value: str = "satisfied") -> None:
    """Tap one answer to all six indicators."""
    for code in INDICATORS:
        await page.locator(f"label:has([name='q.{code}'][value={value}])").tap()


async def send(page: Page) -> None:
    """Tap the button and wait for what follows."""
    async with page.expect_navigation():
        await page.locator("button[type=submit]").tap()


async def heading(page: Page) -> str:
    return await page.locator("h1").inner_text()


async def stored(api: Api) -> list[Any]:
    """The channels of all responses."""
    rows = await api.app.state.database.pool.fetch("SELECT channel FROM responses")
    return [row["channel"] for row in rows]


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
            assert await heading(page) == "您已经答过了"
    assert sorted(await stored(campaign)) == [2, 3]


async def test_a_page_left_open_in_a_second_tab_cannot_answer_again(
    campaign: Api, new_phone: OpenPhone
) -> None:
    url = at(campaign, f"/s/{await link(campaign)}")
    async with new_phone() as page:
        second = await page.context.new_page()
        for tab in (page, second):
            await tab.goto(url)
            await fill(tab)
        await send(second)
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


async def fits(page: Page, width: int) -> None:
    """Nothing sticks out, and nothing to tap is under 44 pixels high or wide."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    small = await page.evaluate(
        "Array.from(document.querySelectorAll("
        "'a, button, textarea, input[type=text], .options label, .ratings label'))"
        ".map((one) => [one.textContent, one.getBoundingClientRect()])"
        ".filter(([, box]) => box.width && (box.height < 44 || box.width < 44))"
        ".map(([text, box]) => [text, box.width, box.height])"
    )
    assert small == []


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
        await send(page)
        assert await page.locator(".notice").count() == 1
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
        for code in INDICATORS:
            await page.keyboard.press("Tab")
            assert await page.locator(f"[name='q.{code}']:focus-visible").count() == 1
            await page.keyboard.press("Space")
            await page.keyboard.press("ArrowDown")
        assert await page.locator("[value=basically_satisfied]:checked").count() == 6
        await page.keyboard.press("Tab")
        assert await page.locator("button:focus-visible").count() == 1
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        assert await heading(page) == "已经收到，谢谢您！"


async def test_a_double_tap_sends_once(campaign: Api, new_phone: OpenPhone) -> None:
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.url)

    async with new_phone() as page:
        await page.goto(at(campaign, f"/s/{await link(campaign)}"))
        await fill(page)
        page.on("request", note)
        async with page.expect_navigation():
            await page.evaluate(
                "() => { const button = document.querySelector('button');"
                "button.click(); button.click(); button.click(); }"
            )
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
        await send(page)
        assert await page.locator(".error").count() == 1
        assert await page.evaluate(_CONTRASTS) == []
        await page.fill("[name='q.why']", "x")
        await send(page)
        assert await page.locator(".code").count() == 1
        assert await page.evaluate(_CONTRASTS) == []
