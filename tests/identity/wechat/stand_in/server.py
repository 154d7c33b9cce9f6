"""The stand-in as a web app, and as a real server on a free port."""

import asyncio
import contextlib
import hashlib
import html
import re
import secrets
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.identity.wechat.stand_in.tricks import CODES, TRICKS

APP_ID = "wx00000000standin"
APP_SECRET = "stand-in-secret-0123456789abcdef"
CODE_SECONDS = 300
TOKEN_SECONDS = 7200
PEOPLE = ("wang", "li", "zhang")
_STATE = re.compile(r"[a-zA-Z0-9]{0,128}")
_PERSON = re.compile(r"StandIn/([a-z0-9-]+)")
_SILENCE_SECONDS = 30


@dataclass
class _Code:
    person: str
    made_at: float
    used: bool = False


@dataclass
class StandIn:
    """What the stand-in knows, and may be told."""

    url: str = ""
    secret: str = APP_SECRET
    unions: bool = True
    """Whether unionids are told."""
    seconds_later: float = 0.0
    """By how much its clock has been moved on."""
    quota: int | None = None
    """Exchanges that are still granted."""
    asked: Counter[str] = field(default_factory=Counter)
    """How often each path was asked."""
    refuses_token: bool = False
    """Whether the token that it gave is good no more, as when somebody else got another."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is to end, so that nobody is left waiting for it."""
    down: bool = False
    """Whether it answers its interface with HTTP 500."""
    _codes: dict[str, _Code] = field(default_factory=dict)
    _tokens: dict[str, float] = field(default_factory=dict)
    _tricked: Counter[str] = field(default_factory=Counter)

    def now(self) -> float:
        """Its clock."""
        return time.time() + self.seconds_later

    def new_code(self, person: str) -> str:
        """A code as the authorise page gives it."""
        code = f"0{secrets.token_hex(15)}0"
        self._codes[code] = _Code(person, self.now())
        return code

    def given(self) -> list[str]:
        """Every code, token and ticket that it has given."""
        tokens = list(self._tokens)
        return [*self._codes, *tokens, *(ticket_of(one) for one in tokens)]

    def app(self) -> Starlette:
        """The web app."""
        return Starlette(
            routes=[
                Route("/", self._home),
                Route("/connect/oauth2/authorize", self._authorize),
                Route("/sns/oauth2/access_token", self._exchange),
                Route("/cgi-bin/stable_token", self._stable_token, methods=["POST"]),
                Route("/cgi-bin/ticket/getticket", self._ticket),
            ]
        )

    async def _home(self, request: Request) -> Response:
        return PlainTextResponse("A stand-in for WeChat. Open a survey's link with ?wechat=yes.\n")

    async def _authorize(self, request: Request) -> Response:
        self.asked["authorize"] += 1
        query = request.query_params
        wrong = [
            name
            for name, right in {
                "appid": query.get("appid") == APP_ID,
                "redirect_uri": "/wechat/callback" in query.get("redirect_uri", ""),
                "response_type": query.get("response_type") == "code",
                "scope": query.get("scope") == "snsapi_base",
                "state": _STATE.fullmatch(query.get("state", "")),
            }.items()
            if not right
        ]
        if wrong:
            return PlainTextResponse(f"WeChat refuses: {', '.join(wrong)}", 400)
        known = _PERSON.search(request.headers.get("User-Agent", ""))
        person = query.get("as") or (known and known[1])
        if not person:
            return HTMLResponse(_choice(request))
        back = {"state": query["state"]}
        if person != "declines":
            back = {"code": self.new_code(person), **back}
        return Response(status_code=302, headers={"Location": _with(query["redirect_uri"], back)})

    async def _exchange(self, request: Request) -> Response:
        self.asked["exchange"] += 1
        query = request.query_params
        if refusal := self._refusal(query.get("appid"), query.get("secret")):
            return refusal
        if self.quota is not None:
            self.quota -= 1
            if self.quota < 0:
                return _error(45009, "reach max api daily quota limit")
        code = self._codes.get(query.get("code", ""))
        if code is None or query.get("grant_type") != "authorization_code":
            return _error(40029, "invalid code")
        if code.used:
            return _error(40163, "code been used")
        if self.now() - code.made_at > CODE_SECONDS:
            return _error(42003, "code expired")
        if code.person in TRICKS:
            tricked = await self._trick(code)
            if tricked is not None:
                return tricked
        code.used = True
        person = {"openid": openid(code.person), "scope": "snsapi_base", "expires_in": 7200}
        if self.unions:
            person["unionid"] = unionid(code.person)
        return JSONResponse({"access_token": secrets.token_hex(8), **person})

    async def _trick(self, code: _Code) -> Response | None:
        name = code.person
        self._tricked[name] += 1
        first = self._tricked[name] == 1
        if name in CODES:
            return _error(CODES[name], "as was asked for")
        if name == "silent" or (name == "lost-once" and first):
            code.used = name == "lost-once"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), _SILENCE_SECONDS)
            return PlainTextResponse("too late", 504)
        if name == "broken" or (name == "broken-once" and first):
            return PlainTextResponse("Internal Server Error", 500)
        if name == "busy-once" and first:
            return _error(-1, "system error")
        replies: dict[str, Response] = {
            "gone": PlainTextResponse("Not Found", 404),
            "no-json": HTMLResponse("<html><h1>502 Bad Gateway</h1></html>"),
            "no-openid": JSONResponse({"scope": "snsapi_base"}),
            "snapshot": JSONResponse({"openid": openid(name), "is_snapshotuser": 1}),
        }
        return replies.get(name)

    async def _stable_token(self, request: Request) -> Response:
        self.asked["token"] += 1
        body = await request.json()
        if refusal := self._refusal(body.get("appid"), body.get("secret")):
            return refusal
        now = self.now()
        good = [one for one, until in self._tokens.items() if until > now]
        if self.refuses_token or not good or body.get("force_refresh"):
            self.refuses_token = False
            self._tokens = dict.fromkeys(self._tokens, 0.0)
            good = [f"T_{secrets.token_hex(40)}"]
            self._tokens[good[0]] = now + TOKEN_SECONDS
        return JSONResponse(
            {"access_token": good[0], "expires_in": int(self._tokens[good[0]] - now)}
        )

    async def _ticket(self, request: Request) -> Response:
        self.asked["ticket"] += 1
        token = request.query_params.get("access_token", "")
        if self.down:
            return PlainTextResponse("Internal Server Error", 500)
        if token not in self._tokens or self.refuses_token:
            return _error(40001, "invalid credential, access_token is invalid or not latest")
        if self._tokens[token] <= self.now():
            return _error(42001, "access_token expired")
        return JSONResponse(
            {
                "errcode": 0,
                "errmsg": "ok",
                "ticket": ticket_of(token),
                "expires_in": TOKEN_SECONDS,
            }
        )

    def _refusal(self, app_id: Any, secret: Any) -> Response | None:
        if self.down:
            return PlainTextResponse("Internal Server Error", 500)
        if app_id != APP_ID:
            return _error(40013, "invalid appid")
        return None if secret == self.secret else _error(40125, "invalid appsecret")


