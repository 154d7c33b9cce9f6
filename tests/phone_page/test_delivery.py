"""How pages travel: headers, bytes, files beside them."""

import gzip
import re

from app.phone_page.assets import ASSETS, NAMES
from tests.factories import Api, link
from tests.phone_page.conftest import Browser, six

BUDGET = 16 * 1024
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


async def test_the_page_and_its_files_stay_within_the_budget(ready: Api, browser: Browser) -> None:
    url = f"/s/{await link(ready)}"
    page = await browser.open(url, headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(files) == 2
    wire = int(page.headers["Content-Length"])
    for path in files:
        file = await browser.open(path, headers={"Accept-Encoding": "gzip"})
        assert file.status_code == 200
        assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        wire += int(file.headers["Content-Length"])
    assert wire < BUDGET < 30 * 1024
    # Nothing is fetched from elsewhere.
    assert not re.search(r'(?:href|src)="(?:https?:)?//', page.text)


async def test_browsers_without_gzip_are_served_plain(ready: Api, browser: Browser) -> None:
    plain = {"Accept-Encoding": "identity"}
    page = await browser.open(f"/s/{await link(ready)}", headers=plain)
    assert "Content-Encoding" not in page.headers
    assert page.text.startswith("<!doctype html>")
    for name, asset in ASSETS.items():
        file = await browser.open(f"/static/{name}", headers=plain)
        assert "Content-Encoding" not in file.headers
        assert file.content == asset.body == gzip.decompress(asset.gzipped)


async def test_files_are_served_under_their_present_name_only(ready: Api, browser: Browser) -> None:
    assert set(NAMES) == {"page.css", "page.js", "share.js"}
    for path in ("page.css", "page.000000000000.css", "..%2frouteS.py", "%2e%2e"):
        assert (await browser.open(f"/static/{path}")).status_code == 404
    style = await browser.open(f"/static/{NAMES['page.css']}")
    assert style.headers["Content-Type"] == "text/css; charset=utf-8"
    script = await browser.open(f"/static/{NAMES['page.js']}")
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"


async def test_a_shared_link_has_a_title_and_a_description(ready: Api, browser: Browser) -> None:
    page = (await browser.open(f"/s/{await link(ready)}")).text
    assert '<meta property="og:title" content="2026 年秋季满意度调查">' in page
    assert '<meta property="og:description" content="A1学校 · 共六道题' in page
    assert '<meta property="og:site_name" content="潍坊市">' in page
