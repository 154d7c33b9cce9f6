"""To WeChat and back, as the pages do it: who is recognised, and what everybody else is told."""

import asyncio
import html
import re
from urllib.parse import parse_qs, urlsplit

import httpx

from app.core.settings import Settings
from app.identity.wechat.failures import Failure
from app.main import create
from app.phone_page.texts import CATALOGUE
from tests.factories import Api, invitations, link, open_campaign, submission
from tests.identity.wechat.people import Phone
from tests.identity.wechat.stand_in.server import APP_ID, StandIn
from tests.phone_page.conftest import Browser, hidden, six
from tests.phone_page.test_cookies import counts


async def channels(api: Api) -> list[int]:
    """The channels of all responses."""
    rows = await api.app.state.database.pool.fetch("SELECT channel FROM responses")
    return sorted(row["channel"] for row in rows)


async def claims(api: Api) -> int:
    """How many proofs are claimed."""
    return int(await api.app.state.database.pool.fetchval("SELECT count(*) FROM claims"))


async def test_a_page_in_wechat_asks_wechat_who_it_is_and_writes_nothing(
    campaign: Api, url: str, wang: Phone
) -> None:
    before = await counts(campaign)
    reply = await wang.open(url)
    address = urlsplit(reply.headers["Location"])
    asked = {name: one[0] for name, one in parse_qs(address.query).items()}
    assert address.path == "/connect/oauth2/authorize"
    assert address.fragment == "wechat_redirect"
    assert re.fullmatch("[a-zA-Z0-9]{1,128}", asked.pop("state"))
    assert asked == {
        "appid": APP_ID,
        "redirect_uri": "http://testserver/wechat/callback",
        "response_type": "code",
        "scope": "snsapi_base",
    }
    assert reply.headers["Cache-Control"] == "no-store"
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert await counts(campaign) == before


