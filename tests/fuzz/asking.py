"""Sending made-up requests one after another, and looking at every reply and what it left."""

import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import httpx
import requests
from schemathesis import Case, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from app.core.problems import MEDIA_TYPE
from tests.fuzz.requests import made_real
from tests.fuzz.world import World
from tests.fuzz.writes import written

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    allow_header_conformance,
]
_MEMBERS = {"type", "title", "status", "detail", "request_id", "errors"}
"""Of a problem document; OAuth adds `error`."""
_OF_HTTP = {"headers-too-large", "malformed-request", "uri-too-long"}
"""Problems of the connection, which every address may be replied with."""
_ALSO_A_UNIT = "POST /v1/units/import"
"""Its Allow header names the methods of the unit `import` too."""
_READING_LEAVES = {"audit_entries", "audit_head"}
"""Where a GET may write: that it was asked."""
_SHOWN = 600


@dataclass
class Tally:
    """What was asked and what came back."""

    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    """By operation."""
    callers: Counter[str] = field(default_factory=Counter)
    failures: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By operation: each kind of failure once."""
    seen: Counter[tuple[str, ...]] = field(default_factory=Counter)

    @property
    def asked(self) -> int:
        """Requests in all."""
        return sum(counted.total() for counted in self.statuses.values())

    def fail(self, operation: str, kind: str, told: str) -> None:
        """Note a failure; of the same kind only the first is told."""
        self.seen[operation, kind] += 1
        if self.seen[operation, kind] == 1:
            self.failures[operation].append(f"{kind}: {told}")


@dataclass
class Asking:
    """A service that is asked, the database behind it, and what has come of it."""

    http: httpx.AsyncClient
    connection: Any
    """To the service's database, whose writes are watched."""
    world: World
    tally: Tally = field(default_factory=Tally)

    async def ask(self, cases: Iterable[Case[Any]], chance: random.Random, *, real: bool) -> None:
        """Send each case as somebody whom chance chooses; `real`: most of them of real things."""
        holders = sorted(self.world.tokens)
        for case in cases:
            # Who may do everything comes furthest.
            who = chance.choice(["admin", "admin", chance.choice(holders)])
            changed = made_real(case, self.world, chance) if real else False
            await self._one(case, who, as_made=not changed)

    async def _one(self, case: Case[Any], who: str, *, as_made: bool) -> None:
        token = self.world.tokens[who]
        if token is not None and not case.path.startswith("/oauth/"):
            case.headers["Authorization"] = f"Bearer {token}"
        elif token is None:
            case.headers.pop("Authorization", None)
        case.headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
        prepared = _prepared(case, str(self.http.base_url))
        if prepared is None:
            return
        try:
            reply = await self.http.send(_request(prepared))
        except httpx.LocalProtocolError:
            return
        operation = case.operation.label
        self.tally.statuses[operation][reply.status_code] += 1
        self.tally.callers[who] += 1
        if _slug(reply) not in _OF_HTTP:
            self._check(case, prepared, reply, as_made=as_made)
        for kind, told in _problems(case, reply):
            self._fail(case, prepared, kind, told)
        left = await written(self.connection)
        if reply.status_code >= 400 and left:
            self._fail(case, prepared, f"a {reply.status_code} stored something", str(left))
        if prepared.method in ("GET", "HEAD") and left - _READING_LEAVES:
            self._fail(case, prepared, "reading stored something", str(left))

    def _check(
        self,
        case: Case[Any],
        prepared: requests.PreparedRequest,
        reply: httpx.Response,
        *,
        as_made: bool,
    ) -> None:
        checks = [*CHECKS, negative_data_rejection] if as_made else list(CHECKS)
        if case.operation.label == _ALSO_A_UNIT:
            checks.remove(allow_header_conformance)
        response = Response(
            status_code=reply.status_code,
            headers={name: [value] for name, value in reply.headers.items()},
            content=reply.content,
            request=prepared,
            elapsed=timedelta(0).total_seconds(),
            verify=False,
        )
        try:
            case.validate_response(response, checks=checks)
        except FailureGroup as group:
            for one in group.exceptions:
                self._fail(case, prepared, type(one).__name__, str(one))

    def _fail(
        self, case: Case[Any], prepared: requests.PreparedRequest, kind: str, told: str
    ) -> None:
        body = prepared.body if isinstance(prepared.body, str) else repr(prepared.body)
        sent = f"{prepared.method} {prepared.url} {body}"[:_SHOWN]
        self.tally.fail(case.operation.label, kind, f"{told[:_SHOWN]}\n    {sent}")


def _slug(reply: httpx.Response) -> str | None:
    """The problem's name, where the reply is one."""
    if reply.headers.get("Content-Type") != MEDIA_TYPE or not reply.content:
        return None
    return str(reply.json()["type"]).removeprefix("/problems/")


def _prepared(case: Case[Any], base: str) -> requests.PreparedRequest | None:
    """The request as it goes out; None where no client could send it."""
    try:
        options = case.as_transport_kwargs(base_url=base.rstrip("/"))
        options.pop("cookies", None)
        return requests.Request(**options).prepare()
    except (ValueError, requests.RequestException):
        return None


def _request(prepared: requests.PreparedRequest) -> httpx.Request:
    body = prepared.body or b""
    headers = [
        (name.encode("latin-1") if isinstance(name, str) else name, _bytes(value))
        for name, value in prepared.headers.items()
    ]
    content = body.encode() if isinstance(body, str) else bytes(cast(bytes, body))
    return httpx.Request(
        str(prepared.method), httpx.URL(str(prepared.url)), headers=headers, content=content
    )


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")


def _problems(case: Case[Any], reply: httpx.Response) -> Iterable[tuple[str, str]]:
    """What is wrong with a refusal, besides what the document's schemas say."""
    if reply.headers.get("Access-Control-Allow-Origin") is not None:
        yield "CORS", "no other site's script may read this"
    if reply.headers.get("X-Content-Type-Options") != "nosniff":
        yield "sniffing", "a header is missing"
    if "Cache-Control" not in reply.headers:
        yield "caching", "a header is missing"
    if reply.has_redirect_location:
        yield "a redirect", reply.headers["Location"]
    if reply.status_code < 400 or case.method == "HEAD":
        return
    if reply.headers.get("Content-Type") != MEDIA_TYPE:
        yield "no problem document", reply.headers.get("Content-Type", "")
        return
    problem = reply.json()
    if set(problem) - {"error"} != _MEMBERS or problem["status"] != reply.status_code:
        yield "a strange problem document", reply.text
    documented = case.operation.definition.raw["responses"].get(str(reply.status_code), {})
    examples = documented.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    slug = _slug(reply)
    if reply.status_code != 405 and slug not in examples and slug not in _OF_HTTP:
        yield f"undocumented {problem['type']}", reply.text
