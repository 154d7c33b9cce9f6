"""Asking WeChat's server, within the time that a waiting person has.

No address, code, openid or secret is ever logged, and no text that WeChat sends.
"""

import asyncio
import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import msgspec

from app.core.settings import WeChatAccount
from app.identity.wechat.failures import Failure, Refused, meaning

log = logging.getLogger("xinsheng.wechat")

BUDGET_SECONDS = 5.0
"""For one question with all its repetitions."""
_PAUSES = (0.0, 0.2, 0.6)
"""Before each try."""
_TRY_SHARE = 0.4
"""Of the budget, for one try: a connection that is lost leaves time for another."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECRET = re.compile(r"[!-~]{1,1024}")
_LONGEST_LIFE = 86_400


@dataclass(frozen=True)
class Person:
    """Who a code stands for."""

    openid: str
    unionid: str | None


@dataclass(frozen=True)
class Pass:
    """An access token or a ticket, and how long it is good for."""

    value: str
    lasts: timedelta


class Client:
    """One process's connections to WeChat's server."""

    def __init__(self, account: WeChatAccount, *, budget: float = BUDGET_SECONDS) -> None:
        self.budget = budget
        self._account = account
        self._http = httpx.AsyncClient(
            base_url=account.api_base,
            timeout=budget,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
        )

    async def close(self) -> None:
        """Give all connections back."""
        await self._http.aclose()

    async def exchange(self, code: str) -> Person:
        """The person whom a code stands for; it is good for one exchange. Errors: Refused."""
        reply = await self._ask(
            "GET",
            "/sns/oauth2/access_token",
            params={
                "appid": self._account.app_id,
                "secret": self._account.app_secret,
                "code": code,
                "grant_type": "authorization_code",
            },
        )
        if str(reply.get("is_snapshotuser")) in ("1", "True"):
            raise Refused(Failure.snapshot)
        unionid = reply.get("unionid")
        return Person(
            openid=_text(reply.get("openid"), _ID),
            unionid=_text(unionid, _ID) if unionid else None,
        )

    async def access_token(self) -> Pass:
        """The account's access token, the same one until it expires. Errors: Refused."""
        reply = await self._ask(
            "POST",
            "/cgi-bin/stable_token",
            json={
                "grant_type": "client_credential",
                "appid": self._account.app_id,
                "secret": self._account.app_secret,
            },
        )
        return Pass(_text(reply.get("access_token"), _SECRET), _life(reply))

    async def ticket(self, access_token: str) -> Pass:
        """The ticket that signs pages for WeChat's script. Errors: Refused."""
        reply = await self._ask(
            "GET",
            "/cgi-bin/ticket/getticket",
            params={"access_token": access_token, "type": "jsapi"},
            with_token=True,
        )
        return Pass(_text(reply.get("ticket"), _SECRET), _life(reply))

    async def _ask(
        self, method: str, path: str, *, with_token: bool = False, **options: Any
    ) -> dict[str, Any]:
        refused = Refused(Failure.unreachable)
        try:
            async with asyncio.timeout(self.budget):
                for pause in _PAUSES:
                    await asyncio.sleep(pause)
                    try:
                        return await self._try(method, path, with_token, options)
                    except Refused as error:
                        refused = error
                        if not refused.passing:
                            break
        except TimeoutError:
            pass
        _report(path, refused.failure)
        raise refused from None

    async def _try(
        self, method: str, path: str, with_token: bool, options: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self.budget * _TRY_SHARE):
                reply = await self._http.request(method, path, **options)
        except (httpx.HTTPError, TimeoutError):
            raise Refused(Failure.unreachable, passing=True) from None
        if reply.status_code != 200:
            raise Refused(Failure.faulty, passing=reply.status_code >= 500)
        try:
            content = msgspec.json.decode(reply.content, type=dict[str, Any])
            code = int(content.get("errcode") or 0)
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, ValueError):
            raise Refused(Failure.faulty) from None
        if code != 0:
            failure = meaning(code)
            if failure is Failure.token or code == 40001:
                # Without a token it speaks of our secret.
                failure = Failure.token if with_token else Failure.credential
            if failure in (Failure.credential, Failure.unknown):
                log.error("WeChat answers %s with errcode %d; see docs/wechat.md", path, code)
            raise Refused(failure, passing=failure is Failure.busy)
        return content


def _report(path: str, failure: Failure) -> None:
    if failure is Failure.quota:
        log.error("WeChat answers %s no more: a quota is used up; see docs/wechat.md", path)
    elif failure in (Failure.busy, Failure.unreachable, Failure.faulty):
        log.warning("WeChat did not answer %s: %s", path, failure.value)


def _text(given: object, shape: re.Pattern[str]) -> str:
    if not isinstance(given, str) or not shape.fullmatch(given):
        raise Refused(Failure.faulty)
    return given


def _life(reply: dict[str, Any]) -> timedelta:
    seconds = reply.get("expires_in")
    if not isinstance(seconds, int) or not 0 < seconds <= _LONGEST_LIFE:
        raise Refused(Failure.faulty)
    return timedelta(seconds=seconds)
