"""What every request passes first: its id, who asks and for which host, limits, headers, a log."""

import itertools
import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from fastapi import Request
from prometheus_client import Counter
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import bodies
from app.core.addresses import Network, client_address, forwarded_client, network_of
from app.core.hosts import Hosts
from app.core.http import log_failure, problem_response, routes_at
from app.core.limits.counting import Limits, TooMany, policy_text
from app.core.limits.policies import UNLIMITED
from app.core.metrics import REQUEST_SECONDS, REQUESTS
from app.core.problems import InternalError, Problem, UnknownHost

log = logging.getLogger("xinsheng.http")

_PAGES = ("/s/", "/i/", "/p/")
_SAFE = (b"x-content-type-options", b"nosniff")
_POLICIES = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""For all that isn't a page: what a browser is shown of it can do nothing."""
_NOT_KEPT = (b"cache-control", b"no-store")
"""For all that doesn't say otherwise: most replies are about persons, or hold what opens doors."""
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the edge goes by."""

    body_limits: Mapping[str, int]
    """By the end of a path, where a last `*` is any one step; others have
    `bodies.DEFAULT_LIMIT`."""
    hosts: Hosts
    trusted_proxies: tuple[Network, ...]
    https: bool
    """Whether people reach the service by https."""


class _Head(NamedTuple):
    """What the edge reads of a request's headers."""

    length: int
    media_type: bytes
    host: bytes
    authorized: bool


class Edge:
    """The outermost layer. Every reply passes here, and parents wait for it: so what looks
    laborious here is fast."""

    def __init__(self, app: ASGIApp, *, rules: Rules, limits: Limits) -> None:
        self.app = app
        self._rules = rules
        self._limits = limits
        self._body_limits = tuple(rules.body_limits.items())
        self._ids = _request_ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = scope["request_id"] = next(self._ids)
        began = time.perf_counter()
        status: int | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._headers(scope, message)
            await send(message)

        try:
            await self._reply(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = None  # nobody is left to answer
        except Exception as error:
            # Not left to the server: it would log the message, which may hold what came in.
            log_failure(request_id, error)
            if status is None:
                reply = problem_response(Request(scope), InternalError())
                await reply(scope, receive, send_with_headers)
        finally:
            elapsed = time.perf_counter() - began
            _count(scope, status, elapsed)
            if log.isEnabledFor(logging.INFO):
                line = {
                    "request_id": request_id,
                    "method": scope["method"],
                    "route": _route_template(scope),
                    "status": status,
                    "milliseconds": round(elapsed * 1000, 1),
                }
                log.info("request", extra=line)

    async def _reply(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = _head(scope)
        if self._rules.trusted_proxies:
            scope["client"] = (forwarded_client(scope, self._rules.trusted_proxies), 0)
        refusal = self._refusal(scope, head)
        if refusal is not None:
            await problem_response(Request(scope), refusal)(scope, receive, send)
            return
        limit = self._body_limit(scope["path"])
        body = bodies.limited(receive, limit, length=head.length, media_type=head.media_type)
        await self.app(scope, body, send)

    def _refusal(self, scope: Scope, head: _Head) -> Problem | None:
        path: str = scope["path"]
        if path in UNLIMITED:
            return None  # whatever watches over the service may ask under any name
        if not self._rules.hosts.include(head.host):
            return UnknownHost()
        if head.authorized or path.startswith(_PAGES) or path.endswith("/responses"):
            return None  # these know who asks, and have limits of their own
        standing = self._limits.count("network", network_of(client_address(scope)))
        return TooMany(standing) if standing.exceeded else None

    def _body_limit(self, path: str) -> int:
        for suffix, limit in self._body_limits:
            folder = suffix.removesuffix("*")
            if path.endswith(suffix) or (
                folder != suffix and path[: path.rfind("/") + 1].endswith(folder)
            ):
                return limit
        return bodies.DEFAULT_LIMIT

    def _headers(self, scope: Scope, message: Message) -> list[tuple[bytes, bytes]]:
        headers = [*message["headers"], _SAFE, (b"x-request-id", scope["request_id"].encode())]
        names = {name for name, _ in headers}
        if b"content-security-policy" not in names:
            headers.extend(_POLICIES)
        if b"cache-control" not in names:
            headers.append(_NOT_KEPT)
        if self._rules.https:
            headers.append(_HTTPS_ONLY)
        standing = scope.get("standing")
        if standing is not None and message["status"] != TooMany.status:
            headers.append(_policy(standing.policy, standing.most))
            headers.append((b"ratelimit", standing.text().encode()))
        return headers


def _head(scope: Scope) -> _Head:
    length, media_type, host, hosts, authorized = b"", b"", b"", 0, False
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = value
        elif name == b"content-type":
            media_type = value
        elif name == b"host":
            hosts += 1
            host = value
        elif name == b"authorization":
            authorized = True
    declared = int(length[:20]) if length.isdigit() else 0
    # Two of them would be two names: for which of these a proxy meant it, nobody knows.
    return _Head(declared, media_type, host if hosts < 2 else b"?", authorized)


def _count(scope: Scope, status: int | None, seconds: float) -> None:
    path: str = scope["path"]
    if path.endswith("/responses"):
        # What was stored, the intake counts, a batch at a time.
        if status is None or status >= 400:
            _counter("answer", status).inc()
        return
    kind = "page" if path.startswith(_PAGES) else "api"
    _counter(kind, status).inc()
    REQUEST_SECONDS.labels(kind).observe(seconds)


@lru_cache(20)
def _policy(policy: str, most: int) -> tuple[bytes, bytes]:
    return b"ratelimit-policy", policy_text(policy, most).encode()


@lru_cache(200)
def _counter(kind: str, status: int | None) -> Counter:
    return REQUESTS.labels(kind, "none" if status is None else str(status))


def _request_ids() -> Iterator[str]:
    # Random once for the process, then counted: to ask the kernel each time would be slow.
    process = secrets.token_hex(4)
    return (f"{process}{number & 0xFFFFFFFF:08x}" for number in itertools.count())


def _route_template(scope: Scope) -> str:
    # The template, never the path: paths hold invitation tokens and link codes.
    path = getattr(scope.get("route"), "path", None)
    if path is None and "endpoint" in scope:
        path = next((one.path for one in routes_at(scope)), None)
    return path or "unmatched"
