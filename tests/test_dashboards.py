"""docs/dashboards.md holds: every example runs as written and prints what it says there."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.async_api import Browser, Page, Route

from tests.browser.chromium import chromium
from tests.processes import Server, free_port, server
from tests.push.files import client_of

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
ENGLISH = (ROOT / "docs" / "dashboards.md").read_text("utf-8")
CHINESE = (ROOT / "docs" / "dashboards.zh-CN.md").read_text("utf-8")
MARK = "--- end of block ---"
FENCED = r"^```\w+\n.*?^```$"
pytestmark = pytest.mark.timeout(300)


class Block(NamedTuple):
    """A block of the guide: bash or python, and what it is said to print."""

    language: str
    text: str
    prints: str


def blocks(guide: str) -> list[Block]:
    """What the guide has to run, in order."""
    pattern = r"^```(bash|python)\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?"
    found = re.finditer(pattern, guide, re.M | re.S)
    return [Block(one[1], one[2], one[3] or "") for one in found]


def script(found: list[Block], after: str) -> str:
    """All of it in one shell, and something more in the end."""
    lines = ["set -euo pipefail"]
    for block in found:
        if block.language == "bash":
            lines.append(block.text)
        else:
            lines.append(f"python3 - <<'END OF FILE'\n{block.text}END OF FILE")
        lines.append(f"echo '{MARK}'")
    return "\n".join([*lines, after])


class Walked(NamedTuple):
    """What became of the guide's blocks."""

    running: Server
    printed: list[str]
    environment: dict[str, str]
    """What its first block exported: the server, the campaigns, two clients' credentials."""


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    """Run the guide's blocks in one shell on a server of their own."""
    folder = tmp_path_factory.mktemp("dashboards")
    known = f"{sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    with server(folder / "data", worker=True) as running:
        done = subprocess.run(
            ["bash"],
            input=script(blocks(ENGLISH), known).encode(),
            capture_output=True,
            cwd=ROOT,
            env={
                **os.environ,
                "BASE": running.base,
                "XINSHENG_DATA_DIR": str(running.data_dir),
                "TMPDIR": str(folder),
                "PYTHONDONTWRITEBYTECODE": "1",
                "LC_ALL": "C.UTF-8",
            },
            timeout=240,
            check=False,
        )
        said = done.stdout.decode().replace("\ufeff", "")
        assert done.returncode == 0, f"{said}\n{done.stderr.decode()}\n{running.said()}"
        *printed, last = said.split(f"{MARK}\n")
        yield Walked(running, [one.strip() for one in printed], json.loads(last))


@pytest.mark.process
def test_every_example_prints_what_the_guide_says(walked: Walked) -> None:
    found = blocks(ENGLISH)
    assert {block.language for block in found} == {"bash", "python"}
    assert len(found) == len(walked.printed) >= 18
    assert sum(1 for block in found if block.prints) >= 15
    for shown, block in zip(walked.printed, found, strict=True):
        if block.prints:
            assert shown == block.prints.strip(), block.text


def test_both_languages_have_the_same_sections_code_links_and_tables() -> None:
    assert re.findall(FENCED, CHINESE, re.M | re.S) == re.findall(FENCED, ENGLISH, re.M | re.S)
    for pattern in (r"^(#+ [0-9.]*)", r"^\|", r"^\| (`[^|]+`) \|", r"^- "):
        one, other = (re.findall(pattern, text, re.M) for text in (CHINESE, ENGLISH))
        assert one == other, pattern
    links, spans = (
        [{one.replace(".zh-CN", "") for one in re.findall(pattern, text)} for text in both]
        for both in [[re.sub(FENCED, "", text, flags=re.M | re.S) for text in (CHINESE, ENGLISH)]]
        for pattern in (r"\]\(([^)#]+)\)", r"`([^`\n]+)`")
    )
    assert links[0] == links[1]
    assert spans[0] == spans[1]
    prose = re.sub(rf"{FENCED}|`[^`\n]*`|\([^)]*\)", "", CHINESE, flags=re.M | re.S)
    assert len(re.findall(r"[\u4e00-\u9fff]", prose)) > 10 * len(re.findall(r"[A-Za-z]{3,}", prose))


