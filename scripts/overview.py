"""Makes the README's picture, docs/images/overview.png, from the demonstration as it is now.

.venv/bin/python -m scripts.overview        (needs what tests need: scripts/test installs it)
"""

import asyncio
import base64
import json
import tempfile
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import httpx
from playwright.async_api import Browser

from app.demonstration.credentials import FILE
from app.demonstration.loading import SHOWN_SCHOOL
from app.demonstration.setting_up import CAMPAIGNS
from tests.browser.chromium import chromium, phone
from tests.processes import server

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "overview.png"
RESULTS = f"/v1/campaigns/{CAMPAIGNS['parent']}/results?by=unit&level=county"
WIDTH, HEIGHT = 1240, 800

_PAGE = Template("""<!doctype html><meta charset="utf-8"><style>
* { box-sizing: border-box; margin: 0 }
body { width: ${width}px; height: ${height}px; padding: 44px 56px; display: flex; gap: 56px;
  background: #eef2f6; color: #17202b; font: 16px/1.5 "Noto Sans CJK SC", sans-serif }
.phone { flex: none; width: 375px; height: 712px; border-radius: 34px; padding: 12px;
  background: #17202b; box-shadow: 0 18px 40px #17202b40 }
.phone img { display: block; width: 351px; height: 688px; border-radius: 24px;
  object-fit: cover; object-position: top }
.results { flex: 1; align-self: center; background: #fff; border-radius: 16px;
  padding: 26px 30px; box-shadow: 0 8px 28px #17202b1f }
code { display: block; font: 14px "DejaVu Sans Mono", monospace; color: #48566a;
  margin-bottom: 14px }
code b { color: #0b6b4f }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th { text-align: left; font-weight: 500; font-size: 14px; color: #48566a }
th, td { padding: 6.5px 8px; border-bottom: 1px solid #e3e8ee; white-space: nowrap }
.number { text-align: right }
.bar { width: 38% }
.bar i { display: block; height: 12px; border-radius: 6px; background: #0b8a64 }
.bar span { display: block; border-radius: 6px; background: #e3e8ee }
tr:last-child td { border-bottom: 0 }
</style>
<div class="phone"><img src="data:image/png;base64,${phone}"></div>
<div class="results"><code><b>GET</b> ${address}</code>
<table><tr><th>县市区<th class="number">答卷<th class="bar">满意率<th class="number">
<th class="number">不了解</tr>${rows}</table></div>""")


def main() -> None:
    """Load the demonstration aside, take both pictures, put them together."""
    with (
        tempfile.TemporaryDirectory(prefix="xinsheng-overview-") as folder,
        server(Path(folder) / "data", "--demo") as running,
    ):
        clients = json.loads((running.data_dir / FILE).read_text("utf-8"))["clients"]
        with httpx.Client(base_url=running.base) as client:
            token = client.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(clients[0]["client_id"], clients[0]["client_secret"]),
            ).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            rows = client.get(RESULTS).raise_for_status().json()["rows"]
            wanted = {"population": "parent", "units": [SHOWN_SCHOOL]}
            links = client.post(f"/v1/campaigns/{CAMPAIGNS['parent']}/links", json=wanted)
            asyncio.run(_take(links.raise_for_status().json()["items"][0]["url"], rows))
    print(f"{PICTURE} ({PICTURE.stat().st_size >> 10} KiB)")


async def _take(url: str, rows: list[dict[str, Any]]) -> None:
    async with chromium() as browser:
        page = _PAGE.substitute(
            width=WIDTH,
            height=HEIGHT,
            phone=base64.b64encode(await _on_a_phone(browser, url)).decode(),
            address=escape(RESULTS),
            rows="".join(_row(row) for row in rows),
        )
        paper = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        await paper.set_content(page, wait_until="load")
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        await paper.screenshot(path=PICTURE)


async def _on_a_phone(browser: Browser, url: str) -> bytes:
    """The page with its first question answered."""
    async with phone(browser, height=735, device_scale_factor=2) as page:
        await page.goto(url)
        await page.locator("label:has([value=satisfied])").first.tap()
        await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        return await page.screenshot()


def _row(row: dict[str, Any]) -> str:
    rate, unknown = row["rate"], row["dont_know_share"]
    shown = "–" if rate is None else f"{rate:.1%}"
    bar = "" if rate is None else f'<span><i style="width: {rate:.2%}"></i></span>'
    return (
        f"<tr><td>{escape(row['unit']['name'])}<td class='number'>{row['respondents']}"
        f"<td class='bar'>{bar}<td class='number'>{shown}"
        f"<td class='number'>{'–' if unknown is None else f'{unknown:.1%}'}</tr>"
    )


if __name__ == "__main__":
    main()
