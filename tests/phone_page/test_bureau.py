"""Whoever comes to a page knows whose it is, by what right it asks, and whom to ask."""

import re
from typing import Any

import httpx
import pytest

from tests.factories import Api, campaign_body, link, open_campaign, tree
from tests.phone_page.conftest import Browser
from tests.phone_page.test_states import receipt_on

CONTACT = {"bureau": "潍坊市教育局", "phone": "0536-8091234"}
LEGAL = {
    "有效期至": "2027 年 8 月",
    "文号": "潍统制〔2026〕12 号",
    "备案机关": "潍坊市统计局",
    "制定机关": "潍坊市教育局",
    "表号": "教满 1 表",
    "备注": "甲",
}


async def come_to(state: str, api: Api, browser: Browser) -> httpx.Response:
    """The page that a person is shown in this state."""
    identity = ["invitation"] if state == "identity" else ["device"]
    body = campaign_body(contact=CONTACT, identity=identity)
    await api.made("PUT", "/v1/campaigns/K", body)
    url = f"/s/{await link(api, campaign='K')}"
    if state == "not_open":
        return await browser.open(url)
    await api.made("POST", "/v1/campaigns/K/open")
    if state == "identity":
        return await browser.open(url)
    form = await browser.fill(url)
    if state == "closed":
        await api.made("POST", "/v1/campaigns/K/close")
        return await browser.open(url)
    if state == "revoked":
        await api.made("POST", f"/v1/links/{url[3:]}/revoke")
        return await browser.open(url)
    thanks = await browser.send(url, form)
    if state == "conflict":
        return await browser.send(url, {**form, "q.safety": "dissatisfied"})
    if state == "withdrawn":
        receipt = {"receipt": receipt_on(thanks.text)}
        await api.made("POST", "/v1/receipts/withdraw", receipt)
        return await browser.send(url, form)
    return await browser.open(url) if state == "answered" else thanks


@pytest.mark.parametrize(
    "state",
    [
        "not_open",
        "closed",
        "revoked",
        "identity",
        "thanks",
        "answered",
        "conflict",
        "withdrawn",
    ],
)
async def test_every_page_bears_the_bureaus_name_and_a_way_to_reach_it(
    admin: Api, browser: Browser, state: str
) -> None:
    await tree(admin)
    page = (await come_to(state, admin, browser)).text
    assert f'data-page="{state}"' in page
    header, _, footer = page.partition("</header>")
    assert ">潍坊市教育局</p>" in header
    assert '<a href="tel:05368091234">0536-8091234</a>' in footer


async def test_without_a_contact_people_are_told_to_ask_the_school_or_the_bureau(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}"
    for page in (await browser.open(url), await browser.send(url, await browser.fill(url))):
        assert "如有疑问，请联系学校或潍坊市。" in page.text
    english = await browser.open(f"{url}?lang=en")
    assert "If you have a question, ask the school or 潍坊市." in english.text


async def test_an_unknown_address_knows_no_bureau_and_says_what_to_do(
    ready: Api, browser: Browser
) -> None:
    page = (await browser.open("/s/zzzzzzzz")).text
    assert "向学校重新索取链接或二维码" in page
    assert "<footer" not in page


async def test_a_statistical_form_bears_its_marks_above_its_questions_in_the_usual_order(
    ready: Api, browser: Browser
) -> None:
    await open_campaign(ready, "K", legal=LEGAL)
    url = f"/s/{await link(ready, campaign='K')}"
    form, thanks = await browser.open(url), await browser.send(url, await browser.fill(url))
    marks = re.findall(r"<dt>([^<]+)</dt>", form.text.partition("<form")[0])
    assert marks == ["表号", "制定机关", "备案机关", "文号", "有效期至", "备注"]
    for page in (form, thanks):
        assert all(page.text.count(line) == 1 for line in ("教满 1 表", "潍统制〔2026〕12 号"))


async def test_consent_stands_above_the_questions(ready: Api, browser: Browser) -> None:
    definition: dict[str, Any] = {
        "title": {"zh-CN": "问卷"},
        "consent": {"zh-CN": "回答只用于改进工作。"},
        "questions": [{"code": "a", "type": "text", "label": {"zh-CN": "第一题"}}],
    }
    await ready.made("PUT", "/v1/questionnaires/own", definition)
    await ready.made("POST", "/v1/questionnaires/own/publish")
    asked = {"parent": {"questionnaire": "own", "version": 1}}
    await open_campaign(ready, "K", populations=asked)
    page = (await browser.open(f"/s/{await link(ready, campaign='K')}")).text
    assert page.index("回答只用于改进工作。") < page.index("第一题")
    assert page.index("第一题") < page.index("提交即表示您同意上面的说明。")
