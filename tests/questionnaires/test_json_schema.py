"""The JSON Schema takes every draft that the API takes, and refuses what it would refuse."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from pydantic import ValidationError

from app.questionnaires.json_schema import ADDRESS, ID, schema
from app.questionnaires.schemas import Definition
from scripts.document_schema import FILE, document
from tests.factories import Api
from tests.phone_page.more_kinds import MORE_KINDS
from tests.phone_page.questionnaires import EVERY_TYPE
from tests.questionnaires.definitions import (
    EVERYTHING,
    Json,
    draft,
    drafts,
    matrix,
    question,
    single,
)

SHIPPED = sorted(Path("app/questionnaires/definitions").glob("*.json"))
VALIDATOR = jsonschema_rs.validator_for(schema())


def test_the_file_in_the_docs_is_as_the_script_makes_it() -> None:
    stored = FILE.read_text("utf-8")
    assert document() == stored, "run .venv/bin/python -m scripts.document_schema"


def test_it_is_a_schema_of_the_dialect_that_it_names() -> None:
    jsonschema_rs.meta.validate(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema()["$id"] == ID


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_questionnaires_fit_it(path: Path) -> None:
    VALIDATOR.validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("body", [EVERYTHING, EVERY_TYPE, MORE_KINDS, *schema()["examples"]])
def test_questionnaires_of_every_type_fit_it(body: Json) -> None:
    VALIDATOR.validate(body)


@given(drafts())
def test_drafts_of_all_shapes_fit_it_as_put_and_as_stored(body: Json) -> None:
    VALIDATOR.validate(body)
    VALIDATOR.validate(Definition.model_validate(body).model_dump(mode="json", by_alias=True))


WRONG: list[Json] = [
    {"questions": []},
    draft(titel={}),
    draft(title={"zh-CN": ""}),
    draft(title={"chinese, simplified": "问卷"}),
    draft(question("q", "slider")),
    draft(question("a b", "text")),
    draft(question("q", "text", max_length=0)),
    draft(question("q", "rating", min=-101)),
    draft(question("q", "text", visible_if={"any": []})),
    draft(question("q", "text", visible_if={"question": "e", "equals": "a"})),
    draft(question("q", "text", visible_if={"not": {"not": "e"}})),
    draft(question("q", "date", min="yesterday")),
    draft(question("q", "single_choice", options=[])),
    draft(question("q", "single_choice", options=[{"value": "a"}])),
    draft(single("q", rows=[])),
    draft(matrix("q", rows=[])),
    draft(pages={"p": {"intro": {"zh-CN": "…"}}}),
]


@pytest.mark.parametrize("body", WRONG)
def test_what_the_api_refuses_does_not_fit_it_either(body: Json) -> None:
    with pytest.raises(ValidationError):
        Definition.model_validate(body)
    assert not VALIDATOR.is_valid(body)


def described(node: Any, path: str = "") -> Iterator[str]:
    """The places of all properties without a description."""
    if not isinstance(node, dict):
        return
    for name, one in node.get("properties", {}).items():
        if not one.get("description"):
            yield f"{path}/{name}"
    for name, one in node.get("$defs", {}).items():
        if not one.get("description"):
            yield name
        yield from described(one, name)


def test_every_property_is_described() -> None:
    assert list(described(schema())) == []


async def test_it_is_read_without_a_token_as_a_schema(api: Api) -> None:
    reply = await api.get(ADDRESS)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/schema+json"
    assert reply.json() == json.loads(FILE.read_text("utf-8"))
    assert "public" in reply.headers["Cache-Control"]
