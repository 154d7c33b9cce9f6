"""Large print without a script, and what the page tells its script."""

import re
from http.cookies import SimpleCookie

import pytest

from tests.factories import Api, invitations, link
from tests.phone_page.conftest import Browser, hidden, six
from tests.phone_page.questionnaires import EVERY_TYPE, ask
from tests.phone_page.test_cookies import counts


async def test_large_print_is_asked_for_by_the_address_and_kept_by_a_cookie(
    ready: Api, browser: Browser
) -> None:
    (token,) = await invitations(ready, 1)
    url = f"/i/{token}"
    before = await counts(ready)
    plain = await browser.open(url)
    assert 'class="large"' not in plain.text
    assert '<a class="size" href="?large=yes" data-other="标准字号">大字版</a>' in plain.text
    assert "Set-Cookie" not in plain.headers
    large = await browser.open(f"{url}?large=yes")
    assert '<html lang="zh-CN" dir="ltr" class="large">' in large.text
    assert 'href="?large=no"' in large.text
    assert 'href="?lang=en&amp;large=yes"' in large.text
    cookie = SimpleCookie(large.headers["Set-Cookie"])["xinsheng_large"]
    # The page's script sets it too, so it cannot be kept from scripts; it says nothing of anybody.
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("yes", "", "lax")
    again = await browser.open(url)
    assert 'class="large"' in again.text
    assert "Set-Cookie" not in again.headers
    assert 'class="large"' in (await browser.open("/s/nothing")).text
    refused = await browser.send(url, hidden(again.text))
    assert refused.status_code == 422
    assert 'class="large"' in refused.text
    assert await counts(ready) == before
    thanks = await browser.send(url, {**hidden(again.text), **six()})
    assert 'class="large"' in thanks.text
    assert 'class="size"' not in thanks.text
    assert 'class="large"' not in (await browser.open(f"{url}?large=no")).text
    assert 'class="large"' not in (await browser.open(url)).text


async def test_a_browser_without_cookies_keeps_large_print_in_its_addresses(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}?large=yes"
    form = await browser.fill(url)
    browser.cookies.clear()
    assert 'class="large"' in (await browser.send(url, form)).text


async def test_any_other_size_is_none(ready: Api, browser: Browser) -> None:
    code = await link(ready)
    for size in ("", "YES", "1", '"><script>', "yes\x00", "y" * 5000):
        page = await browser.open(f"/s/{code}", params={"large": size})
        assert page.status_code == 200
        assert 'class="large"' not in page.text
        assert "xinsheng_large" not in str(page.headers.get("Set-Cookie"))
    browser.cookies["xinsheng_large"] = "other"
    assert 'class="large"' not in (await browser.open(f"/s/{code}")).text


async def test_the_page_says_which_it_is_and_of_which_version(ready: Api, browser: Browser) -> None:
    url = await ask(ready, EVERY_TYPE)
    page = await browser.open(url)
    assert '<main class="width" data-page="form" data-child="1">' in page.text
    assert 'data-version="own:1"' in page.text
    assert re.findall(r'data-required="([^"]*)"', page.text) == [
        "请选择一个答案。",
        "请回答这一题。",
    ]
    assert 'class="progress"' not in page.text
    assert 'data-page="unknown"' in (await browser.open("/s/nothing")).text
    form = {**hidden(page.text), "q.overall": "satisfied"}
    assert 'data-page="thanks"' in (await browser.send(url, form)).text
    assert 'data-page="answered"' in (await browser.open(url)).text


@pytest.mark.parametrize("rows", [9, 10])
async def test_only_long_questionnaires_say_how_far_one_has_come(
    ready: Api, browser: Browser, rows: int
) -> None:
    matrix = {
        "code": "m",
        "type": "matrix",
        "label": {"zh-CN": "问"},
        "rows": [{"value": f"r{one}", "label": {"zh-CN": "行"}} for one in range(rows)],
        "options": [{"value": "yes", "label": {"zh-CN": "是"}}],
    }
    url = await ask(ready, {"title": {"zh-CN": "问卷"}, "questions": [matrix]})
    said = 'data-text="已答 {done} 题，共 {all} 题"' in (await browser.open(url)).text
    assert said is (rows == 10)
