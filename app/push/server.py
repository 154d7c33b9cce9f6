"""The server as a patient client sees it: what may pass is tried again, what cannot is told."""

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from app.push.credentials import Credentials
from app.push.problems_met import explained
from app.push.wording import Said, Stopped, tell

PATIENCE_SECONDS = 600.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 60.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_IN_FLIGHT = "/problems/idempotency-key-in-flight"
_TIMEOUT = httpx.Timeout(120, connect=10)


class Server:
    """Requests with a token of our own, each repeated until it is answered for good."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        patience: float = PATIENCE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._credentials = credentials
        self._patience = patience
        self._sleep = sleep
        self._http = httpx.Client(base_url=credentials.server, timeout=_TIMEOUT)
        self._token: str | None = None

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: Any) -> None:
        self._http.close()

    def get(self, path: str, **parameters: str) -> Any:
        """The JSON at an address. Errors: Stopped."""
        return self.ask("GET", path, params=parameters)

    def ask(
        self, method: str, path: str, *, place: Callable[[str], object] = str, **options: Any
    ) -> Any:
        """The JSON of the reply to a request that is safe to repeat. Errors: Stopped.

        `place` says of a pointer into what was sent where its user finds that.
        """
        reply = self._authorised(method, path, options)
        if reply.status_code == 401:
            self._token = None  # it expired, or the server's keys were changed
            reply = self._authorised(method, path, options)
        return self._content(reply, place)

    def _content(self, reply: httpx.Response, place: Callable[[str], object] = str) -> Any:
        if not reply.is_success:
            raise refused(reply, place)
        try:
            return reply.json()
        except ValueError as error:
            raise _not_ours() from error

    def _authorised(self, method: str, path: str, options: Mapping[str, Any]) -> httpx.Response:
        if self._token is None:
            self._token = self._new_token()
        headers = {**options.get("headers", {}), "Authorization": f"Bearer {self._token}"}
        return self._patiently(method, path, {**options, "headers": headers})

    def _new_token(self) -> str:
        credentials = self._credentials
        options = {
            "auth": (credentials.client_id, credentials.secret),
            "data": {"grant_type": "client_credentials"},
        }
        content = self._content(self._patiently("POST", "/oauth/token", options))
        token = content.get("access_token") if isinstance(content, dict) else None
        if not isinstance(token, str):
            raise _not_ours()
        return token

    def _patiently(self, method: str, path: str, options: Mapping[str, Any]) -> httpx.Response:
        ends_at = time.monotonic() + self._patience
        tries = 0
        while True:
            reply: httpx.Response | None = None
            try:
                reply = self._http.request(method, path, **options)
            except (httpx.TransportError, httpx.DecodingError) as error:
                reason = Said("连接不上服务器", f"no connection ({type(error).__name__})")
            else:
                if not _passes(reply):
                    return reply
                reason = Said(f"服务器答复 {reply.status_code}", f"replied {reply.status_code}")
            pause = _pause(tries, reply)
            tries += 1
            if time.monotonic() + pause > ends_at:
                raise _gave_up(reason)
            tell(
                f"{reason.zh}，{pause:.0f} 秒后重试（Ctrl-C 结束）。",
                f"The server: {reason.en}; again in {pause:.0f} s (Ctrl-C ends).",
            )
            self._sleep(pause)


def _passes(reply: httpx.Response) -> bool:
    if reply.status_code == 409:
        return problem_of(reply).get("type") == _IN_FLIGHT
    return reply.status_code in _PASSING


def _pause(tries: int, reply: httpx.Response | None) -> float:
    asked = reply.headers.get("Retry-After", "") if reply is not None else ""
    spread = random.random()  # nosec B311 # not for secrets
    if asked.isascii() and asked.isdigit():
        return min(float(asked), _LONGEST_PAUSE) + spread
    return min(_FIRST_PAUSE * 2.0 ** min(tries, 10), _LONGEST_PAUSE) * (0.5 + spread)


def problem_of(reply: httpx.Response) -> dict[str, Any]:
    """The problem document in a reply; empty where there is none."""
    try:
        problem = reply.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def refused(reply: httpx.Response, place: Callable[[str], object] = str) -> Stopped:
    """What to tell the user about a reply that ends the push; `place` as `Server.ask` has it."""
    problem = problem_of(reply)
    slug = str(problem.get("type", "")).rpartition("/")[2]
    said = explained(slug)
    errors = problem.get("errors")
    found = errors if isinstance(errors, list) else []
    named = [f"  {place(str(one.get('pointer')))}: {one.get('message')}" for one in found[:20]]
    detail = problem.get("detail") or reply.reason_phrase
    request = problem.get("request_id") or reply.headers.get("X-Request-Id") or "-"
    lines = "".join(f"\n{line}" for line in named)
    zh = said.zh if said else "服务器拒绝了请求。"
    return Stopped(
        f"{zh}（{reply.status_code} {slug}，请求号 {request}）\n{detail}{lines}",
        f"{problem.get('title') or 'Refused'} ({reply.status_code} {slug}, request {request})\n"
        f"{detail}{lines}",
    )


def _gave_up(reason: Said) -> Stopped:
    return Stopped(
        f"{reason.zh}，多次重试未果。已送达的都已保存；稍后用同一命令继续。",
        f"The server: {reason.en}, again and again. What was delivered is stored; the same command "
        "goes on where it stopped.",
    )


def _not_ours() -> Stopped:
    return Stopped(
        "这个地址的答复不是心声服务器的：请检查 --server。",
        "What replied at this address is no Xinsheng server: check --server.",
    )