async def test_a_person_answers_once_by_whatever_link_or_program(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    page = await wang.visit(url)
    assert page.status_code == 200
    assert page.url.path == url
    again = await wang.visit(url)
    assert hidden(again.text)["submission_id"] != hidden(page.text)["submission_id"]
    assert stand_in.asked["exchange"] == 1
    sent = await wang.send(url, {**hidden(page.text), **six()})
    assert sent.status_code == 201
    assert "您已经答过了" in (await wang.visit(url)).text
    assert (await wang.send(url, {**hidden(again.text), **six()})).status_code == 409
    other = f"/s/{await link(campaign, 'A2')}"
    other_phone = wang.of("wang")
    assert "您已经答过了" in (await other_phone.visit(other)).text
    cookie = {"Cookie": f"xinsheng_wechat={other_phone.proof}"}
    json_path = f"/v1/links/{other.removeprefix('/s/')}/responses"
    refused = await campaign.http.post(json_path, json=submission(), headers=cookie)
    assert refused.status_code == 409
    assert await channels(campaign) == [1]
    assert await claims(campaign) == 2, "openid and unionid"


async def test_programs_take_the_same_proof(campaign: Api, url: str, wang: Phone) -> None:
    await wang.visit(url)
    path = f"/v1/links/{url.removeprefix('/s/')}/responses"
    cookie = {"Cookie": f"other=1; xinsheng_wechat={wang.proof}"}
    assert (await campaign.http.post(path, json=submission())).status_code == 401
    accepted = await campaign.http.post(path, json=submission(), headers=cookie)
    assert accepted.status_code == 201
    assert await channels(campaign) == [1]
    assert "您已经答过了" in (await wang.visit(url)).text


async def test_an_invitation_opened_in_wechat_claims_both(
    campaign: Api, url: str, wang: Phone
) -> None:
    token, second = await invitations(campaign, 2)
    page = await wang.visit(f"/i/{token}")
    sent = await wang.send(f"/i/{token}", {**hidden(page.text), **six()})
    assert sent.status_code == 201
    assert await channels(campaign) == [3]
    assert await claims(campaign) == 3
    assert "您已经答过了" in (await wang.visit(url)).text
    assert "您已经答过了" in (await wang.visit(f"/i/{second}")).text
    li = wang.of("li")
    assert "您已经答过了" in (await li.visit(f"/i/{token}")).text
    assert "<form" in (await li.visit(f"/i/{second}")).text


async def test_language_and_child_survive_the_way(admin: Api, campaign: Api, wang: Phone) -> None:
    asked = {"questionnaire": "satisfaction-six", "version": 1, "max_children": 3}
    await open_campaign(admin, "K", identity=["wechat"], populations={"parent": asked})
    page = await wang.visit(f"/s/{await link(admin, campaign='K')}?lang=en&child=2")
    assert page.url.query == b"lang=en&child=2"
    assert 'lang="en"' in page.text
    assert hidden(page.text)["child"] == "2"


PAGES = {
    "declines": (Failure.no_code, 400),
    "invalid-code": (Failure.invalid_code, 400),
    "used-code": (Failure.used_code, 400),
    "expired-code": (Failure.expired_code, 400),
    "missing-code": (Failure.expired_code, 400),
    "snapshot": (Failure.snapshot, 403),
    "busy": (Failure.busy, 503),
    "silent": (Failure.unreachable, 503),
    "daily-quota": (Failure.quota, 503),
    "minute-quota": (Failure.quota, 503),
    "broken": (Failure.faulty, 502),
    "no-json": (Failure.faulty, 502),
    "bad-secret": (Failure.credential, 502),
    "not-listed": (Failure.credential, 502),
    "undocumented": (Failure.unknown, 502),
}


def test_every_failure_has_a_title_and_a_text_of_its_own_in_both_languages() -> None:
    shown = {failure for failure, _ in PAGES.values()} | {Failure.unbound}
    assert shown == set(Failure) - {Failure.token}, "a refused token is renewed, and no page"
    for texts in CATALOGUE.values():
        titles = [texts[f"wechat_{one.value}_title"] for one in shown]
        bodies = [texts[f"wechat_{one.value}_text"] for one in shown]
        assert len(set(titles)) == len(set(bodies)) == len(shown)


async def test_every_failure_has_a_page_with_one_way_on(
    campaign: Api, url: str, wang: Phone
) -> None:
    client = campaign.app.state.wechat.client
    for trick, (failure, status) in PAGES.items():
        client.budget = 1.0 if trick == "silent" else 5.0
        page = await (phone := wang.of(trick)).visit(url)
        assert page.status_code == status, trick
        assert phone.proof is None
        check_page(page, url, failure)
        if trick in ("silent", "busy", "broken"):
            continue  # these take their time
        english = await Phone(campaign, {**phone.headers, "Accept-Language": "en"}).visit(url)
        title = CATALOGUE["en"][f"wechat_{failure.value}_title"]
        assert f"<h1>{title}</h1>" in html.unescape(english.text)


def check_page(page: httpx.Response, url: str, failure: Failure) -> None:
    """The page of a failure has its own words, and one way on or the way to the school."""
    texts = CATALOGUE["zh-CN"]
    assert f"<h1>{texts[f'wechat_{failure.value}_title']}</h1>" in page.text
    assert texts[f"wechat_{failure.value}_text"] in page.text
    assert "A1学校" in page.text
    assert "<form" not in page.text
    ways = re.findall(r'class="first" href="([^"]+)"', page.text)
    if failure in (Failure.credential, Failure.unknown):
        assert ways == []
        assert page.headers["X-Request-Id"] in page.text
    else:
        assert ways == [f"{url}?wechat=again"]
    if page.status_code == 503:
        assert page.headers["Retry-After"] == "60"
    assert "wechat=no" not in page.text, "here nobody answers without WeChat"


async def test_where_others_are_admitted_a_failure_is_no_dead_end(
    campaign: Api, wang: Phone
) -> None:
    await open_campaign(campaign, "D", identity=["wechat", "invitation", "device"])
    (token,) = await invitations(campaign, 1, campaign="D")
    for path, channel in ((f"/s/{await link(campaign, campaign='D')}", 2), (f"/i/{token}", 3)):
        phone = wang.of("bad-secret")
        page = await phone.visit(path)
        assert page.status_code == 502
        (way,) = re.findall(r'href="([^"]+wechat=no)"', page.text)
        form = await phone.open(way)
        assert form.status_code == 200
        assert (await phone.send(way, {**hidden(form.text), **six()})).status_code == 201
        assert channel in await channels(campaign)
    assert await claims(campaign) == 2


async def test_after_a_failure_the_button_leads_to_the_form(
    campaign: Api, url: str, wang: Phone
) -> None:
    page = await wang.of("busy").visit(url)
    (way,) = re.findall(r'class="first" href="([^"]+)"', page.text)
    assert (await wang.visit(way)).status_code == 200


async def test_a_stale_code_is_mended_without_a_word(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    address = await wang.called_back(url)
    stand_in.seconds_later = 301
    page = await wang.visit(address)
    assert page.status_code == 200
    assert page.url.path == url
    assert stand_in.asked["authorize"] == 2


async def test_the_callback_may_come_twice_one_after_the_other(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    address = await wang.called_back(url)
    first, second = await wang.open(address), await wang.open(address)
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"] == url
    assert stand_in.asked["exchange"] == 1
    assert (await wang.visit(url)).status_code == 200


async def test_the_callback_may_come_five_times_at_once(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    address = await wang.called_back(url)
    cookie = {"Cookie": f"xinsheng_wechat_nonce={wang.nonce}"}
    replies = await asyncio.gather(*(campaign.http.get(address, headers=cookie) for _ in range(5)))
    assert {reply.headers["Location"] for reply in replies} == {url}
    for reply in replies:
        assert "xinsheng_wechat=" in reply.headers["Set-Cookie"]
    assert stand_in.asked["exchange"] == 1


async def test_it_is_exchanged_once_whichever_process_it_comes_to(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn, settings: Settings
) -> None:
    address = await wang.called_back(url)
    cookie = {"Cookie": f"xinsheng_wechat_nonce={wang.nonce}"}
    other = create(settings)
    async with other.router.lifespan_context(other):
        transport = httpx.ASGITransport(app=other)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as there:
            asked = [client.get(address, headers=cookie) for client in (campaign.http, there) * 3]
            replies = await asyncio.gather(*asked)
    assert {reply.headers["Location"] for reply in replies} == {url}
    assert all("xinsheng_wechat=" in reply.headers["Set-Cookie"] for reply in replies)
    assert stand_in.asked["exchange"] == 1


async def test_a_twin_hears_of_the_first_ones_failure(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    phone = wang.of("snapshot")
    address = await phone.called_back(url)
    cookie = {"Cookie": f"xinsheng_wechat_nonce={phone.nonce}"}
    replies = await asyncio.gather(*(campaign.http.get(address, headers=cookie) for _ in range(3)))
    assert [reply.status_code for reply in replies] == [403, 403, 403]
    assert stand_in.asked["exchange"] == 1


async def test_whoever_waits_for_a_process_that_died_is_told_to_try_again(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    client = campaign.app.state.wechat.client
    address = await wang.called_back(url)
    await wang.open(address)
    client.budget = 0.5
    # As the first leaves it that is killed while WeChat is asked.
    await campaign.app.state.database.pool.execute("UPDATE wechat_exchanges SET outcome = NULL")
    del wang.cookies["xinsheng_wechat"]
    assert (await wang.open(address)).status_code == 503
    client.budget = 5.0
    assert (await wang.visit(f"{url}?wechat=again")).status_code == 200


async def test_two_campaigns_are_answered_on_one_phone_side_by_side(
    campaign: Api, url: str, wang: Phone
) -> None:
    await open_campaign(campaign, "D", identity=["wechat"])
    other = f"/s/{await link(campaign, campaign='D')}"
    first = await wang.visit(url)
    second = await wang.visit(other)
    for path, page in ((url, first), (other, second)):
        sent = await wang.send(path, {**hidden(page.text), **six()})
        assert sent.status_code == 201
    assert await channels(campaign) == [1, 1]


async def test_outside_wechat_a_page_says_to_open_it_there(campaign: Api, url: str) -> None:
    browser = Browser(campaign)
    page = await browser.open(url)
    assert page.status_code == 401
    assert "请用微信打开" in page.text
    assert '<img src="data:image/svg+xml;base64,' in page.text
    assert len(page.content) < 30_000
    assert " style=" not in page.text
    assert "Set-Cookie" not in page.headers
    (token,) = await invitations(campaign, 1)
    assert "<form" in (await browser.open(f"/i/{token}")).text


async def test_a_form_sent_after_the_proof_has_expired_says_to_confirm_once_more(
    campaign: Api, url: str, wang: Phone
) -> None:
    form = {**hidden((await wang.visit(url)).text), **six()}
    del wang.cookies["xinsheng_wechat"]
    page = await wang.send(url, form)
    assert page.status_code == 401
    assert "请再确认一次" in page.text
    assert 'href="?wechat=again"' in page.text


async def test_only_in_wechat_the_page_may_load_its_script(
    campaign: Api, url: str, wang: Phone
) -> None:
    browser = Browser(campaign)
    page = await wang.visit(url)
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self' https://res.wx.qq.com/open/js/jweixin-1.6.0.js;" in policy
    assert "connect-src 'self'" in policy
    assert "unsafe" not in policy
    assert f'data-link="http://testserver{url}"' in page.text
    await open_campaign(campaign, "D")
    outside = await browser.open(f"/s/{await link(campaign, campaign='D')}")
    (token,) = await invitations(campaign, 1)
    for other in (outside, await wang.visit(f"/i/{token}")):
        assert "res.wx.qq.com" not in other.headers["Content-Security-Policy"]
        assert "share." not in other.text
