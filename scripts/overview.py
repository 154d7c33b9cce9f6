"""Makes the README's picture, docs/images/overview.jpg, from the demonstration as it is now.

.venv/bin/python -m scripts.overview        (needs what tests need: scripts/test installs it)
"""

import asyncio
import base64
import json
import tempfile
from pathlib import Path
from string import Template

from playwright.async_api import Browser, Page

from app.demonstration.credentials import FILE, PUBLIC
from app.demonstration.setting_up import CAMPAIGNS
from tests.browser.chromium import chromium, phone
from tests.processes import server

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "overview.jpg"
WIDTH, HEIGHT = 1240, 690

_PAGE = Template("""<!doctype html><meta charset="utf-8"><style>
* { box-sizing: border-box; margin: 0 }
body { width: ${width}px; height: ${height}px; background: #dfe5e2; position: relative }
img { display: block; position: absolute }
.wall { left: 34px; top: 40px; width: 1072px; border: 8px solid #17202b; border-radius: 10px;
  box-shadow: 0 14px 34px #17202b40 }
.phone { right: 30px; bottom: 26px; width: 252px; border: 9px solid #17202b; border-radius: 28px;
  box-shadow: 0 14px 34px #17202b66 }
</style><img class="wall" src="data:image/png;base64,${wall}">
<img class="phone" src="data:image/png;base64,${phone}">""")


def main() -> None:
    """Load the demonstration aside, take the results page on a wall and on a phone."""
    with (
        tempfile.TemporaryDirectory(prefix="xinsheng-overview-") as folder,
        server(Path(folder) / "data", "--demo") as running,
    ):
        clients = json.loads((running.data_dir / FILE).read_text("utf-8"))["clients"]
        [public] = [one for one in clients if one["name"] == PUBLIC]
        fragment = f"{public['client_id']}:{public['client_secret']}"
        url = f"{running.base}/results/{CAMPAIGNS['parent']}"
        asyncio.run(_take(url, fragment))
    print(f"{PICTURE} ({PICTURE.stat().st_size >> 10} KiB)")


async def _take(url: str, fragment: str) -> None:
    async with chromium() as browser:
        wall = await _on_a_wall(browser, f"{url}?wall=1#{fragment}")
        small = await _on_a_phone(browser, f"{url}#{fragment}")
        page = _PAGE.substitute(
            width=WIDTH,
            height=HEIGHT,
            wall=base64.b64encode(wall).decode(),
            phone=base64.b64encode(small).decode(),
        )
        paper = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        await paper.set_content(page, wait_until="load")
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        await paper.screenshot(path=PICTURE, type="jpeg", quality=84)


async def _on_a_wall(browser: Browser, url: str) -> bytes:
    page = await browser.new_page(viewport={"width": 1920, "height": 1080})
    return await _drawn(page, url)


async def _on_a_phone(browser: Browser, url: str) -> bytes:
    async with phone(browser, height=667, device_scale_factor=2) as page:
        return await _drawn(page, url)


async def _drawn(page: Page, url: str) -> bytes:
    await page.emulate_media(reduced_motion="reduce")
    await page.goto(url)
    for chart in ("questions", "ranking", "trend", "answers", "coverage"):
        await page.locator(f"[data-chart={chart}] svg").wait_for()
    return await page.screenshot()


if __name__ == "__main__":
    main()
