"""Parents of several children: one answer for each, from the same link."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.factories import Api, invitations, link, open_campaign, tree
from tests.phone_page.conftest import Browser, hidden, six

Make = Callable[[int], Coroutine[Any, Any, str]]


@pytest.fixture
def with_children(admin: Api) -> Make:
    """Opens a campaign where one person may answer for so many children; the link's page."""

    async def make(most: int) -> str:
        await tree(admin)
        asked = {"questionnaire": "satisfaction-six", "version": 1, "max_children": most}
        await open_campaign(admin, populations={"parent": asked})
        return f"/s/{await link(admin)}"

    return make


def offered(page: str) -> list[str]:
    """Where a page leads to answer for another child."""
    return re.findall(r'href="([^"]*child=\d)">为另一个孩子作答<', page)


async def answered(browser: Browser, url: str) -> str:
    """The thanks for an answer."""
    form = {**hidden((await browser.open(url)).text), **six()}
    sent = await browser.send(url, form)
    assert sent.status_code == 201
    return sent.text


async def test_a_parent_of_three_answers_three_times(
    admin: Api, with_children: Make, browser: Browser
) -> None:
    url = await with_children(3)
    assert offered(await answered(browser, url)) == ["?child=2"]
    again = await browser.open(url)
    assert "您已经答过了" in again.text
    assert offered(again.text) == ["?child=2"]
    second = await browser.open(f"{url}?child=2")
    assert "第 2 个孩子" in second.text
    assert "每个孩子只能提交一次" in second.text
    assert hidden(second.text)["child"] == "2"
    assert offered(await answered(browser, f"{url}?child=2")) == ["?child=3"]
    assert offered(await answered(browser, f"{url}?child=3")) == []
    for child in ("", "?child=2", "?child=3"):
        assert "您已经答过了" in (await browser.open(url + child)).text
    pool = admin.app.state.database.pool
    assert await pool.fetchval("SELECT count(*) FROM responses") == 3


async def test_the_form_says_which_child_it_is_for_wherever_it_is_sent(
    with_children: Make, browser: Browser
) -> None:
    url = await with_children(2)
    form = {**hidden((await browser.open(f"{url}?child=2")).text), **six()}
    assert (await browser.send(url, form)).status_code == 201
    assert "您已经答过了" in (await browser.open(f"{url}?child=2")).text
    assert "<form" in (await browser.open(url)).text


async def test_a_refused_second_answer_offers_the_next_child(
    with_children: Make, browser: Browser
) -> None:
    url = await with_children(2)
    left_open = {**hidden((await browser.open(url)).text), **six()}
    await answered(browser, url)
    refused = await browser.send(url, left_open)
    assert refused.status_code == 409
    assert offered(refused.text) == ["?child=2"]


async def test_children_that_there_cannot_be_are_not_heard(
    with_children: Make, browser: Browser
) -> None:
    url = await with_children(2)
    for child in (
        "0",
        "1",
        "3",
        "99999999999999999999",
        "-2",
        "2.0",
        "x",
        "",
        "２",
        "%00",
        "2&child=9",
    ):
        page = await browser.open(f"{url}?child={child}")
        assert page.status_code == 200
        expected = "2" if child == "2&child=9" else None
        assert hidden(page.text).get("child") in (None, expected)
    form = hidden((await browser.open(url)).text)
    sent = await browser.send(url, {**form, **six(), "child": "77"})
    assert sent.status_code == 201
    assert "您已经答过了" in (await browser.open(url)).text


async def test_languages_keep_the_child(with_children: Make, browser: Browser) -> None:
    url = await with_children(2)
    page = await browser.open(f"{url}?child=2")
    assert 'href="?lang=en&amp;child=2"' in page.text
    english = await browser.open(f"{url}?child=2&lang=en")
    assert "Child 2" in english.text


async def test_where_there_is_one_child_nothing_is_offered(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    assert offered(await answered(browser, url)) == []
    assert "child" not in hidden((await browser.open(f"{url}?child=2")).text)


async def test_an_invitation_is_one_answer_and_offers_no_child(
    admin: Api, with_children: Make, browser: Browser
) -> None:
    await with_children(3)
    (token,) = await invitations(admin, 1)
    assert offered(await answered(browser, f"/i/{token}?child=2")) == []
    assert "您已经答过了" in (await browser.open(f"/i/{token}?child=2")).text
