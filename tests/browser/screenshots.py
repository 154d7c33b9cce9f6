"""Pictures of the page for the README: a school of Weifang, on a phone, at double density."""

import asyncio
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
    """Write page.png and thanks.png."""
    async with serving(settings) as api, chromium() as browser:
        url = await survey(api)
        async with phone(browser, device_scale_factor=2) as page:
            await page.goto(url)
            await page.locator("label:has([name='q.overall'][value=satisfied])").tap()
            await page.screenshot(path=folder / "page.png")
            await answer(page)
            await page.screenshot(path=folder / "thanks.png")


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
