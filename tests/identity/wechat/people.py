"""People with WeChat on their phones: a browser that goes to the stand-in and comes back."""

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from app.core.settings import WeChatAccount
from app.identity import accounts
from app.phone_page.wechat.routes import COOKIE as NONCE
from tests.identity.wechat.stand_in.server import APP_ID, APP_SECRET, StandIn
from tests.phone_page.conftest import Browser

AGENT = "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0.50 Language/zh_CN"


def account(stand_in: StandIn) -> WeChatAccount:
    """The account whose WeChat is the stand-in."""
    return WeChatAccount(
        app_id=APP_ID,
        app_secret=APP_SECRET,
        api_base=stand_in.url,
        authorize_base=stand_in.url,
    )


@dataclass
class Phone(Browser):
    """WeChat's browser on somebody's phone."""

    def of(self, person: str) -> "Phone":
        """Another phone, without cookies, with this person's WeChat; a trick's name meets it."""
        headers = {**self.headers, "User-Agent": f"{AGENT} StandIn/{person}"}
        return Phone(self.api, headers)

    async def sent_to(self, url: str) -> str:
        """Where a page sends this browser."""
        reply = await self.open(url)
        assert reply.status_code == 303, reply.text
        return reply.headers["Location"]

    async def recognised_at(self, address: str) -> str:
        """Where WeChat sends this browser back to, without asking anything."""
        async with httpx.AsyncClient() as client:
            reply = await client.get(address, headers={"User-Agent": self.headers["User-Agent"]})
        assert reply.status_code == 302, reply.text
        back = urlsplit(reply.headers["Location"])
        return f"{back.path}?{back.query}"

    async def called_back(self, url: str) -> str:
        """The callback's address, with a code for this person, for the page at this address."""
        return await self.recognised_at(await self.sent_to(url))

    async def visit(self, url: str, *, most: int = 6) -> httpx.Response:
        """Open a page and follow wherever it leads, to WeChat and back, as a browser does."""
        for _ in range(most):
            reply = await self.open(url)
            if reply.status_code != 303:
                return reply
            url = urljoin(url, reply.headers["Location"])
            if "/connect/oauth2/authorize" in url:
                url = await self.recognised_at(url)
        raise AssertionError("sent round and round")

    @property
    def proof(self) -> str | None:
        """The account proofs in this browser's cookie."""
        return self.cookies.get(accounts.COOKIE)

    @property
    def nonce(self) -> str | None:
        """This browser's nonce."""
        return self.cookies.get(NONCE)
