"""A picture of the pages for the README: a school of Weifang, on phones and on paper."""

import asyncio
import base64
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page

from app.core.embedded_postgres import EmbeddedPostgres
from app.core.settings import Settings
from app.installation import prepare
from tests.browser.chromium import chromium, phone, serving
from tests.browser.parents import send
from tests.factories import INDICATORS, Api, link, open_campaign, tree

_PHONE, _POSTER = 260, 374
_TABLE = """<!doctype html><meta charset="utf-8"><style>
body { display: flex; gap: 26px; align-items: center; justify-content: center; height: 600px;
  margin: 0; background: #eef2f6 }
img { border-radius: 14px; box-shadow: 0 8px 24px #17202b2e }
</style>"""
FOLDER = Path(__file__).parents[2] / "docs" / "images"


async def survey(api: Api) -> str:
    """An open campaign as a bureau would set it up; returns the address of a school's page."""
    await tree(api)
    school = {"name": "奎文区文华路小学", "kind": "school", "parent": "A", "stage": "primary"}
    await api.made("PUT", "/v1/units/A1", school)
    contact = {"bureau": "潍坊市教育局", "phone": "0536-8091234", "hours": "工作日 9:00-17:00"}
    await open_campaign(api, title="2026 年秋季学校满意度调查", contact=contact)
    return f"{api.http.base_url}/s/{await link(api)}"


async def answer(page: Page) -> None:
    """Send the page, having chosen an answer to all six indicators."""
    for code in INDICATORS:
        await page.check(f"[name='q.{code}'][value=satisfied]")
    await send(page)


async def take(folder: Path, settings: Settings) -> None:
    """Write pages.png: the form, large print in the dark, the thanks, and a poster."""
    pictures: list[tuple[bytes, int]] = []
    async with serving(settings) as api, chromium() as browser:
        url = await survey(api)
        async with phone(browser, height=760) as page:
            await page.goto(url)
            await page.locator("label:has([name='q.overall'][value=satisfied])").tap()
            pictures.append((await page.screenshot(), _PHONE))
            async with phone(browser, height=760, color_scheme="dark") as another:
                await another.goto(f"{url}?large=yes")
                pictures.append((await another.screenshot(), _PHONE))
            await answer(page)
            pictures.append((await page.screenshot(), _PHONE))
        sheet = await api.get(f"/v1/links/{url.rpartition('/')[2]}/poster")
        paper = await browser.new_page(viewport={"width": 794, "height": 1119})
        await paper.set_content(sheet.text)
        pictures.append((await paper.screenshot(), _POSTER))
        shown = "".join(
            f'<img width="{width}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
            for png, width in pictures
        )
        await paper.set_viewport_size({"width": 1280, "height": 600})
        await paper.set_content(_TABLE + shown)
        await paper.screenshot(path=folder / "pages.png")


async def main(folder: Path) -> None:
    """Take the pictures upon a database that lasts as long as they take."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        data_dir = Path(temporary)
        with EmbeddedPostgres(data_dir) as postgres:
            await prepare(postgres.url())
            settings = Settings(
                data_dir=data_dir,
                database_url=postgres.url(),
                secret_keys=(b"only-for-pictures-" + b"0" * 32,),
                public_url="",
            )
            await take(folder, settings)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
