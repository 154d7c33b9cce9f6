"""The device cookie, and that looking at a page leaves nothing behind."""

from dataclasses import replace
from http.cookies import SimpleCookie

import httpx

from app.core.settings import Settings
from app.identity import devices
from app.main import create
from tests.factories import Api, invitations, link
from tests.phone_page.conftest import Browser, hidden, six

TABLES = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
"""


async def counts(api: Api) -> dict[str, int]:
    """Rows of every table."""
    pool = api.app.state.database.pool
    tables = [row["table_name"] for row in await pool.fetch(TABLES)]
    return {one: await pool.fetchval(f'SELECT count(*) FROM "{one}"') for one in tables}


async def test_opening_pages_writes_nothing(ready: Api, browser: Browser) -> None:
    code = await link(ready)
    (token,) = await invitations(ready, 1)
    before = await counts(ready)
    assert len(before) > 5
    for path in (f"/s/{code}", f"/i/{token}", f"/s/{code}?lang=en", "/s/nowhere", "/i/nothing"):
        await browser.open(path)
        await browser.open(path)
    assert await counts(ready) == before


async def test_the_cookie_is_signed_and_kept_from_scripts_and_other_sites(
    ready: Api, browser: Browser
) -> None:
    page = await browser.open(f"/s/{await link(ready)}")
    cookie = SimpleCookie(page.headers["Set-Cookie"])[devices.COOKIE]
    assert devices.device_of(ready.app.state.keyring, cookie.value) is not None
    assert cookie["httponly"] is True
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == str(400 * 24 * 3600)
    assert not cookie["secure"]
    assert hidden(page.text)["device_proof"] == cookie.value


async def test_over_https_the_cookie_is_secure_and_addresses_keep_the_public_path(
    ready: Api, settings: Settings
) -> None:
    code = await link(ready)
    base = "https://survey.example.cn"
    secure = create(replace(settings, public_url=f"{base}/wj"))
    async with secure.router.lifespan_context(secure):
        transport = httpx.ASGITransport(app=secure)
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            page = await client.get(f"/s/{code}")
    assert "; Secure" in page.headers["Set-Cookie"]
    assert 'href="/wj/static/page.' in page.text


async def test_a_valid_cookie_is_kept_and_a_forged_one_replaced(
    ready: Api, browser: Browser
) -> None:
    url = f"/s/{await link(ready)}"
    first = await browser.open(url)
    again = await browser.open(url)
    assert "Set-Cookie" not in again.headers
    assert hidden(again.text)["device_proof"] == hidden(first.text)["device_proof"]
    browser.cookies[devices.COOKIE] = "A" * 38
    assert "Set-Cookie" in (await browser.open(url)).headers


async def test_invitations_set_no_cookie(ready: Api, browser: Browser) -> None:
    (token,) = await invitations(ready, 1)
    page = await browser.open(f"/i/{token}")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert devices.COOKIE not in browser.cookies
    thanks = await browser.send(f"/i/{token}", {**hidden(page.text), **six()})
    assert "Set-Cookie" not in thanks.headers


async def test_states_without_a_form_set_no_cookie(ready: Api, browser: Browser) -> None:
    code = await link(ready)
    await ready.made("POST", "/v1/campaigns/C/close")
    assert "Set-Cookie" not in (await browser.open(f"/s/{code}")).headers


async def test_a_browser_without_cookies_can_answer(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    form = await browser.fill(url)
    browser.cookies.clear()
    assert (await browser.send(url, form)).status_code == 201


async def test_the_cookie_wins_over_the_hidden_field(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    mine = await browser.fill(url)
    stranger = devices.issue(ready.app.state.keyring)
    sent = await browser.send(url, {**mine, "device_proof": stranger})
    assert sent.status_code == 201
    assert "您已经答过了" in (await browser.open(url)).text
    browser.cookies[devices.COOKIE] = stranger
    assert "<form" in (await browser.open(url)).text
