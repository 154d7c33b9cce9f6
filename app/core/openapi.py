"""The OpenAPI document: made complete with what every address has in common."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.core.problems import Busy, InternalError, InvalidInput, TooLarge, replies
from app.core.schemas import ProblemDocument

_COMMON = replies(TooLarge, InvalidInput, InternalError, Busy)
DESCRIPTION = """
Questionnaires answered on the phone, counted exactly.

Get a token at `POST /oauth/token`. Times are RFC 3339 in UTC; days are those of Asia/Shanghai.
Every failure is a problem document (RFC 9457) whose `type` can be opened.
"""


def describe(app: FastAPI) -> None:
    """Replace the app's OpenAPI maker by one that adds the common replies."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
    )
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = ProblemDocument.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path in schema["paths"].values():
        for operation in path.values():
            _complete(operation["responses"])
    return schema


def _complete(responses: dict[str, Any]) -> None:
    own = responses.get("422", {})
    if "application/json" in own.get("content", {}):
        del responses["422"]
    for status, reply in _COMMON.items():
        responses.setdefault(str(status), reply)
