"""A campaign to answer, and a browser's way of talking to its pages."""

import html
import re
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.factories import INDICATORS, Api, open_campaign, tree

_FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@pytest.fixture
async def ready(admin: Api) -> Api:
    """The admin's API with an open campaign C."""
    await tree(admin)
    await open_campaign(admin)
    return admin


@dataclass
class Browser:
    """Opens a page and sends its form, with a cookie jar of its own."""

    api: Api
    headers: dict[str, str] = field(default_factory=lambda: {"Accept-Language": "zh-CN,zh;q=0.9"})
    cookies: dict[str, str] = field(default_factory=dict)

    async def open(self, url: str, **options: Any) -> httpx.Response:
        """GET a page."""
        return await self._request("GET", url, **options)

    async def send(self, url: str, fields: Any, **options: Any) -> httpx.Response:
        """POST a form."""
        return await self._request("POST", url, data=fields, **options)

    async def fill(self, url: str, value: str = "satisfied", **others: Any) -> dict[str, Any]:
        """The fields of a page's form: what it hides, and one answer to all six indicators."""
        page = await self.open(url)
        assert page.status_code == 200, page.text
        return {**hidden(page.text), **six(value), **others}

    async def _request(self, method: str, url: str, **options: Any) -> httpx.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        if self.cookies:
            pairs = (f"{name}={value}" for name, value in self.cookies.items())
            headers["Cookie"] = "; ".join(pairs)
        self.api.http.cookies.clear()
        reply = await self.api.http.request(method, url, headers=headers, **options)
        self.cookies.update(reply.cookies)
        return reply


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    return {name: html.unescape(value) for name, value in _FIELD.findall(page)}


def six(value: str = "satisfied", **others: str) -> dict[str, str]:
    """The fields of satisfaction-six."""
    return {f"q.{code}": others.get(code, value) for code in INDICATORS}


@pytest.fixture
def browser(api: Api) -> Browser:
    """A browser set to Chinese."""
    return Browser(api)
