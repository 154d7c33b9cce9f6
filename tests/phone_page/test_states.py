"""Every state that a link or an invitation can be in has a page of its own."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.phone_page.seals import seal
from app.responses.submission import receipt_names
from tests.factories import Api, campaign_body, invitations, link, open_campaign, tree
from tests.phone_page.conftest import Browser, hidden, six


async def change_campaign(api: Api, **columns: datetime) -> None:
    """Move a campaign's window, as time would."""
    for column, value in columns.items():
        await api.app.state.database.pool.execute(
            f"UPDATE campaigns SET {column} = $1, revision = revision + 1 WHERE code = 'C'", value
        )


async def stored(api: Api) -> int:
    """How many responses there are."""
    return int(await api.app.state.database.pool.fetchval("SELECT count(*) FROM responses"))


async def test_a_link_is_answered_and_thanked_with_a_receipt(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    page = await browser.open(url)
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for text in ("2026 年秋季满意度调查", "A1学校", "潍坊市", "共六道题"):
        assert text in page.text
    assert page.text.count("<fieldset") == 6
    thanks = await browser.send(url, {**hidden(page.text), **six()})
    assert thanks.status_code == 201
    assert "感谢您的参与！" in thanks.text
    assert "北京时间" in thanks.text
    assert receipt_names(receipt_on(thanks.text)) is not None


def receipt_on(page: str) -> str:
    """The receipt as it would be copied from the page."""
    code = page.partition('<p class="code"')[2].partition(">")[2].partition("</p>")[0]
    return code.replace("<span>", "").replace("</span>", "").replace("<wbr>", "")


async def test_a_reload_of_the_thanks_gives_the_same_receipt(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url)
    first = await browser.send(url, form)
    again = await browser.send(url, form)
    assert (first.status_code, again.status_code) == (201, 200)
    assert receipt_on(first.text) == receipt_on(again.text)
    assert "没有重复计算" in again.text
    assert await stored(ready) == 1


async def test_other_answers_after_sending_say_that_the_first_were_kept(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url)
    await browser.send(url, form)
    changed = await browser.send(url, {**form, "q.safety": "dissatisfied"})
    assert changed.status_code == 409
    assert "以第一次的回答为准" in changed.text
    assert await stored(ready) == 1


async def test_whoever_has_answered_is_told_so(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    opened_before = await browser.fill(url)
    await browser.send(url, await browser.fill(url))
    page = await browser.open(url)
    assert page.status_code == 200
    assert "您已经答过了" in page.text
    assert "<form" not in page.text
    refused = await browser.send(url, opened_before)
    assert refused.status_code == 409
    assert "您已经答过了" in refused.text
    assert await stored(ready) == 1


async def test_an_invitation_is_answered_once(ready: Api, browser: Browser) -> None:
    token, other = await invitations(ready, 2)
    form = await browser.fill(f"/i/{token}")
    assert "device_proof" not in form
    assert (await browser.send(f"/i/{token}", form)).status_code == 201
    assert "您已经答过了" in (await browser.open(f"/i/{token}")).text
    assert "<form" in (await browser.open(f"/i/{other}")).text
    again = {**form, "submission_id": str(uuid.uuid4())}
    assert (await browser.send(f"/i/{token}", again)).status_code == 409


async def test_before_opening_the_page_says_when_in_shanghai_time(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url)
    await change_campaign(
        ready,
        closes_at=datetime(2099, 1, 1, tzinfo=UTC),
        opens_at=datetime(2098, 10, 31, 23, 30, tzinfo=UTC),
    )
    for reply in (await browser.open(url), await browser.send(url, form)):
        assert reply.status_code == 425
        assert "调查还没有开始" in reply.text
        assert "将于2098年11月1日 07:30（北京时间）开始" in reply.text
        assert "<form" not in reply.text


async def test_a_draft_is_not_open_and_names_no_time_that_has_passed(
    ready: Api, browser: Browser
) -> None:
    await ready.made("PUT", "/v1/campaigns/D", campaign_body())
    page = await browser.open(f"/s/{await link(ready, campaign='D')}")
    assert page.status_code == 425
    assert "请在开始后再打开这个链接" in page.text


async def test_closed_by_hand(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url)
    await ready.made("POST", "/v1/campaigns/C/close")
    incomplete = {**form, "q.safety": ""}
    replies = [await browser.open(url)]
    replies += [await browser.send(url, one) for one in (form, incomplete)]
    for reply in replies:
        assert reply.status_code == 410
        assert "调查已经结束" in reply.text
        assert "已于" not in reply.text
        assert "之前提交的回答都已保存" in reply.text
    assert await stored(ready) == 0


@pytest.mark.parametrize(("minutes", "status"), [(9, 201), (11, 410)])
async def test_a_filled_in_page_is_taken_ten_minutes_longer(
    ready: Api, browser: Browser, minutes: int, status: int
) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url)
    closed_at = datetime.now(UTC) - timedelta(minutes=minutes)
    await change_campaign(ready, closes_at=closed_at)
    # As if the page had been made a minute before closing.
    form["started_at"] = (closed_at - timedelta(minutes=1)).isoformat(timespec="seconds")
    form["seal"] = seal(ready.app.state.keyring, url, form["started_at"])
    late = await browser.open(url)
    assert late.status_code == 410
    assert "已于" in late.text
    assert (await browser.send(url, form)).status_code == status


async def test_no_page_can_be_made_up_after_closing(ready: Api, browser: Browser) -> None:
    url, other = f"/s/{await link(ready)}", f"/s/{await link(ready, 'A2')}"
    form, elsewhere = await browser.fill(url), await browser.fill(other)
    await change_campaign(ready, closes_at=datetime.now(UTC) - timedelta(seconds=30))
    earlier = (datetime.now(UTC) - timedelta(minutes=5)).isoformat(timespec="seconds")
    for forged in (
        {**form, "seal": ""},
        {**form, "seal": elsewhere["seal"], "started_at": elsewhere["started_at"]},
        {**form, "started_at": earlier},
    ):
        assert (await browser.send(url, forged)).status_code == 410
    assert await stored(ready) == 0


async def test_a_stored_response_gets_its_receipt_even_after_closing(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url)
    first = await browser.send(url, form)
    await ready.made("POST", "/v1/campaigns/C/close")
    again = await browser.send(url, form)
    assert again.status_code == 200
    assert receipt_on(again.text) == receipt_on(first.text)


async def test_revoked(ready: Api, browser: Browser) -> None:
    code = await link(ready)
    form = await browser.fill(f"/s/{code}")
    await ready.made("POST", f"/v1/links/{code}/revoke")
    for reply in (await browser.open(f"/s/{code}"), await browser.send(f"/s/{code}", form)):
        assert reply.status_code == 410
        assert "这个链接已经停用" in reply.text


@pytest.mark.parametrize(
    "path",
    [
        "/s/zzzzzzzz",
        "/s/",
        "/s/a/b",
        "/s/%00",
        "/s/心声",
        "/s/%ff",
        "/i/zzz",
        "/i/",
        "/i/" + "A" * 27,
    ],
)
async def test_unknown_addresses_are_pages_too(ready: Api, browser: Browser, path: str) -> None:
    for reply in (await browser.open(path), await browser.send(path, six())):
        assert reply.status_code == 404
        assert "没有找到这份调查" in reply.text
        assert reply.headers["Content-Type"].startswith("text/html")


async def test_a_campaign_without_devices_asks_for_an_invitation_and_sets_no_cookie(
    ready: Api, browser: Browser
) -> None:
    await open_campaign(ready, "I", identity=["invitation"])
    page = await browser.open(f"/s/{await link(ready, campaign='I')}")
    assert page.status_code == 401
    assert "专属邀请" in page.text
    assert "Set-Cookie" not in page.headers
    await open_campaign(ready, "WX", identity=["wechat", "invitation"])
    page = await browser.open(f"/s/{await link(ready, campaign='WX')}")
    assert page.status_code == 401
    assert "专属邀请" in page.text, "no WeChat account is set here, so WeChat would not help"


async def test_a_form_without_proof_is_told_to_open_the_link_again(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url)
    browser.cookies.clear()
    refused = await browser.send(url, {**form, "device_proof": "A" * 38})
    assert refused.status_code == 401
    assert "请重新打开" in refused.text
    assert await stored(ready) == 0


async def test_invitations_that_are_not_admitted_have_no_form(ready: Api, browser: Browser) -> None:
    await open_campaign(ready, "D", identity=["invitation", "device"])
    (token,) = await invitations(ready, 1, campaign="D")
    pool = ready.app.state.database.pool
    await pool.execute(
        "UPDATE campaigns SET identity = '{device}', revision = revision + 1 WHERE code = 'D'"
    )
    page = await browser.open(f"/i/{token}")
    assert page.status_code == 401
    assert "<form" not in page.text


async def test_methods_that_make_no_sense_get_a_page(ready: Api, browser: Browser) -> None:
    reply = await ready.http.request("DELETE", f"/s/{await link(ready)}")
    assert reply.status_code == 405
    assert reply.headers["Allow"] == "GET, HEAD, POST"
    assert "<h1>" in reply.text


async def test_head_is_answered_like_get(ready: Api) -> None:
    reply = await ready.http.request("HEAD", f"/s/{await link(ready)}")
    assert reply.status_code == 200


async def test_contact_and_legal_lines_stand_on_every_page(ready: Api, browser: Browser) -> None:
    changes: dict[str, Any] = {
        "contact": {"bureau": "潍坊市教育局", "phone": "0536-8091234", "email": "jy@example.cn"},
        "legal": {"表号": "教满 1 表", "有效期": "2027 年 6 月"},
    }
    await open_campaign(ready, "K", **changes)
    code = await link(ready, campaign="K")
    pages = [await browser.open(f"/s/{code}")]
    await ready.made("POST", "/v1/campaigns/K/close")
    pages.append(await browser.open(f"/s/{code}"))
    for page in pages:
        assert '<a href="tel:05368091234">0536-8091234</a>' in page.text
        assert '<a href="mailto:jy@example.cn">' in page.text
        assert "潍坊市教育局" in page.text
        assert "教满 1 表" in page.text
        assert "电话" in page.text


async def test_when_the_database_is_away_the_form_is_kept_to_be_sent_again(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url, **{"q.overall": "dissatisfied"})
    fresh_url = f"/s/{await link(ready, unit='A2')}"
    await ready.app.state.database.pool.close()
    busy = await browser.send(url, form)
    assert busy.status_code == 503
    assert int(busy.headers["Retry-After"]) > 0
    assert "还没有提交成功" in busy.text
    assert hidden(busy.text) == {name: form[name] for name in hidden(busy.text)}
    assert busy.text.count(" checked") == 6
    assert (await browser.open(url)).status_code == 503
    # Where not even the questionnaire can be had, the form is kept as it came.
    unread = await browser.send(fresh_url, form)
    assert unread.status_code == 503
    assert hidden(unread.text) == form
    assert "重新提交" in unread.text


async def test_a_failure_of_ours_is_a_page_with_a_reference(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    await ready.app.state.database.pool.execute("UPDATE campaign_keys SET wrapped = '\\x0000'")
    page = await browser.open(url)
    assert page.status_code == 500
    assert "这是我们的问题" in page.text
    assert page.headers["X-Request-Id"] in page.text
    assert "Traceback" not in page.text


async def test_people_are_told_what_it_is_for_and_until_when_anything_leads_to_them(
    admin: Api,
) -> None:
    await tree(admin)
    await open_campaign(admin, purpose="用于<改进>学校工作", closes_at="2099-01-31T16:00:00Z")
    browser = Browser(admin)
    page = (await browser.open(f"/s/{await link(admin)}")).text
    told = page.index("用于&lt;改进&gt;学校工作")
    assert told < page.index('class="question')
    assert "最晚从2099年8月7日起删除" in page
    english = (await browser.open(f"/s/{await link(admin)}?lang=en")).text
    assert "is erased from 7 August 2099 on" in english
