"""The OpenAPI document is the contract in writing: every route, field and problem is in it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from app.core.problems import catalogue
from tests.factories import Api

Document = dict[str, Any]

# Pages for people, and the document itself.
FOR_PEOPLE = (
    "/s/",
    "/i/",
    "/p/",
    "/results/",
    "/wechat/",
    "/static/",
    "/docs",
    "/redoc",
    "/openapi.json",
)


@pytest.fixture
async def document(api: Api) -> Document:
    """The document as it is served."""
    reply = await api.get("/openapi.json")
    assert reply.status_code == 200
    found: Document = reply.json()
    return found


def operations(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation with its name, such as `GET /v1/units`."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def properties(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every property: its schema's name, its own, what is said of it."""
    for name, schema in document["components"]["schemas"].items():
        for one, said in schema.get("properties", {}).items():
            yield name, one, said


def test_every_route_is_in_the_document(app: FastAPI) -> None:
    documented = {name for name, _ in operations(app.openapi())}
    served = {
        f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in route.methods or ()
        if method != "HEAD" and not str(route.path).startswith(FOR_PEOPLE) and route.path != "/"
    }
    assert documented == served
    assert len(served) > 25


async def test_every_operation_says_in_a_line_what_it_does(document: Document) -> None:
    for name, operation in operations(document):
        assert re.match(r"[A-Z][^\n]{10,150}$", operation["summary"]), name
        assert not operation["summary"].endswith("."), name
        assert operation["description"], name
        assert operation["tags"], name


async def test_operation_ids_are_unique(document: Document) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert sorted(ids) == sorted(set(ids))


async def test_every_parameter_says_what_it_is(document: Document) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            forms = [parameter, parameter["schema"], *parameter["schema"].get("anyOf", [])]
            said = any(form.get("description") for form in forms)
            assert said, f"{name}: {parameter['name']}"
        in_path = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)(?::\w+)?}", name)), name


async def test_every_property_says_what_it_is(document: Document) -> None:
    schemas = document["components"]["schemas"]
    silent = set()
    for schema, name, said in properties(document):
        target = said.get("$ref", "").rpartition("/")[2]
        if not said.get("description") and not schemas.get(target, {}).get("description"):
            silent.add(f"{schema}.{name}")
    assert silent == set()


async def test_every_schema_says_what_it_is(document: Document) -> None:
    for name, schema in document["components"]["schemas"].items():
        if not name.startswith("Body_"):  # forms, which have no class of their own
            assert schema.get("description"), name


async def test_every_successful_reply_has_a_form(document: Document) -> None:
    for name, operation in operations(document):
        good = {code: reply for code, reply in operation["responses"].items() if code < "300"}
        assert good, name
        for code, reply in good.items():
            assert reply["description"], f"{name} {code}"
            for kind, media in reply.get("content", {}).items():
                assert media.get("schema") or media.get("example"), f"{name} {code} {kind}"
            if code != "204":
                assert reply.get("content"), f"{name} {code}"


async def test_every_failure_is_a_problem_with_examples(document: Document) -> None:
    for name, operation in operations(document):
        bad = {code: reply for code, reply in operation["responses"].items() if code >= "400"}
        assert {"413", "422", "500", "503"} <= set(bad), name
        for code, reply in bad.items():
            assert set(reply["content"]) == {"application/problem+json"}, f"{name} {code}"
            media = reply["content"]["application/problem+json"]
            assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert media["examples"], f"{name} {code}"
            for slug, example in media["examples"].items():
                assert example["value"]["type"] == f"/problems/{slug}"
                assert str(example["value"]["status"]) == code
                assert example["summary"] in reply["description"], f"{name} {code}"


async def test_every_operation_says_what_can_be_wrong_with_its_body_and_with_asking_too_often(
    document: Document,
) -> None:
    for name, operation in operations(document):
        replies = operation["responses"]
        limited = not name.endswith(("/healthz", "/readyz", "/metrics"))
        assert ("429" in replies) == limited, name
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            assert "malformed" in examples_of(replies, "400"), name
            # Answering takes JSON under any name, as a form in a page would send it.
            assert name.endswith("/responses") or "unsupported-media-type" in examples_of(
                replies, "415"
            ), name


def examples_of(replies: Document, status: str) -> Document:
    """The problems that an operation may reply with under a status, by their names."""
    found: Document = replies[status]["content"]["application/problem+json"]["examples"]
    return found


async def test_what_needs_a_token_says_which_scope_and_what_is_replied_without(
    document: Document,
) -> None:
    scheme = document["components"]["securitySchemes"]["ClientCredentials"]
    scopes = scheme["flows"]["clientCredentials"]["scopes"]
    for name, operation in operations(document):
        if "security" not in operation:
            continue
        replies = operation["responses"]
        examples = replies["401"]["content"]["application/problem+json"]["examples"]
        assert "unauthenticated" in examples, name
        wanted = {
            scope
            for alternative in operation["security"]
            for scope in alternative["ClientCredentials"]
        }
        assert wanted <= set(scopes), name
        if wanted:
            examples = replies["403"]["content"]["application/problem+json"]["examples"]
            assert "scope-missing" in examples, name


async def test_operations_without_a_token_are_few_and_known(document: Document) -> None:
    open_to_all = {name for name, operation in operations(document) if "security" not in operation}
    assert open_to_all == {
        "GET /healthz",
        "GET /metrics",
        "GET /readyz",
        "GET /problems",
        "GET /problems/{slug}",
        "POST /oauth/token",
        "POST /oauth/revoke",
        "GET /v1/links/{link}",
        "POST /v1/links/{link}/responses",
        "POST /v1/invitations/{token}/responses",
        "GET /v1/wechat/signature",
        "POST /v1/receipts/read",
        "POST /v1/receipts/withdraw",
        "POST /v1/receipts/erase",
        "GET /v1/signing-keys",
        "GET /schemas/questionnaire.json",
    }


async def test_scopes_that_are_alternatives_are_shown_as_such(document: Document) -> None:
    security = document["paths"]["/v1/campaigns/{code}/results"]["get"]["security"]
    assert security == [
        {"ClientCredentials": ["results:exact"]},
        {"ClientCredentials": ["results:read"]},
    ]


async def test_every_problem_type_has_an_entry(document: Document) -> None:
    examples = document["components"]["examples"]
    for one in catalogue():
        if one.__module__.startswith("app."):
            assert examples[one.slug]["summary"] == one.title
            assert examples[one.slug]["value"]["type"] == f"/problems/{one.slug}"


async def test_every_reference_leads_somewhere(document: Document) -> None:
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        found: Any = document
        for step in reference.split("/"):
            found = found[step]


async def test_the_pages_of_the_document_are_served(api: Api) -> None:
    page = await api.get("/docs")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")


def test_every_reply_has_an_example(document: Document) -> None:
    for name, operation in operations(document):
        for status, reply in operation["responses"].items():
            for kind, media in reply.get("content", {}).items():
                assert "example" in media or "examples" in media, f"{name} {status} {kind}"


def test_every_parameter_is_described(document: Document) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), f"{name} {parameter['name']}"
