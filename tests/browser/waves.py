"""Two campaigns with released results, for the results page to show; and the page opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page

from tests.browser.chromium import phone
from tests.factories import INDICATORS, PERIOD, Api, campaign_body

SPRING, AUTUMN = "2026-spring-parents", "2026-autumn-parents"
SCHOOLS = {"A1": (60, 30, 6), "A2": (48, 24, 24), "B1": (4, 1, 1)}
"""Satisfied, basically satisfied and dissatisfied parents; of B1 too few to be shown."""
DESK = {"is_mobile": False, "has_touch": False}


async def surveyed(api: Api, *, release: bool = True) -> None:
    """A campaign in spring and one in autumn, both with answers by telephone from all schools."""
    target = {"name": "telephone", "basis": "parents", "share": 0.05, "channel": "phone"}
    parents = {"questionnaire": "satisfaction-six", "version": 1, "targets": [target]}
    for code, title, opens in (
        (SPRING, "2026 年春季家长满意度调查", "2026-03-01T00:00:00Z"),
        (AUTUMN, "2026 年秋季家长满意度调查", "2026-09-01T00:00:00Z"),
    ):
        body = campaign_body(
            title=title,
            period=PERIOD if code == AUTUMN else "2026-spring",
            populations={"parent": parents},
            contact={"bureau": "潍坊市教育局"},
            opens_at=opens,
        )
        await api.made("PUT", f"/v1/campaigns/{code}", body)
        await api.made("POST", f"/v1/campaigns/{code}/open")
        await count(api, code, more=0 if code == AUTUMN else -20)
        if release or code == SPRING:
            await api.made("POST", f"/v1/campaigns/{code}/releases")


async def count(api: Api, campaign: str = AUTUMN, *, more: int = 0, revision: int = 1) -> None:
    """File the counts of a campaign, with so many more parents satisfied at A1."""
    rows = []
    for unit, (satisfied, basically, dissatisfied) in SCHOOLS.items():
        pleased = satisfied + (more if unit == "A1" else 0)
        votes = {
            "satisfied": pleased,
            "basically_satisfied": basically,
            "dissatisfied": dissatisfied,
            "dont_know": 2,
        }
        people = sum(votes.values())
        counts = dict.fromkeys(INDICATORS, votes)
        # One indicator that people like less than the others.
        counts["workload"] = {
            **votes,
            "satisfied": pleased - 3,
            "dissatisfied": dissatisfied + 3,
        }
        rows.append({"unit": unit, "population": "parent", "respondents": people, "counts": counts})
    tally = {"revision": revision, "channel": "phone", "as_of": "2026-10-01T00:00:00Z"}
    await api.made("PUT", f"/v1/campaigns/{campaign}/tallies/wave", {**tally, "rows": rows})


async def credentials(api: Api, scope: str = "results:read", unit: str = "W") -> str:
    """A new client's id and secret, as the page's fragment has them."""
    body = {"name": "wall", "scopes": [scope], "unit": unit}
    made = await api.made("POST", "/v1/clients", body)
    return f"{made['client_id']}:{made['client_secret']}"


@dataclass
class Watched:
    """What a page has asked for, and what its browser complained about."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    async def ready(self) -> None:
        """Wait until the page shows its figures and has drawn its charts."""
        await self.page.locator(".chart[data-chart=coverage] svg").wait_for()
        await self.page.locator(".chart[data-chart=questions] svg").wait_for()


@asynccontextmanager
async def watched(
    browser: Browser, *, complains: bool = False, **options: Any
) -> AsyncIterator[Watched]:
    """A page that asks its own server alone and, unless it `complains`, has no complaint."""
    async with phone(browser, **options) as page:
        found = Watched(page)

        def said(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                found.complaints.append(message.text)

        page.on("console", said)
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        page.on("request", lambda request: found.asked.append(request.url))
        yield found
        hosts = {urlsplit(url).netloc for url in found.asked if not url.startswith("data:")}
        assert len(hosts) == 1
        refused = [one for one in found.complaints if "Content Security Policy" in one]
        assert refused == []
        assert complains or found.complaints == []
