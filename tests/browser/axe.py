"""axe-core, which knows what WCAG asks of a page."""

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.async_api import Page

_SOURCE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
_RUN = "() => axe.run(document, { resultTypes: ['violations'] })"


async def violations(page: Page) -> list[tuple[Any, ...]]:
    """What axe finds wrong with a page as it stands: rule, impact, and the element's HTML."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(f"() => {{ {_SOURCE} }}")
    found = await page.evaluate(_RUN)
    assert found["passes"], "axe has looked at something"
    return [
        (rule["id"], rule["impact"], node["html"])
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
