"""What every request passes: an id, a limit to its body, a log line, errors made problems."""

import itertools
import logging
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NoReturn

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import database_errors
from app.core.problems import (
    MEDIA_TYPE,
    Busy,
    FieldError,
    InternalError,
    InvalidInput,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    UnsupportedMediaType,
    pointer,
)

log = logging.getLogger("xinsheng.http")

DEFAULT_BODY_LIMIT = 1 << 20
MAX_DRAINED = 64 << 20
"""Bytes of a body that is too large that are read and thrown away before it is refused."""
MAX_ERRORS = 1000
"""Errors listed in one reply: a body of rubbish must not be answered by twenty times as much."""
_STATUS_PROBLEMS: dict[int, type[Problem]] = {
    400: Malformed,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    415: UnsupportedMediaType,
    422: InvalidInput,
}
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_NO_REFERRER = (b"referrer-policy", b"no-referrer")
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# In place of those messages of Pydantic's that quote the input.
_MESSAGES = {
    "union_tag_invalid": "Expected one of {expected_tags}.",
    "uuid_parsing": "Expected a UUID, such as 123e4567-e89b-42d3-a456-426614174000.",
}


class Edge:
    """The outermost layer: request id, body limit, basic headers, one log line a request.

    Every reply passes here, and parents wait for it: so what looks laborious here is fast.
    """

    def __init__(self, app: ASGIApp, *, body_limits: Mapping[str, int]) -> None:
        self.app = app
        self._limits = tuple(body_limits.items())
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
                headers = message["headers"] = [*message["headers"], _NO_SNIFFING]
                headers.append((b"x-request-id", request_id.encode()))
                if b"referrer-policy" not in [name for name, _ in headers]:
                    headers.append(_NO_REFERRER)
            await send(message)

        try:
            await self._reply(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = None  # nobody is left to answer
        except Exception as error:
            # Not left to the server: it would log the message, which may hold what came in.
            _log_failure(request_id, error)
            if status is None:
                reply = problem_response(Request(scope), InternalError())
                await reply(scope, receive, send_with_headers)
        finally:
            if log.isEnabledFor(logging.INFO):
                elapsed = (time.perf_counter() - began) * 1000
                line = {
                    "request_id": request_id,
                    "method": scope["method"],
                    "route": _route_template(scope),
                    "status": status,
                    "milliseconds": round(elapsed, 1),
                }
                log.info("request", extra=line)

    async def _reply(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._limit(scope["path"])
        length, kind = _declared(scope)
        if length > limit:
            await self.app(scope, _refused(receive, length, limit), send)
        else:
            await self.app(scope, _checked(receive, limit, utf8_only=_is_json(kind)), send)

    def _limit(self, path: str) -> int:
        for suffix, limit in self._limits:
            if path.endswith(suffix):
                return limit
        return DEFAULT_BODY_LIMIT


def _request_ids() -> Iterator[str]:
    # Random once for the process, then counted: to ask the kernel each time would be slow.
    process = secrets.token_hex(4)
    return (f"{process}{number & 0xFFFFFFFF:08x}" for number in itertools.count())


def _route_template(scope: Scope) -> str:
    # The template, never the path: paths hold invitation tokens and link codes.
    path = getattr(scope.get("route"), "path", None)
    if path is None and "endpoint" in scope:
        path = next((one.path for one in _routes_at(scope)), None)
    return path or "unmatched"


def _routes_at(scope: Scope) -> Iterable[RouteContext]:
    for route in iter_route_contexts(scope["app"].routes):
        regex = getattr(route, "path_regex", None)
        if regex is not None and regex.match(scope["path"]):
            yield route


def _limit_detail(limit: int) -> str:
    return f"The limit here is {limit:,} bytes."


def _refused(receive: Receive, length: int, limit: int) -> Receive:
    async def refused() -> NoReturn:
        # What is not read to its end leaves a connection that carries no further request.
        headers = None if await _drained(receive, length) else {"Connection": "close"}
        # Raised where the body would be read, so that each address can say it in its own form.
        raise HTTPException(TooLarge.status, _limit_detail(limit), headers=headers)

    return refused


def _declared(scope: Scope) -> tuple[int, bytes]:
    # The body's length and type.
    length, kind = b"", b""
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = value
        elif name == b"content-type":
            kind = value
    return int(length[:20]) if length.isdigit() else 0, kind


async def _drained(receive: Receive, length: int) -> bool:
    # Many clients look for a reply only when they have sent everything.
    if length > MAX_DRAINED:
        return False
    left = length
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return True


@lru_cache(100)
def _is_json(content_type: bytes) -> bool:
    kind = content_type.partition(b";")[0].strip().lower()
    return kind == b"application/json" or kind.endswith(b"+json")


def _checked(receive: Receive, limit: int, *, utf8_only: bool) -> Receive:
    received = 0

    async def checked() -> Message:
        nonlocal received
        message = await receive()
        body = message.get("body", b"")
        # Python's json would quietly take UTF-16 and UTF-32; they begin with a mark or a NUL.
        if utf8_only and not received and (b"\0" in body[:4] or body[:2] in _UTF_16_MARKS):
            raise HTTPException(Malformed.status)
        received += len(body)
        if received > limit:
            if message.get("more_body", False):
                await _drained(receive, MAX_DRAINED)
            raise HTTPException(TooLarge.status, _limit_detail(limit))
        return message

    return checked


def request_id(request: Request) -> str:
    """The id under which this request stands in the log."""
    return str(request.scope.get("request_id", ""))


def problem_response(request: Request, problem: Problem) -> Response:
    """The reply that carries a problem document."""
    body = msgspec.json.encode(problem.document(request_id(request)))
    # Unsaid, a cache may keep a 404 or a 410.
    headers = {"Cache-Control": "no-store", **problem.headers}
    return Response(body, problem.status, headers, media_type=MEDIA_TYPE)


def handle_errors(app: FastAPI) -> None:
    """Turn every failure into a problem document; nothing shows a stack trace."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_exception)
    for raised in database_errors.RAISED:
        app.add_exception_handler(raised, _on_database_error)
    app.add_exception_handler(Exception, _on_unforeseen)
    # A slash too many is an unknown address; a redirect would trust the Host header.
    app.router.redirect_slashes = False


async def error_response(request: Request, error: Exception) -> Response:
    """The reply to a failure, for what passes the handlers by. Raises what they don't know."""
    if isinstance(error, Problem):
        return problem_response(request, error)
    if isinstance(error, HTTPException):
        return await _on_http_exception(request, error)
    if isinstance(error, database_errors.RAISED):
        return await _on_database_error(request, error)
    raise error


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(request, error)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return problem_response(request, Malformed())
    if isinstance(error.body, bytes) and not _is_json(_declared(request.scope)[1]):
        return problem_response(request, UnsupportedMediaType("Send application/json."))
    errors = [
        FieldError(_pointer(one, error.body), one["type"], _message(one))
        for one in found[:MAX_ERRORS]
    ]
    return problem_response(request, InvalidInput(errors=errors))


def _message(error: dict[str, Any]) -> str:
    own = _MESSAGES.get(error["type"])
    return own.format(**error.get("ctx", {})) if own else str(error["msg"])


def _pointer(error: dict[str, Any], body: Any) -> str:
    place, *path = error["loc"]
    if place == "body":
        return pointer(_steps(path, body, missing=error["type"] == "missing"))
    if place == "query":
        return "?" + ".".join(map(str, path))
    return f"{place} " + ".".join(map(str, path))


def _steps(path: list[str | int], body: Any, *, missing: bool) -> list[str | int]:
    """Only the steps that the document has: Pydantic names the members of unions too."""
    if not isinstance(body, dict | list):
        return path
    steps: list[str | int] = []
    for step in path:
        match body:
            case dict() if step in body:
                body = body[step]
            case list() if isinstance(step, int):
                body = body[step]
            case _:
                continue
        steps.append(step)
    return [*steps, path[-1]] if missing and path else steps


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = _STATUS_PROBLEMS.get(error.status_code, InvalidInput)
    detail = error.detail if kind is TooLarge else None
    headers = dict(error.headers or {})
    if kind is MethodNotAllowed:
        # Starlette names only the methods of the first route at this address.
        methods = {method for route in _routes_at(request.scope) for method in route.methods or ()}
        headers["Allow"] = ", ".join(sorted(methods))
    return problem_response(request, kind(detail, headers=headers))


async def _on_database_error(request: Request, error: Exception) -> Response:
    meaning = database_errors.meaning(error)
    if meaning is None:
        _log_failure(request_id(request), error)
        return problem_response(request, InternalError())
    log.warning(
        "database: %s, %s",
        meaning,
        type(error).__name__,
        extra={"request_id": request_id(request)},
    )
    if meaning == "away":
        return problem_response(request, Busy("The database cannot be reached just now."))
    if request.method in ("GET", "HEAD"):
        return problem_response(request, NotFound())
    return problem_response(request, InvalidInput("A value is out of range or cannot be stored."))


async def _on_unforeseen(request: Request, error: Exception) -> Response:
    # Starlette raises it once more when this is sent, and `Edge` logs it.
    return problem_response(request, InternalError())


def _log_failure(request_id: str, error: Exception) -> None:
    log.error("unhandled error", exc_info=error, extra={"request_id": request_id})
