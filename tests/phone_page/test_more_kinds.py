"""Days, matrices, texts beside options and options that stand alone, as people fill them in."""

import re

import pytest

from tests.factories import Api, tree
from tests.phone_page.conftest import Browser, hidden
from tests.phone_page.more_kinds import MORE_KINDS
from tests.phone_page.questionnaires import ask

FILLED = {
    "q.born": "2015-05-01",
    "q.books": "１２０",
    "q.teachers.maths": "good",
    "q.teachers.sport": "bad",
    "q.why": ["near", "other"],
    "q.why.other": "有校车",
    "q.sports": "太少",
}


@pytest.fixture
async def path(admin: Api) -> str:
    """A link's path."""
    await tree(admin)
    return await ask(admin, MORE_KINDS, identity=["device"])


async def test_they_are_stored_as_they_were_filled_in(
    admin: Api, browser: Browser, path: str
) -> None:
    page = await browser.open(path)
    receipt = await browser.send(path, {**hidden(page.text), **FILLED})
    assert receipt.status_code == 201, receipt.text
    [stored] = await admin.app.state.database.pool.fetch("SELECT answers FROM readable_responses")
    for part in ('"2015-05-01"', '"teachers.sport": "bad"', '"why.other": "有校车"', "120"):
        assert part in stored["answers"]


async def test_the_page_says_what_it_asks(browser: Browser, path: str) -> None:
    page = (await browser.open(path)).text
    assert "<h2>关于孩子</h2>" in page
    assert '<span class="measure">本</span>' in page
    assert 'inputmode="numeric" name="q.books"' in page
    assert '<input type="date" name="q.born"' in page
    assert 'min="2006-01-01" max="2022-12-31"' in page
    # Who hears the page hears with each row what it is about.
    assert '<span class="heard">各科教学怎么样？ </span>数学' in page
    assert "其他（请说明）" in page
    assert 'value="none" data-alone' in page


async def test_each_person_has_an_order_of_their_own_and_keeps_it(
    browser: Browser, path: str
) -> None:
    orders = set()
    for _ in range(12):
        page = (await browser.open(path)).text
        order = re.findall(r'name="q.why" value="(\w+)"', page)
        assert order[3:] == ["other", "none"]
        orders.add(tuple(order))
        again = await browser.send(path, hidden(page))
        assert again.status_code == 422
        assert re.findall(r'name="q.why" value="(\w+)"', again.text) == order
    assert len(orders) > 1


@pytest.mark.parametrize(
    ("changes", "chinese", "english"),
    [
        (
            {"q.born": "2005-12-31"},
            "请选择 2006-01-01 到 2022-12-31 之间的日期。",
            "from 2006-01-01",
        ),
        ({"q.born": "去年"}, "请填写日期，例如 2026-09-01。", "enter a day"),
        ({"q.born": ""}, "请选择一个日期。", "choose a day"),
        ({"q.books": "1.5"}, "请填写整数。", "whole number"),
        ({"q.teachers.maths": ""}, "请选择一个答案。", "choose an answer"),
        (
            {"q.why": ["none", "near"], "q.why.other": ""},
            "“没有原因”不能和其他选项一起选",
            "“No reason” cannot",
        ),
        ({"q.why.other": "太长" * 6}, "最多 10 个字", "no more than 10"),
    ],
)
async def test_what_is_wrong_is_said_at_its_place(
    browser: Browser, path: str, changes: dict[str, str], chinese: str, english: str
) -> None:
    for language, words in (("zh-CN", chinese), ("en", english)):
        browser.headers["Accept-Language"] = language
        page = await browser.open(path)
        reply = await browser.send(path, {**hidden(page.text), **FILLED, **changes})
        assert reply.status_code == 422
        [message] = re.findall(r'<p class="error"[^>]*>([^<]*)</p>', reply.text)
        assert words in message
        [listed] = re.findall(r'<li><a href="#q-[^"]*">([^<]*)</a>', reply.text)
        # Of a matrix its row alone would say little.
        row = {"zh-CN": "各科教学怎么样？ 数学", "en": "How is the teaching? Maths"}[language]
        assert (listed == row) is ("q.teachers.maths" in changes)
        assert "有校车" in reply.text or "q.why.other" in changes
