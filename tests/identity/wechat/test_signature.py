"""The share card's signature: WeChat's own example, and for our own pages alone."""

from dataclasses import replace

import httpx
import pytest

from app.core.settings import Settings
from app.identity.wechat.signatures import digest, is_ours
from app.main import create
from tests.factories import Api
from tests.identity.wechat.stand_in.server import APP_ID, StandIn, ticket_of


def test_it_is_what_wechat_says_it_is() -> None:
    ticket = (
        "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    )
    signed = digest(ticket, "Wm3WZYTPz0wzccnW", 1414587457, "http://mp.weixin.qq.com?params=value")
    assert signed == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"


@pytest.mark.parametrize(
    "address",
    [
        "https://survey.example.cn/s/abc",
        "https://SURVEY.example.cn:8443/s/abc?lang=en&child=2",
        "http://survey.example.cn",
        "https://survey.example.cn?x=1",
        "https://wj.example.cn/s/abc",
    ],
)
def test_our_own_addresses_are_signed(address: str) -> None:
    assert is_ours(address, "https://survey.example.cn", ("wj.example.cn",))


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/s/abc",
        "https://survey.example.cn.evil.example/",
        "https://survey.example.cn@evil.example/",
        "https://evil.example\\@survey.example.cn/",
        "https://evil.example/https://survey.example.cn/",
        "//survey.example.cn/",
        "javascript://survey.example.cn/%0aalert(1)",
        "https://survey.example.cn/ x",
        "https://survey.example.cn/\r\nx",
        "",
        "survey.example.cn",
    ],
)
def test_others_are_not(address: str) -> None:
    assert not is_ours(address, "https://survey.example.cn", ("wj.example.cn",))


async def test_a_page_is_signed_without_its_fragment(api: Api, stand_in: StandIn) -> None:
    page = "http://testserver/s/abc?child=2"
    reply = await api.get("/v1/wechat/signature", params={"url": f"{page}#top"})
    assert reply.status_code == 200, reply.text
    signed = reply.json()
    (ticket,) = [one for one in stand_in.given() if one.startswith("TICKET")]
    assert signed["app_id"] == APP_ID
    assert signed["signature"] == digest(ticket, signed["nonce"], signed["timestamp"], page)
    assert ticket_of(stand_in.given()[0]) == ticket
    assert ticket not in reply.text


async def test_a_foreign_page_is_refused_without_asking_wechat(api: Api, stand_in: StandIn) -> None:
    for url in ("https://evil.example/", "x" * 3000, "\x00", ""):
        reply = await api.get("/v1/wechat/signature", params={"url": url})
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["pointer"] == "?url"
        assert "evil" not in reply.text
    assert stand_in.asked.total() == 0


async def test_while_wechat_is_down_it_says_when_to_come_back(
    app: object, api: Api, stand_in: StandIn
) -> None:
    stand_in.down = True
    reply = await api.get("/v1/wechat/signature", params={"url": "http://testserver/s/abc"})
    assert reply.status_code == 503
    assert int(reply.headers["Retry-After"]) > 0


async def test_without_an_account_there_is_no_such_thing(settings: Settings) -> None:
    app = create(replace(settings, wechat=None))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            url = "/v1/wechat/signature?url=http://testserver/s/abc"
            assert (await client.get(url)).status_code == 404


async def test_files_of_the_domain_check_are_served_as_they_are_set(settings: Settings) -> None:
    app = create(replace(settings, verify_files={"MP_verify_aB1.txt": "aB1"}))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            found = await client.get("/MP_verify_aB1.txt")
            assert (found.status_code, found.text) == (200, "aB1")
            assert found.headers["Content-Type"] == "text/plain; charset=utf-8"
            for other in ("/MP_verify_other.txt", "/WW_verify_aB1.txt", "/x/MP_verify_aB1.txt"):
                assert (await client.get(other)).status_code == 404
