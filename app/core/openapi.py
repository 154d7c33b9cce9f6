"""The OpenAPI document: made complete with what every address has in common."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.core.limits.counting import TooMany
from app.core.limits.policies import UNLIMITED
from app.core.problems import (
    MEDIA_TYPE,
    Busy,
    InternalError,
    InvalidInput,
    Malformed,
    TooLarge,
    UnknownHost,
    UnsupportedMediaType,
    catalogue,
    replies,
)
from app.core.schemas import ProblemDocument

_COMMON = replies(TooLarge, UnknownHost, InvalidInput, InternalError, Busy)
_OF_JSON = replies(Malformed, UnsupportedMediaType)
_OF_LIMITS = replies(TooMany)
DESCRIPTION = """
Questionnaires for education bureaus: answered by link, invitation or telephone, counted exactly.

Get a token at `POST /oauth/token`; each address names the scope that it needs. Times are RFC 3339
in UTC; days are those of Asia/Shanghai. Lists come in pages: pass `next` as `cursor`. Every failure
is a problem document (RFC 9457) whose `type` can be opened.
"""


Addition = Callable[[dict[str, Any]], None]
"""Adds to the document what FastAPI does not know of."""


_TEXTS = {
    "date-time": "2026-11-02T02:21:00Z",
    "date": "2026-11-02",
    "uuid": "7d0c7a0e-57ba-4dd1-a9d4-1c33e2b2f4d4",
}
_PARAMETERS = {
    "cursor": "`next` of the page before, unchanged.",
    "limit": "How many items to return at most.",
}


def describe(app: FastAPI, *additions: Addition) -> None:
    """Replace the app's OpenAPI maker by one that adds the common replies and these additions."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, additions)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI, additions: tuple[Addition, ...]) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        separate_input_output_schemas=app.separate_input_output_schemas,
    )
    components = schema.setdefault("components", {})
    components["examples"] = {
        one.slug: {"summary": one.title, "value": one().document("f3a9")} for one in catalogue()
    }
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = ProblemDocument.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for operation in operations(schema):
        # The first line of the docstring; FastAPI's own would be the function's name.
        operation["summary"] = operation["description"].partition("\n")[0].rstrip(".")
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in _PARAMETERS:
                parameter.setdefault("description", _PARAMETERS[parameter["name"]])
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            add_replies(operation["responses"], _OF_JSON)
    for add in additions:
        add(schema)
    for path, methods in schema["paths"].items():
        if path not in UNLIMITED:
            for operation in methods.values():
                add_replies(operation["responses"], _OF_LIMITS)
    for operation in operations(schema):
        _complete(operation["responses"])
        for reply in operation["responses"].values():
            for media in reply.get("content", {}).values():
                if "example" not in media and "examples" not in media:
                    media["example"] = example_of(media["schema"], schemas)
    return schema


def example_of(schema: dict[str, Any], schemas: Mapping[str, Any]) -> Any:
    """A value of a schema, put together from the examples that its fields have."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for told in ("const", "default"):
        if schema.get(told) is not None:
            return schema[told]
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return example_of(schema[choice][0], schemas)
    return _example_of_type(schema, schemas)


def _example_of_type(schema: dict[str, Any], schemas: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: example_of(field, schemas) for name, field in fields.items()}
        case "array":
            items = schema.get("items")
            return [example_of(items, schemas)] if items else []
        case "integer":
            return max(1, int(schema.get("minimum", 1)))
        case "number":
            return 0.95
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return _TEXTS.get(schema.get("format", ""), "…")


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of an OpenAPI document."""
    for path in document["paths"].values():
        yield from path.values()


def add_replies(responses: dict[str, Any], added: Mapping[int | str, dict[str, Any]]) -> None:
    """Add problems to an operation's responses, beside those of the same status."""
    for status, reply in added.items():
        found = responses.setdefault(str(status), {"description": "", "content": {}})
        content = found["content"].setdefault(MEDIA_TYPE, {"examples": {}})
        examples = reply["content"][MEDIA_TYPE]["examples"]
        new = {slug: one for slug, one in examples.items() if slug not in content["examples"]}
        titles = [found["description"], *(one["summary"] for one in new.values())]
        found["description"] = " · ".join(filter(None, titles))
        found["content"][MEDIA_TYPE] = {
            **reply["content"][MEDIA_TYPE],
            "examples": {**content["examples"], **new},
        }


def _complete(responses: dict[str, Any]) -> None:
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]  # FastAPI's own form of an error
    for reply in responses.values():
        for kind, media in reply.get("content", {}).items():
            if not kind.endswith("json"):
                media.setdefault("schema", {"type": "string"})
    add_replies(responses, _COMMON)
