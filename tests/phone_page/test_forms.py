"""What is filled in: taken, kept, explained."""

import re
from typing import Any

import pytest

from app.phone_page.forms import number_of
from tests.factories import Api, link
from tests.phone_page.conftest import Browser, hidden, six
from tests.phone_page.questionnaires import EVERY_TYPE, ask


async def answers(api: Api) -> dict[str, Any]:
    """What is stored of the only response, by question."""
    database = api.app.state.database
    row = await database.pool.fetchrow("SELECT * FROM responses")
    bodies = await database.pool.fetch("SELECT body FROM response_texts ORDER BY position")
    return {
        "answers": list(row["answers"]),
        "numbers": row["numbers"],
        "texts": [one["body"] for one in bodies],
        "locale": row["locale"],
        "seconds": row["seconds"],
    }


async def test_missing_answers_are_listed_and_what_was_chosen_is_kept(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url, **{"q.ethics": "", "q.safety": ""})
    page = await browser.send(url, form)
    assert page.status_code == 422
    assert page.text.count(">请选择一个答案。<") == 2
    assert '<a href="#q-ethics">' in page.text
    assert '<a href="#q-safety">' in page.text
    assert '<a href="#q-overall">' not in page.text
    assert 'id="q-ethics"' in page.text
    assert "<title>请检查：" in page.text
    assert page.text.count(" checked") == 4
    # The same page can be completed and sent: it is the same submission.
    assert hidden(page.text) == hidden((await browser.send(url, form)).text)
    completed = {**hidden(page.text), **six()}
    assert (await browser.send(url, completed)).status_code == 201


async def test_every_type_of_question_can_be_answered(ready: Api, browser: Browser) -> None:
    url = await ask(ready, EVERY_TYPE)
    page = await browser.open(url)
    assert page.text.count('class="status">必答') == 2
    assert page.text.count('class="status">选答') == 5
    assert "您的回答只用于改进工作。" in page.text
    assert "提交即表示您同意" in page.text
    assert "最多选 2 项" in page.text
    form = {
        **hidden(page.text),
        "q.overall": "dissatisfied",
        "q.why": " 作业太多\r\n太难 ",
        "q.improve": ["bus", "food"],
        "q.score": "0",
        "q.homework": "１２０",
        "q.tired": "5",
        "q.comment": "",
    }
    thanks = await browser.send(url, form)
    assert thanks.status_code == 201, thanks.text
    stored = await answers(ready)
    assert stored["numbers"] == [120.0]
    assert stored["texts"] == ["作业太多\n太难"]
    assert stored["locale"] == "zh-CN"
    assert 0 <= stored["seconds"] < 60
    #                          overall why improve(1+bits) score homework tired comment
    assert stored["answers"] == [2, 1, 1, 0b011, 1, 1, 5, 0]
    assert "您的回答已经保存。" in thanks.text


async def test_answers_that_others_hide_are_dropped(ready: Api, browser: Browser) -> None:
    url = await ask(ready, EVERY_TYPE)
    form = await browser.fill(url)
    only = {name: value for name, value in form.items() if not name.startswith("q.")}
    filled = {"q.overall": "satisfied", "q.why": "没有", "q.homework": "30", "q.tired": "3"}
    assert (await browser.send(url, {**only, **filled})).status_code == 201
    stored = await answers(ready)
    assert stored["texts"] == []
    assert stored["answers"] == [1, 0, 0, 0, 0, 1, 0, 0]


async def test_every_mistake_is_explained_and_every_word_kept(ready: Api, browser: Browser) -> None:
    url = await ask(ready, EVERY_TYPE)
    form: dict[str, Any] = hidden((await browser.open(url)).text)
    form |= {
        "q.overall": "dissatisfied",
        "q.why": "长" * 21,
        "q.improve": ["food", "bus", "sport"],
        "q.score": "11",
        "q.homework": "半小时",
        "q.comment": "您好\x00<b>",
    }
    page = await browser.send(url, form)
    assert page.status_code == 422
    for message in (
        "最多 20 个字，请写短一些。",
        "最多选 2 项，请减少一些。",
        "请选择列出的分数。",
        "请只填写数字，例如 45。",
        "这里有无法保存的特殊字符",
    ):
        assert message in page.text
    assert "长" * 21 in page.text
    assert 'value="半小时"' in page.text
    assert "您好&lt;b&gt;" in page.text
    assert "\x00" not in page.text
    assert len(re.findall(r'type="checkbox"[^>]* checked', page.text)) == 3
    assert 'aria-invalid="true"' in page.text
    english = await browser.send(f"{url}?lang=en", {**form, "q.homework": "601"})
    assert "Please enter a number from 0 to 600." in english.text
    assert "Please write no more than 20 characters." in english.text


@pytest.mark.parametrize(
    ("limits", "hint", "message"),
    [
        ({"min": 1.5}, "不小于 1.5 的数字", "请填写不小于 1.5 的数字。"),
        ({"max": -3}, "不大于 -3 的数字", "请填写不大于 -3 的数字。"),
        ({}, "作业", "这个数字太大或太小了，请检查。"),
    ],
)
async def test_numbers_say_their_range(
    ready: Api, browser: Browser, limits: dict[str, float], hint: str, message: str
) -> None:
    question = {"code": "n", "type": "number", "label": {"zh-CN": "作业"}, **limits}
    url = await ask(ready, {"title": {"zh-CN": "问"}, "questions": [question]})
    page = await browser.open(url)
    assert hint in page.text
    wrong = {"min": "1.4", "max": "-2"}.get(next(iter(limits), ""), "9" * 30)
    page = await browser.send(url, {**hidden(page.text), "q.n": wrong})
    assert page.status_code == 422
    assert message in page.text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("45", 45),
        (" ４５ ", 45),
        ("１，２００", 1200),
        ("1,200,000", 1_200_000),
        ("1 200", 1200),
        ("　４．５", 4.5),
        (".5", 0.5),
        ("5.", 5),
        ("-3", -3),
        ("−3", -3),
        ("+7", 7),
        ("1,5", None),
        ("1e5", None),
        ("0x10", None),
        ("nan", None),
        ("45分钟", None),
        ("", None),
        ("-", None),
        (".", None),
        ("1.2.3", None),
        ("9" * 41, None),
        ("٣", None),
    ],
)
def test_numbers_are_read_as_people_type_them(text: str, number: float | None) -> None:
    assert number_of(text) == number


async def test_a_question_answered_twice_is_asked_again(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url)
    page = await browser.send(url, {**form, "q.overall": ["satisfied", "dissatisfied"]})
    assert page.status_code == 422
    assert "请选择一个答案。" in page.text


async def test_unknown_questions_are_told_without_naming_them(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url, **{"q.sneaky": "x", "q.<i>": "x"})
    page = await browser.send(url, form)
    assert page.status_code == 422
    assert page.text.count("这个页面和现在的问卷不一致") == 1
    assert "sneaky" not in page.text


async def test_fields_that_are_not_ours_are_let_pass(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url, utm_source="wechat", from_="group")
    assert (await browser.send(url, form)).status_code == 201


@pytest.mark.parametrize("started_at", ["", "yesterday", "2026-01-01", "9999-12-31T23:59:59+00:00"])
async def test_a_start_that_cannot_be_is_no_reason_to_refuse(
    ready: Api, browser: Browser, started_at: str
) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url, started_at=started_at, locale="xx\x00")
    assert (await browser.send(url, form)).status_code == 201
    assert (await answers(ready))["seconds"] is None