@contextmanager
def relaying(walked: Walked, folder: Path) -> Iterator[str]:
    """The guide's relay as a process of its own; where it answers."""
    port = free_port()
    with (folder / "relay.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, EXAMPLES / "relay.py", str(port)],
            stdout=log,
            stderr=log,
            env={**walked.environment, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    try:
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{base}/nothing", timeout=5)
                break
            except httpx.TransportError:
                assert process.poll() is None, (folder / "relay.log").read_text("utf-8")
                time.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    async with chromium() as started:
        yield started


def of_the_bureau(walked: Walked) -> httpx.Client:
    """The API as one who may do everything."""
    _, token = client_of(walked.running, "admin")
    bearer = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=walked.running.base, headers=bearer, timeout=60)


async def shown(page: Page) -> list[list[str]]:
    """The texts of all lines of both lists."""
    script = (
        "all => all.map(one => [...one.querySelectorAll('b, span, small')].map(e => e.innerText))"
    )
    lines: list[list[str]] = await page.locator("li").evaluate_all(script)
    return lines


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


@pytest.mark.browser
@pytest.mark.process
async def test_the_page_draws_the_ranking_and_renews_itself(
    walked: Walked, browser: Browser, tmp_path: Path
) -> None:
    campaign = f"/v1/campaigns/{walked.environment['CAMPAIGN']}"
    with of_the_bureau(walked) as bureau, relaying(walked, tmp_path) as base:
        page = await browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(base)
        about = page.locator("#about")
        await about.filter(has_text="第 1 次发布").wait_for()
        assert "280 人作答，其中 276 人计入" in await about.inner_text()
        asked = {"population": "parent", "release": "1"}
        ranking = bureau.get(f"{campaign}/ranking", params=asked).json()
        lines = await shown(page)
        assert len(lines) == len(ranking["rows"]) == 8
        for line, row in zip(lines, ranking["rows"], strict=True):
            assert line[1] == row["unit"]["name"]
            assert ("名" in line[0]) == (not row["insufficient"])
        first = ranking["rows"][0]
        low, high = map(percent, first["interval"])
        assert lines[0][0] == "第 1–5 名"
        assert lines[0][2] == f"{percent(first['rate'])}（{low}–{high}），36 人表态"
        assert lines[-1][2] == "为保护个人不显示、未达到覆盖目标"
        boxes = [await one.bounding_box() for one in await page.locator("line, svg").all()]
        assert all(boxes)
        answer_more(bureau, campaign)
        await about.filter(has_text="第 2 次发布").wait_for()
        assert "300 人作答，其中 300 人计入" in await about.inner_text()
        assert errors == []
        await page.close()


def answer_more(bureau: httpx.Client, campaign: str) -> None:
    """Enough parents of the school that was hidden, and a release that shows them."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    interviews = [
        {
            "interview_id": f"more-{number}",
            "unit": "guide-W4",
            "population": "parent",
            "disposition": "1.2",
            "ended_at": now,
            "answers": {"overall": "satisfied"},
        }
        for number in range(20)
    ]
    sent = bureau.post(
        f"{campaign}/interviews",
        json={"interviews": interviews},
        headers={"Idempotency-Key": "more"},
    )
    assert sent.json()["accepted"] == 20, sent.text
    made = bureau.post(f"{campaign}/releases")
    assert made.json()["number"] == 2, made.text


@pytest.mark.browser
async def test_the_page_takes_names_for_texts_and_stands_without_intervals(
    browser: Browser,
) -> None:
    row: dict[str, Any] = {
        "unit": {"code": "S", "name": "<img src=x onerror=alert(1)>"},
        "rank": 1,
        "rank_range": None,
        "rate": 0.5,
        "interval": None,
        "interval_kind": "none",
        "n": 40,
        "insufficient": False,
        "because": [],
    }
    told = {
        "results": {"rows": [{"population": "parent", "respondents": 41, "included": 40}]},
        "ranking": {"as_of": "2026-11-22T08:00:00Z", "exact": True, "rows": [row]},
        "stale": True,
    }

    async def reply(route: Route) -> None:
        path = route.request.url.removeprefix("http://dashboard.test")
        if path == "/figures.json":
            await route.fulfill(json=told)
        elif path == "/":
            await route.fulfill(path=EXAMPLES / "ranking.html", content_type="text/html")
        else:
            await route.abort()

    page = await browser.new_page()
    await page.route("**/*", reply)
    await page.goto("http://dashboard.test/")
    await page.locator("#about").filter(has_text="实时数据").wait_for()
    [[rank, name, figures]] = await shown(page)
    assert (rank, name, figures) == ("第 1 名", row["unit"]["name"], "50.0%（无区间），40 人表态")
    assert await page.locator("img").count() == 0
    assert "先前" in await page.locator("#trouble").inner_text()
    assert "50.0% 到 100%" in await page.locator("#about").inner_text()
    await page.close()
