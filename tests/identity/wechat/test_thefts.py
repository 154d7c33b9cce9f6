"""What is stolen, replayed or made up gives nothing; and neither database nor log holds anybody."""

import logging
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.core import clock
from app.core.settings import Settings
from app.identity import accounts
from app.identity.wechat import states
from app.main import create
from app.retention.erasing import forget_keys
from tests.factories import Api, link, open_campaign, submission
from tests.identity.wechat.people import Phone
from tests.identity.wechat.stand_in.server import APP_SECRET, StandIn, openid, unionid
from tests.phone_page.conftest import hidden, six
from tests.phone_page.test_cookies import TABLES

A = "A" * 5000


async def test_a_stolen_callback_gives_another_browser_nothing(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    address = await wang.called_back(url)
    thief = wang.of("li")
    for _ in range(2):
        reply = await thief.open(address)
        assert reply.status_code == 400
        assert f'href="{url}?wechat=again"' in reply.text
        assert thief.proof is None
    assert stand_in.asked["exchange"] == 0, "the code was not even asked about"
    await thief.visit(url)
    assert (await thief.open(address)).headers["Location"] == url, "as itself, not as wang"
    assert (await wang.visit(address)).status_code == 200


async def test_one_browsers_state_with_anothers_nonce_gives_nothing(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    address = await wang.called_back(url)
    thief = wang.of("li")
    await thief.sent_to(url)
    reply = await thief.open(address)
    assert reply.headers["Location"] == f"{url}?wechat=again"
    assert thief.proof is None
    # Nor can the thief's own code be slipped to wang, who would answer as somebody else.
    slipped = await thief.called_back(url)
    assert (await wang.open(slipped)).headers["Location"] == f"{url}?wechat=again"
    assert wang.proof is None
    assert stand_in.asked["exchange"] == 0


async def test_a_stolen_code_behind_ones_own_state_gives_nothing_once_it_was_used(
    campaign: Api, url: str, wang: Phone
) -> None:
    stolen = parse_qs(urlsplit(address := await wang.called_back(url)).query)["code"][0]
    await wang.open(address)
    thief = wang.of("li")
    own = urlsplit(await thief.sent_to(f"{url}?wechat=again"))
    state = parse_qs(own.query)["state"][0]
    reply = await thief.open(f"/wechat/callback?code={stolen}&state={state}")
    assert reply.status_code == 400
    assert "这次确认已经用过了" in reply.text
    assert thief.proof is None


async def test_without_cookies_nobody_is_sent_round_for_ever(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    address = await wang.called_back(url)
    for _ in range(2):
        wang.cookies.clear()
        reply = await wang.open(address)
        if reply.status_code != 303:
            break
        address = await wang.called_back(reply.headers["Location"])
    assert reply.status_code == 400
    assert "没有认出您的微信" in reply.text
    assert stand_in.asked["exchange"] == 0


async def test_a_proof_that_no_server_takes_sends_nobody_round_for_ever(
    campaign: Api, url: str, wang: Phone
) -> None:
    await wang.visit(url)
    wang.cookies[accounts.COOKIE] = "A" * 120
    page = await wang.open(url)
    assert page.status_code == 400
    assert 'href="?wechat=again"' in page.text
    assert (await wang.visit(f"{url}?wechat=again")).status_code == 200


async def test_a_state_is_good_for_ten_minutes(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    await wang.sent_to(url)
    assert wang.nonce
    keyring = campaign.app.state.keyring
    past = clock.now() - timedelta(minutes=11)
    for again, answer in ((False, 303), (True, 400)):
        old = states.make(keyring, wang.nonce, url, past, again=again)
        code = stand_in.new_code("wang")
        reply = await wang.open(f"/wechat/callback?code={code}&state={old}")
        assert reply.status_code == answer
    assert wang.proof is None
    assert stand_in.asked["exchange"] == 0


async def test_a_made_up_callback_is_a_page_and_nobody_is_asked(
    campaign: Api, url: str, wang: Phone, stand_in: StandIn
) -> None:
    for query in ("", "state=", "code=x", "code=x&state=ab", "code=%00&state=%ff", f"state={A}"):
        page = await wang.open(f"/wechat/callback?{query}")
        assert page.status_code == 400
        assert "请重新打开链接" in page.text
    state = parse_qs(urlsplit(await wang.sent_to(url)).query)["state"][0]
    for code in ("", "%00", A, "%E5%BF%83", "a%0d%0ab"):
        page = await wang.open(f"/wechat/callback?code={code}&state={state}")
        assert page.status_code == 400
        assert "微信没有确认成功" in page.text
    assert stand_in.asked["exchange"] == 0


async def test_a_proof_is_of_no_use_in_another_campaign_or_later(
    campaign: Api, url: str, wang: Phone
) -> None:
    await wang.visit(url)
    await open_campaign(campaign, "D", identity=["wechat"])
    keyring = campaign.app.state.keyring
    ids = {
        row["code"]: row["id"]
        for row in await campaign.app.state.database.pool.fetch("SELECT id, code FROM campaigns")
    }
    now = clock.now()
    assert accounts.accounts_of(keyring, wang.proof, ids["C"], now)
    assert not accounts.accounts_of(keyring, wang.proof, ids["D"], now)
    later = now + accounts.LASTS + timedelta(seconds=1)
    assert not accounts.accounts_of(keyring, wang.proof, ids["C"], later)
    path = f"/v1/links/{await link(campaign, campaign='D')}/responses"
    cookie = {"Cookie": f"{accounts.COOKIE}={wang.proof}"}
    assert (await campaign.http.post(path, json=submission(), headers=cookie)).status_code == 401


async def test_another_site_cannot_answer_in_a_persons_name(
    campaign: Api, url: str, wang: Phone
) -> None:
    form = {**hidden((await wang.visit(url)).text), **six()}
    path = f"/v1/links/{url.removeprefix('/s/')}/responses"
    cookie = {"Cookie": f"{accounts.COOKIE}={wang.proof}"}
    for foreign in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        sent = await campaign.http.post(path, json=submission(), headers={**cookie, **foreign})
        assert sent.status_code == 401, foreign
    crossed = await wang.send(url, form, headers={"Sec-Fetch-Site": "cross-site"})
    assert crossed.status_code == 400
    own = {**cookie, "Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert (await campaign.http.post(path, json=submission(), headers=own)).status_code == 201


async def test_an_openid_that_somebody_claims_to_have_is_not_heard(
    campaign: Api, url: str, wang: Phone
) -> None:
    claimed = {"openid": openid("li"), "unionid": unionid("li")}
    path = f"/v1/links/{url.removeprefix('/s/')}/responses"
    for name, value in claimed.items():
        said = await campaign.http.post(path, json=submission(**{name: value}))
        assert said.status_code == 422
        cookie = {"Cookie": f"{accounts.COOKIE}={value}; {name}={value}"}
        asked = await campaign.http.post(
            path, json=submission(), params={name: value}, headers=cookie
        )
        assert asked.status_code == 401
    page = await wang.visit(f"{url}?openid={openid('li')}")
    form = {**hidden(page.text), **six(), **claimed, "account": openid("li")}
    assert (await wang.send(f"{url}?openid={openid('li')}", form)).status_code == 201
    assert "您已经答过了" in (await wang.of("wang").visit(url)).text
    assert "<form" in (await wang.of("li").visit(url)).text


async def test_neither_database_nor_log_nor_page_holds_who_it_was(
    campaign: Api,
    url: str,
    wang: Phone,
    stand_in: StandIn,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = []
    for name in ("wang", "snapshot", "bad-secret", "broken", "no-json", "silent"):
        phone = wang.of(name)
        campaign.app.state.wechat.client.budget = 1.0 if name == "silent" else 5.0
        shown.append((await phone.visit(url)).text)
        if name == "wang":
            sent = await phone.send(url, {**hidden(shown[0]), **six()})
            assert sent.status_code == 201
    campaign.app.state.wechat.client.budget = 5.0
    signed = await campaign.get("/v1/wechat/signature", params={"url": f"http://testserver{url}"})
    assert signed.status_code == 200
    given = stand_in.given()
    assert len(given) >= 8
    secrets = [openid("wang"), unionid("wang"), openid("snapshot"), APP_SECRET, *given]
    pool = campaign.app.state.database.pool
    tables = [row["table_name"] for row in await pool.fetch(TABLES)]
    dump = [
        row["line"]
        for table in tables
        for row in await pool.fetch(f'SELECT kept::text AS line FROM "{table}" AS kept')
    ]
    assert len(dump) > 20
    assert await pool.fetchval("SELECT count(*) FROM wechat_exchanges") >= 5
    told = "\n".join([*dump, *shown, signed.text, *_logged(caplog)])
    assert "bad-secret" not in told
    for secret in secrets:
        assert secret not in told
        assert secret.encode().hex() not in told


def _logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    # The stand-in runs in this process too, and its server writes down what it is asked.
    return [one.getMessage() for one in caplog.records if one.name != "uvicorn.access"]


async def test_the_operator_is_told_when_the_account_is_wrong(
    campaign: Api, url: str, wang: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    await wang.of("bad-secret").visit(url)
    (said,) = [one for one in caplog.records if one.name == "xinsheng.wechat"]
    assert said.levelname == "ERROR"
    assert "40125" in said.getMessage()
    assert "docs/wechat.md" in said.getMessage()


async def test_what_was_said_of_people_is_dropped(campaign: Api, url: str, wang: Phone) -> None:
    await wang.visit(url)
    pool = campaign.app.state.database.pool
    state = campaign.app.state
    await forget_keys(state.database, state.reception.directory)
    assert await pool.fetchval("SELECT count(*) FROM wechat_exchanges") == 1
    await pool.execute("UPDATE wechat_exchanges SET expires_at = now()")
    await forget_keys(state.database, state.reception.directory)
    assert await pool.fetchval("SELECT count(*) FROM wechat_exchanges") == 0


async def test_over_https_the_cookies_are_secure_and_the_public_path_is_kept(
    campaign: Api, url: str, wang: Phone, settings: Settings
) -> None:
    base = "https://survey.example.cn"
    app = create(replace(settings, public_url=f"{base}/wj"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            sent = await client.get(url, headers={"User-Agent": wang.headers["User-Agent"]})
            assert "; Secure" in sent.headers["Set-Cookie"]
            query = parse_qs(urlsplit(sent.headers["Location"]).query)
            assert query["redirect_uri"] == [f"{base}/wj/wechat/callback"]
            back = await wang.recognised_at(sent.headers["Location"])
            came = await client.get(back.removeprefix("/wj"))
            assert came.headers["Location"] == f"/wj{url}"
            for cookie in came.headers.get_list("set-cookie"):
                assert "; Secure" in cookie
                assert "HttpOnly" in cookie
