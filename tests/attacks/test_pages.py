"""Pages and pictures: nothing in them is made of what others have written, and no site can use
them in another's name."""

import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from app.core.settings import Settings
from app.identity import devices
from app.main import create
from tests.factories import Api, invitations, link, open_campaign
from tests.phone_page.conftest import Browser, hidden, six
from tests.phone_page.questionnaires import EVERY_TYPE

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><svg onload=alert(1)><a href=javascript:alert(1)>",
    "</title></textarea></style></script><iframe srcdoc=x>",
    "{{ 7*7 }}{% raw %}<!-- --><![CDATA[ ]]>&lt;b&gt;&#60;i&#62;",
    "‮evil\u2028\u2029<img/src=x/onerror=alert(1)>",
]
LEADING_NOWHERE = ("/", "#", "?", "tel:", "mailto:", "data:image/svg+xml,%3Csvg")
"""What addresses in a page begin with; the picture is the page's icon."""


class _Tags(HTMLParser):
    """Every tag of a page with its attributes' names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[tuple[str, ...]] = Counter()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag, *sorted(name for name, _ in attrs)] += 1
        self.links += [str(value) for name, value in attrs if name in ("href", "src", "action")]

    def handle_comment(self, data: str) -> None:
        self.found["comment",] += 1

    def handle_decl(self, decl: str) -> None:
        self.found["declaration", decl] += 1


def tags(page: str) -> _Tags:
    found = _Tags()
    found.feed(page)
    found.close()
    return found


def filled_with(value: Any, text: str) -> Any:
    """A questionnaire, every text of which is replaced."""
    if isinstance(value, list):
        return [filled_with(one, text) for one in value]
    if isinstance(value, dict) and set(value) == {"zh-CN", "en"}:
        return dict.fromkeys(value, text)
    if isinstance(value, dict):
        return {name: filled_with(one, text) for name, one in value.items()}
    return value


async def pages(api: Api, browser: Browser, code: str, text: str) -> dict[str, httpx.Response]:
    """The pages of a campaign in which everything that people name is this text."""
    for unit, kind, parent in (("W", "city", None), ("A1", "school", "A")):
        await api.made("PUT", f"/v1/units/{unit}", {"name": text, "kind": kind, "parent": parent})
    lines = {text[:60]: text}
    title = {"title": text, "purpose": text, "contact": lines, "legal": lines}
    await api.made("PUT", f"/v1/questionnaires/{code}", filled_with(EVERY_TYPE, text))
    await api.made("POST", f"/v1/questionnaires/{code}/publish")
    asked = {"parent": {"questionnaire": code, "version": 1}}
    await open_campaign(api, code, populations=asked, **title)
    url = f"/s/{await link(api, campaign=code)}"
    found = {"form": await browser.open(url), "english": await browser.open(f"{url}?lang=en")}
    form = {**hidden(found["form"].text), "q.overall": "dissatisfied"}
    refused = {**form, "q.homework": text, "q.comment": text, f"q.{text}": text, text: text}
    found["refused"] = await browser.send(url, refused)
    found["thanks"] = await browser.send(url, {**form, "q.why": "x"})
    found["again"] = await browser.open(url)
    await api.made("POST", f"/v1/campaigns/{code}/close")
    found["closed"] = await browser.open(url)
    return found


async def test_no_element_and_no_attribute_comes_from_what_people_wrote(
    ready: Api, browser: Browser
) -> None:
    plain = await pages(ready, browser, "plain", "平常")
    assert {name: reply.status_code for name, reply in plain.items()} == {
        "form": 200, "english": 200, "refused": 422, "thanks": 201, "again": 200, "closed": 410
    }  # fmt: skip
    for number, text in enumerate(HOSTILE):
        browser.cookies.clear()
        for name, reply in (await pages(ready, browser, f"x{number}", text)).items():
            assert reply.status_code == plain[name].status_code
            expected, found = tags(plain[name].text), tags(reply.text)
            assert found.found == expected.found, (name, text)
            assert all(one.startswith(LEADING_NOWHERE) for one in found.links)


async def test_pictures_hold_nothing_but_their_lines(ready: Api) -> None:
    for text in HOSTILE:
        unit = {"name": text, "kind": "school", "parent": "A"}
        await ready.made("PUT", "/v1/units/A1", unit)
    reply = await ready.get(f"/v1/links/{await link(ready)}/qr.svg")
    drawn = [one.tag.rpartition("}")[2] for one in ET.fromstring(reply.content).iter()]
    assert set(drawn) == {"svg", "path"}
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_the_description_of_the_api_shows_nothing_that_anybody_stored(ready: Api) -> None:
    before = (await ready.get("/docs")).text, (await ready.get("/openapi.json")).text
    for text in HOSTILE:
        await ready.made("POST", "/v1/clients", {"name": text, "scopes": ["admin"]})
        await ready.made("PUT", "/v1/units/A1", {"name": text, "kind": "school", "parent": "A"})
    assert ((await ready.get("/docs")).text, (await ready.get("/openapi.json")).text) == before


async def test_a_form_that_another_site_sends_is_refused(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    (token,) = await invitations(ready, 1)
    stored = "SELECT count(*) FROM responses"
    pool = ready.app.state.database.pool
    for path in (url, f"/i/{token}"):
        form = await browser.fill(path)
        for site, status in (("cross-site", 400), ("same-origin", 201)):
            before = await pool.fetchval(stored)
            reply = await browser.send(path, form, headers={"Sec-Fetch-Site": site})
            assert reply.status_code == status
            assert await pool.fetchval(stored) - before == (status == 201)


async def test_every_page_keeps_frames_scripts_and_caches_away(
    ready: Api, browser: Browser
) -> None:
    code, (token,) = await link(ready), await invitations(ready, 1)
    for path in (f"/s/{code}", f"/i/{token}", "/s/nowhere", "/i/nothing", f"/s/{code}/x"):
        for method in ("GET", "POST", "PUT"):
            reply = await ready.http.request(method, path)
            policy = dict(
                one.strip().partition(" ")[::2]
                for one in reply.headers["Content-Security-Policy"].split(";")
            )
            assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
            assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
            assert policy["base-uri"] == "'none'"
            assert reply.headers["X-Frame-Options"] == "DENY"
            assert reply.headers["Cache-Control"] == "no-store"
            assert reply.headers["Referrer-Policy"] == "no-referrer"
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert "Strict-Transport-Security" not in reply.headers
            assert not [one for one in reply.headers if one.startswith("access-control")]


async def test_behind_tls_browsers_are_told_to_keep_to_it(ready: Api, settings: Settings) -> None:
    code = await link(ready)
    secure = create(replace(settings, public_url="https://testserver"))
    async with secure.router.lifespan_context(secure):
        transport = httpx.ASGITransport(app=secure)
        async with httpx.AsyncClient(transport=transport, base_url="https://testserver") as http:
            for path in (f"/s/{code}", "/docs", "/v1/units", "/nothing"):
                reply = await http.get(path)
                assert reply.headers["Strict-Transport-Security"] == "max-age=31536000"
            cookie = (await http.get(f"/s/{code}", headers={"Cookie": ""})).headers
            assert {"Secure", "HttpOnly", "SameSite=lax"} <= {
                one.strip() for one in cookie["Set-Cookie"].split(";")
            }


COOKIES = [
    "",
    "=",
    ";;;;",
    "x" * 5_000,
    f"{devices.COOKIE}",
    f"{devices.COOKIE}=",
    f"{devices.COOKIE}=\xff\xfe",
    f"{devices.COOKIE}=" + "A" * 37,
    f"{devices.COOKIE}=" + "A" * 38,
    f"{devices.COOKIE}=" + "é" * 38,
    f'{devices.COOKIE}="' + "A" * 38 + '"',
    f"{devices.COOKIE}=" + "%00" * 12 + "AA",
    f"{devices.COOKIE}=<script>; {devices.COOKIE}=' OR 1=1",
    "; ".join(f"c{number}={number}" for number in range(500)),
    f"$Version=1; {devices.COOKIE}=a; $Path=/",
]


@pytest.mark.parametrize("cookie", COOKIES)
async def test_a_cookie_that_is_not_ours_is_no_cookie(
    ready: Api, browser: Browser, cookie: str
) -> None:
    url = f"/s/{await link(ready)}"
    headers = [(b"Cookie", cookie.encode("latin-1"))]
    page = await ready.http.get(url, headers=headers)
    assert page.status_code == 200
    assert "Set-Cookie" in page.headers
    form = {**hidden(page.text), **six()}
    assert (await ready.http.post(url, data=form, headers=headers)).status_code == 201


async def test_of_a_proof_every_bit_counts(ready: Api) -> None:
    proof = devices.issue(ready.app.state.keyring)
    assert devices.device_of(ready.app.state.keyring, proof)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place in range(len(proof) - 1):  # of the last letter some bits mean nothing
        changed = letters[letters.index(proof[place]) ^ 1]
        forged = proof[:place] + changed + proof[place + 1 :]
        assert devices.device_of(ready.app.state.keyring, forged) is None
