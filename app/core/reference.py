"""The page at /docs: the OpenAPI document as people read it. No script, and nothing from afar."""

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from app.core.templates import own_style_alone, templates

router = APIRouter()

_FOLDER = Path(__file__).parent / "templates"
_METHODS = ("get", "post", "put", "patch", "delete")


class Part(NamedTuple):
    """A piece of a type's name, and the schema that it leads to, if any."""

    text: str
    schema: str | None = None


class Field(NamedTuple):
    """A member of an object, or a parameter."""

    name: str
    type: list[Part]
    required: bool
    description: str
    place: str = ""


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """Show every address of the API, what it takes and what it replies."""
    page, policy = _rendered(request.app.openapi)
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return Response(page, media_type="text/html", headers=headers)


@cache
def _rendered(openapi: Any) -> tuple[bytes, str]:
    """The page, and the policy that allows its own style and nothing else."""
    environment = templates(_FOLDER)
    environment.filters["marked"] = _marked
    style = (_FOLDER / "reference.css").read_text("utf-8")
    page = environment.get_template("reference.html").render(style=style, **_content(openapi()))
    return page.encode(), own_style_alone(style)


def _marked(text: str) -> Markup:
    """Text with what stands between backticks as code."""
    parts = text.split("`")
    code = Markup("<code>{}</code>")
    return Markup("").join(
        code.format(part) if number % 2 else part for number, part in enumerate(parts)
    )


def _content(document: dict[str, Any]) -> dict[str, Any]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                shown = _operation(method, path, methods[method])
                groups.setdefault(methods[method]["tags"][0], []).append(shown)
    schemas = document["components"]["schemas"]
    return {
        "title": document["info"]["title"],
        "description": document["info"]["description"].strip().split("\n\n"),
        "groups": groups,
        "schemas": {
            name: {
                "description": schema.get("description", ""),
                "fields": _fields(schema),
                "type": _type(schema),
            }
            for name, schema in sorted(schemas.items())
        },
    }


def _operation(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    _, _, more = operation["description"].partition("\n")
    scopes = [scope for one in operation.get("security", ()) for scope in one["ClientCredentials"]]
    return {
        "anchor": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "more": [part for part in more.strip().split("\n\n") if part],
        "token": "security" in operation,
        "scopes": scopes,
        "parameters": [
            Field(
                one["name"],
                _type(one["schema"]),
                one.get("required", False),
                one.get("description", ""),
                one["in"],
            )
            for one in operation.get("parameters", ())
        ],
        "bodies": [
            (kind, _type(media.get("schema", {})), _example(media))
            for kind, media in operation.get("requestBody", {}).get("content", {}).items()
        ],
        "replies": [
            (status, reply["description"], _examples(reply))
            for status, reply in sorted(operation["responses"].items())
        ],
    }


def _fields(schema: dict[str, Any]) -> list[Field]:
    required = schema.get("required", ())
    return [
        Field(name, _type(one), name in required, one.get("description", ""))
        for name, one in schema.get("properties", {}).items()
    ]


def _type(schema: dict[str, Any]) -> list[Part]:
    """The name of a type in parts, so that what it is made of can be followed."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [Part(name, name)]
    if "const" in schema:
        return [Part(json.dumps(schema["const"]))]
    if "enum" in schema:
        return [Part(" | ".join(map(str, schema["enum"])))]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            parts: list[Part] = []
            for one in schema[choice]:
                parts += [Part(" or ")] if parts else []
                parts += _type(one)
            return parts
    if schema.get("type") == "array":
        return [Part("list of "), *_type(schema.get("items", {}))]
    values = schema.get("additionalProperties")
    if schema.get("type") == "object" and isinstance(values, dict):
        return [Part("object of "), *_type(values)]
    return [Part(schema.get("format") or schema.get("type") or "any")]


def _examples(reply: dict[str, Any]) -> list[tuple[str, str]]:
    shown = []
    for kind, media in reply.get("content", {}).items():
        if "example" in media:
            shown.append((kind, _example(media)))
        for name, one in media.get("examples", {}).items():
            value = one.get("value")
            shown.append((name, _json(value) if value is not None else ""))
    return shown


def _example(media: dict[str, Any]) -> str:
    return _json(media["example"]) if "example" in media else ""


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
