"""What every request passes: an id, a limit to its body, a log line, errors made problems."""

import logging
import secrets
import time
from collections.abc import Mapping

import msgspec
from asyncpg.exceptions import (
    CannotConnectNowError,
    InterfaceError,
    PostgresConnectionError,
    QueryCanceledError,
    TooManyConnectionsError,
)
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
_DATABASE_AWAY = (
    ConnectionError,
    TimeoutError,
    PoolTimeoutError,
    PostgresConnectionError,
    CannotConnectNowError,
    TooManyConnectionsError,
    QueryCanceledError,
    InterfaceError,
)
_STATUS_PROBLEMS: dict[int, type[Problem]] = {
    400: Malformed,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    415: UnsupportedMediaType,
    422: InvalidInput,
}


class Edge:
    """The outermost layer: request id, body limit, basic headers, one log line a request."""

    def __init__(self, app: ASGIApp, *, body_limits: Mapping[str, int]) -> None:
        self.app = app
        self._limits = tuple(body_limits.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope["request_id"] = request_id
        started = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Referrer-Policy", "no-referrer")
            await send(message)

        try:
            limited = _limited(receive, self._limit(scope["path"]))
            await self.app(scope, limited, send_with_headers)
        finally:
            elapsed = (time.perf_counter() - started) * 1000
            if log.isEnabledFor(logging.INFO):
                log.info(
                    "request",
                    extra={
                        "request_id": request_id,
                        "method": scope["method"],
                        "route": _route_template(scope),
                        "status": status,
                        "milliseconds": round(elapsed, 1),
                    },
                )

    def _limit(self, path: str) -> int:
        for suffix, limit in self._limits:
            if path.endswith(suffix):
                return limit
        return DEFAULT_BODY_LIMIT


def _route_template(scope: Scope) -> str:
    # The template, never the path: paths hold invitation tokens and link codes.
    return getattr(scope.get("route"), "path", "unmatched")


def _limited(receive: Receive, limit: int) -> Receive:
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(TooLarge.status, f"The limit here is {limit:,} bytes.")
        return message

    return limited


def request_id(request: Request) -> str:
    """The id under which this request stands in the log."""
    return str(request.scope.get("request_id", ""))


def problem_response(request: Request, problem: Problem) -> Response:
    """The reply that carries a problem document."""
    body = msgspec.json.encode(problem.document(request_id(request)))
    return Response(body, problem.status, problem.headers, media_type=MEDIA_TYPE)


def handle_errors(app: FastAPI) -> None:
    """Turn every failure into a problem document; nothing shows a stack trace."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(DBAPIError, _on_database_error)
    for away in _DATABASE_AWAY:
        app.add_exception_handler(away, _on_database_away)
    app.add_exception_handler(Exception, _on_exception)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(request, error)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return problem_response(request, Malformed())
    errors = [FieldError(_pointer(one["loc"]), one["type"], one["msg"]) for one in found]
    return problem_response(request, InvalidInput(errors=errors))


def _pointer(location: tuple[str | int, ...]) -> str:
    place, *path = location
    if place == "body":
        return pointer(path)
    if place == "query":
        return "?" + ".".join(map(str, path))
    return f"{place} " + ".".join(map(str, path))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = _STATUS_PROBLEMS.get(error.status_code, InvalidInput)
    detail = error.detail if kind is TooLarge else None
    return problem_response(request, kind(detail, headers=dict(error.headers or {})))


async def _on_database_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)
    cause = error.orig.__cause__ if error.orig is not None else None
    if error.connection_invalidated or isinstance(cause, _DATABASE_AWAY):
        return await _on_database_away(request, error)
    return await _on_exception(request, error)


async def _on_database_away(request: Request, error: Exception) -> Response:
    log.warning(
        "database away: %s", type(error).__name__, extra={"request_id": request_id(request)}
    )
    return problem_response(request, Busy("The database cannot be reached just now."))


async def _on_exception(request: Request, error: Exception) -> Response:
    log.error("unhandled error", exc_info=error, extra={"request_id": request_id(request)})
    return problem_response(request, InternalError())