def openid(person: str) -> str:
    """The openid of somebody: 28 characters, as WeChat's have."""
    return "o" + hashlib.sha256(f"openid {person}".encode()).hexdigest()[:27]


def unionid(person: str) -> str:
    """The unionid of somebody."""
    return "u" + hashlib.sha256(f"unionid {person}".encode()).hexdigest()[:27]


def ticket_of(token: str) -> str:
    """The ticket that a token gets: never the same for two."""
    return "TICKET" + hashlib.sha256(token.encode()).hexdigest()


def _error(code: int, message: str) -> Response:
    # As WeChat does: HTTP 200, and called a text.
    body = JSONResponse({"errcode": code, "errmsg": message}).body
    return Response(bytes(body), media_type="text/plain")


def _with(address: str, added: dict[str, str]) -> str:
    parts = urlsplit(address)
    query = {**{name: one[0] for name, one in parse_qs(parts.query).items()}, **added}
    return urlunsplit(parts._replace(query=urlencode(query)))


def _choice(request: Request) -> str:
    def line(name: str, told: str = "") -> str:
        href = html.escape(f"?{urlencode({**request.query_params, 'as': name})}")
        return f'<li><a href="{href}">{name}</a> {html.escape(told)}</li>'

    people = "".join(map(line, PEOPLE))
    tricks = "".join(line(name, told) for name, told in TRICKS.items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>WeChat (stand-in)</title>'
        "<h1>您是谁？ Who are you?</h1><p>WeChat would know. This is a stand-in, so choose.</p>"
        f"<ul>{people}</ul><h2>或者看看出错时怎样 Or see a failure</h2><ul>{tricks}</ul>"
    )


class _Server(uvicorn.Server):
    """Leaves Ctrl-C to whoever runs the loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def standing_in(**known: Any) -> AsyncIterator[StandIn]:
    """The stand-in on a free port of this machine, while the context lasts."""
    listener = socket.create_server(("127.0.0.1", 0))
    stand_in = StandIn(f"http://127.0.0.1:{listener.getsockname()[1]}", **known)
    config = uvicorn.Config(stand_in.app(), log_config=None, access_log=False, lifespan="off")
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield stand_in
    finally:
        stand_in.over.set()
        server.should_exit = True
        await task
