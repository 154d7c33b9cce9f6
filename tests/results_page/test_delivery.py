"""The results page before its script runs: what is sent, how, and that it tells nothing."""

import ast
import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import brotli
import httpx
import pytest

from app.core.settings import Settings
from app.main import create
from app.results_page.assets import STATIC, echarts, files
from tests.factories import Api, open_campaign, tree

BUDGET = 30 * 1024
"""Bytes on the wire besides ECharts: the page, its style and its scripts, compressed."""
ECHARTS = "2svH5QplTeBKhRXWxXOJE2P6pRpgnqVq8l8U1dYXUBXvc2zJ/FMMardtnPnnCXnt"
"""SHA-384 of dist/echarts.esm.min.js of Apache ECharts 6.1.0, in base64."""
ROOM = Path(__file__).parents[2] / "app" / "results_page"
SCRIPTS = {path.name: path.read_text("utf-8") for path in STATIC.glob("*.js")}
PAIR = re.compile(
    r'^  (\w+): \[\s*((?:"[^"\n]*"\s*\+?\s*)+),\s*((?:"[^"\n]*"\s*\+?\s*)+),?\s*\]', re.M
)


async def test_the_page_is_the_same_whoever_asks_and_for_whatever_campaign(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    there = await admin.http.get("/results/C")
    nowhere = await admin.http.get("/results/no-such-campaign")
    assert there.status_code == nowhere.status_code == 200
    assert there.content == nowhere.content
    assert (await admin.get("/results/C")).content == there.content


async def test_its_policy_lets_it_run_its_own_scripts_and_nothing_else(api: Api) -> None:
    reply = await api.http.get("/results/C")
    policy = dict(one.strip().split(" ", 1) for one in _policy(reply).split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert "<script>" not in reply.text
    assert " style=" not in reply.text
    assert not re.search(r"\son\w+=", reply.text)


def _policy(reply: httpx.Response) -> str:
    return reply.headers["Content-Security-Policy"]


async def test_its_files_are_kept_for_ever_and_small(api: Api) -> None:
    page = await api.http.get("/results/C", headers={"Accept-Encoding": "identity"})
    named = re.findall(r'(?:href|src|data-echarts)="(/static/[^"]+)"', page.text)
    assert {f"/static/results/{path}" for path in files()} == set(named)
    sent = len(brotli.compress(page.content))
    for name in named:
        async with api.http.stream("GET", name, headers={"Accept-Encoding": "br"}) as reply:
            body = b"".join([part async for part in reply.aiter_raw()])
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert reply.headers["Content-Encoding"] == "br"
        assert brotli.decompress(body) == files()[name.removeprefix("/static/results/")].body
        if name.endswith("/echarts.js"):
            assert len(body) < 340_000
        else:
            sent += len(body)
    assert sent < BUDGET, f"{sent:,} bytes"


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_its_files_come_as_a_browser_can_read_them(api: Api, encoding: str) -> None:
    for path, file in files().items():
        reply = await api.http.get(f"/static/results/{path}", headers={"Accept-Encoding": encoding})
        assert reply.headers.get("Content-Encoding", "identity") == encoding
        assert reply.content == file.body
        assert reply.headers["Content-Type"].startswith(file.media_type)


@pytest.mark.parametrize("path", ["page.js", "0/page.js", "../page.py", "..%2f..%2fpages.py", ""])
async def test_other_files_are_not_there(api: Api, path: str) -> None:
    assert (await api.http.get(f"/static/results/{path}")).status_code == 404


def test_echarts_is_apaches_own_byte_for_byte() -> None:
    digest = hashlib.sha384(echarts().read_bytes()).digest()
    assert base64.b64encode(digest).decode() == ECHARTS


async def test_below_a_path_everything_is_asked_for_there(settings: Settings) -> None:
    app = create(replace(settings, public_url="https://bureau.example/wj"))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://bureau.example") as client:
        page = (await client.get("/results/C")).text
    assert 'data-root="/wj"' in page
    named = set(re.findall(r'"(/[^"]+)"', page))
    assert named == {"/wj", *(f"/wj/static/results/{path}" for path in files())}


def test_the_room_knows_nothing_of_what_the_server_holds() -> None:
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("app."):
                assert str(node.module).split(".")[1] in ("core", "results_page"), path.name


def test_its_scripts_ask_in_one_place_and_write_no_html() -> None:
    asked = [name for name, script in SCRIPTS.items() if "fetch(" in script]
    assert asked == ["api.js"]
    everything = "\n".join(SCRIPTS.values())
    assert "http:" not in everything
    assert "https:" not in everything
    for forbidden in ("innerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage"):
        assert forbidden not in everything


def test_old_browsers_of_walls_know_what_it_is_written_in() -> None:
    styles = "\n".join(path.read_text("utf-8") for path in STATIC.glob("*.css"))
    assert ":has(" not in styles
    later = (
        r"#\w+\(|\.(?:at|findLast|replaceAll|toSorted)\(|structuredClone|Object\.hasOwn|static \{"
    )
    for name, script in SCRIPTS.items():
        assert not re.search(later, script), name
        assert not re.search(r"^(?:const \w+ = )?await ", script, re.M), name


def test_every_text_is_in_both_languages_and_says_the_same_figures() -> None:
    body = SCRIPTS["texts.js"].partition("const TEXTS = {")[2].partition("\n};")[0]
    pairs = PAIR.findall(body)
    keys = re.findall(r"^  (\w+): \[", body, re.M)
    assert [key for key, _, _ in pairs] == keys
    assert len(keys) > 100
    for key, chinese, english in pairs:
        places = re.findall(r"\{\w+\}", chinese), re.findall(r"\{\w+\}", english)
        assert set(places[0]) == set(places[1]), key
        assert not re.search(r"[\u4e00-\u9fff]", english) or key == "language", key
