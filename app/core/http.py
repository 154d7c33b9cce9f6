"""Failures made problem documents, whatever raised them."""

import logging
from collections.abc import Iterable
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from app.core import database_errors
from app.core.bodies import is_json
from app.core.limits.counting import Standing
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
# In place of those messages of Pydantic's that quote the input.
_MESSAGES = {
    "union_tag_invalid": "Expected one of {expected_tags}.",
    "uuid_parsing": "Expected a UUID, such as 123e4567-e89b-42d3-a456-426614174000.",
}


def request_id(request: Request) -> str:
    """The id under which this request stands in the log."""
    return str(request.scope.get("request_id", ""))


def stand(request: Request, standing: Standing) -> None:
    """Have the reply say how its caller stands to a limit."""
    request.scope["standing"] = standing


def routes_at(scope: Scope) -> Iterable[RouteContext]:
    """The routes at a request's path, whatever their methods."""
    for route in iter_route_contexts(scope["app"].routes):
        regex = getattr(route, "path_regex", None)
        if regex is not None and regex.match(scope["path"]):
            yield route


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
    if isinstance(error.body, bytes) and not is_json(_media_type(request)):
        return problem_response(request, UnsupportedMediaType("Send application/json."))
    errors = [
        FieldError(_pointer(one, error.body), one["type"], _message(one))
        for one in found[:MAX_ERRORS]
    ]
    return problem_response(request, InvalidInput(errors=errors))


def _media_type(request: Request) -> bytes:
    return request.headers.get("Content-Type", "").encode("latin-1")


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
        methods = {method for route in routes_at(request.scope) for method in route.methods or ()}
        headers["Allow"] = ", ".join(sorted(methods))
    return problem_response(request, kind(detail, headers=headers))


async def _on_database_error(request: Request, error: Exception) -> Response:
    meaning = database_errors.meaning(error)
    if meaning is None:
        log_failure(request_id(request), error)
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


def log_failure(request_id: str, error: Exception) -> None:
    """Log what nobody foresaw, under the request's id."""
    log.error("unhandled error", exc_info=error, extra={"request_id": request_id})
