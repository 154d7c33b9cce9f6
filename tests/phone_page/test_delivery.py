"""How pages travel: headers, bytes, files beside them."""

import gzip
import re

import brotli
import pytest

from app.core import encodings
from app.phone_page.assets import ASSETS, NAMES
from tests.factories import Api, link
from tests.phone_page.conftest import Browser, six

BUDGET = 15 * 1024
"""Bytes on the wire for the six indicators: page, style and script, compressed."""


async def test_pages_are_never_cached_indexed_or_framed(ready: Api, browser: Browser) -> None:
    code = await link(ready)
    replies = [
        await browser.open(f"/s/{code}"),
        await browser.send(f"/s/{code}", six()),
        await browser.open("/s/nothing"),
    ]
    for reply in replies:
        assert reply.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        assert "connect-src 'self'" in reply.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
        assert "unsafe" not in reply.headers["Content-Security-Policy"]
        assert reply.headers["X-Robots-Tag"].startswith("noindex")
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert " style=" not in reply.text
        assert " onclick=" not in reply.text


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_the_page_and_its_files_stay_within_the_budget(
    ready: Api, browser: Browser, encoding: str
) -> None:
    url = f"/s/{await link(ready)}"
    page = await browser.open(url, headers={"Accept-Encoding": encoding})
    assert page.headers["Content-Encoding"] == encoding
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(files) == 2
    wire = int(page.headers["Content-Length"])
    for path in files:
        file = await browser.open(path, headers={"Accept-Encoding": encoding})
        assert file.status_code == 200
        assert file.headers["Content-Encoding"] == encoding
        assert file.headers["Vary"] == "Accept-Encoding"
        assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        wire += int(file.headers["Content-Length"])
    assert wire < BUDGET < 30 * 1024
    # Nothing is fetched from elsewhere.
    assert not re.search(r'(?:href|src)="(?:https?:)?//', page.text)


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", "identity"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP;Q=1.0, BR;q=0", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0, gzip;q=0", "identity"),
        ("identity, gzip;q=0.5, br;q=0.1", "identity"),
        ("*", "br"),
        ("br;q=0, *;q=0.1", "gzip"),
        ("br;q=often, gzip", "gzip"),
        ("br;q=nan, gzip, identity;q=inf, ,;;", "gzip"),
        ("broken, gzipped", "identity"),
        ("x," * 10_000 + "br", "identity"),
    ],
)
def test_compression_is_what_the_browser_would_have(header: str, encoding: str) -> None:
    assert encodings.chosen(header) == encoding


async def test_browsers_without_compression_are_served_plain(ready: Api, browser: Browser) -> None:
    plain = {"Accept-Encoding": "identity"}
    page = await browser.open(f"/s/{await link(ready)}", headers=plain)
    assert "Content-Encoding" not in page.headers
    assert page.text.startswith("<!doctype html>")
    for name, asset in ASSETS.items():
        file = await browser.open(f"/static/{name}", headers=plain)
        assert "Content-Encoding" not in file.headers
        assert file.content == asset.bodies["identity"]
        if asset.media_type.startswith("text/"):
            assert gzip.decompress(asset.bodies["gzip"]) == file.content
            assert brotli.decompress(asset.bodies["br"]) == file.content
            assert len(asset.bodies["br"]) < len(asset.bodies["gzip"]) < len(file.content)


async def test_files_are_served_under_their_present_name_only(ready: Api, browser: Browser) -> None:
    assert set(NAMES) == {"page.css", "page.js", "share.js", "card.png"}
    for path in ("page.css", "page.000000000000.css", "..%2frouteS.py", "%2e%2e"):
        assert (await browser.open(f"/static/{path}")).status_code == 404
    style = await browser.open(f"/static/{NAMES['page.css']}")
    assert style.headers["Content-Type"] == "text/css; charset=utf-8"
    script = await browser.open(f"/static/{NAMES['page.js']}")
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"


async def test_a_shared_link_has_a_title_a_description_and_a_picture(
    ready: Api, browser: Browser
) -> None:
    page = (await browser.open(f"/s/{await link(ready)}")).text
    assert '<meta property="og:title" content="2026 年秋季满意度调查">' in page
    assert '<meta property="og:description" content="A1学校 · 共六道题' in page
    assert '<meta property="og:site_name" content="潍坊市">' in page
    whole = ready.app.state.settings.public_url
    (picture,) = re.findall(r'<meta property="og:image" content="([^"]+)">', page)
    assert picture == f"{whole}/static/{NAMES['card.png']}"
    image = await browser.open(picture.removeprefix(whole), headers={"Accept-Encoding": "br"})
    assert image.headers["Content-Type"] == "image/png"
    assert "Content-Encoding" not in image.headers
    assert image.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert [int.from_bytes(image.content[at : at + 4], "big") for at in (16, 20)] == [400, 400]
    assert len(image.content) < 4_000


def test_the_style_leans_on_nothing_that_wechat_on_old_phones_does_not_know() -> None:
    style = ASSETS[NAMES["page.css"]].bodies[encodings.IDENTITY].decode()
    rules = re.sub(r"(?s)/\*.*?\*/", "", style)
    assert re.findall(r"[\w-]+-(?:inline|block):|\binset:|border-(?:start|end)-\w+", rules) == []
    # Gaps of grids are older than those of flexible boxes, without which only buttons may be.
    gaps = re.findall(r"([^{}]*)\{[^{}]*\bgap:", rules)
    assert [one.strip() for one in gaps] == [".state > div", ".ratings"]


@pytest.mark.parametrize("name", ["page.js", "share.js"])
def test_the_scripts_are_es2015(name: str) -> None:
    script = ASSETS[NAMES[name]].bodies[encodings.IDENTITY].decode()
    code = re.sub(r"(?ms)//.*?$|/\*.*?\*/", "", script)
    syntax = r"\?\.\D|\?\?|\*\*|\basync (?!=)|\bawait\b|\bcatch \{|\{ ?\.\.\."
    methods = r"\.(?:includes|flat|flatMap|padStart|padEnd|finally|at|replaceAll|matchAll)\("
    functions = r"Object\.(?:values|entries|fromEntries)|globalThis|Promise\.(?:any|allSettled)"
    assert re.findall(f"{syntax}|{methods}|{functions}", code) == []
