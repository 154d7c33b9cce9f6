"""Requests made up from the OpenAPI document: at its edges, beyond them, and of real things."""

import copy
import json
import random
from itertools import islice
from typing import Any, TypeVar

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode, SerializationContext
from schemathesis.transport.serialization import serialize_binary

from tests.fuzz.world import World, workbook

_Value = TypeVar("_Value")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_REAL = 0.7
"""The share of requests in which names are replaced by those of real things."""
_MOST_INVITATIONS = 50
_LISTED = 400
_SAFE_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@schemathesis.serializer(XLSX)
def _xlsx(context: SerializationContext, value: Any) -> bytes:
    """As `value` is, or the text of what is no bytes."""
    return serialize_binary(value)


@schemathesis.serializer("application/x-ndjson")
def _lines(context: SerializationContext, value: Any) -> bytes:
    """A line of JSON; what is no JSON goes as it is."""
    try:
        return json.dumps(value).encode() + b"\n"
    except TypeError:
        return serialize_binary(value)


def schema_of(document: dict[str, Any]) -> Any:
    """An OpenAPI document as schemathesis reads it."""
    return schemathesis.openapi.from_dict(without_streams(document))


def without_streams(document: dict[str, Any]) -> dict[str, Any]:
    """The document but for replies without an end, for which a test would wait for ever."""
    paths = {
        path: {
            method: operation
            for method, operation in methods.items()
            if "text/event-stream" not in operation["responses"].get("200", {}).get("content", {})
        }
        for path, methods in document["paths"].items()
    }
    return {**document, "paths": {path: methods for path, methods in paths.items() if methods}}


def operations(schema: Any) -> list[Any]:
    """Every operation of a schema. Errors: where one cannot be read."""
    return [found.ok() for found in schema.get_all_operations()]


def edges(operation: Any, most: int) -> list[Case[Any]]:
    """The cases that schemathesis lists: each keyword of the schema at its limit and beyond.

    About so many, evenly spread over the first few hundred: what belongs together stands together.
    """
    schema = operation.schema
    found = schema.iter_coverage_cases(
        operation,
        generation_modes=list(_SAFE_MODES),
        generation_config=schema.config.generation,
    )
    listed = list(islice(found, max(most, _LISTED)))
    return listed[:: -(-len(listed) // most) or 1]


def random_cases(operation: Any, count: int, number: int) -> list[Case[Any]]:
    """About so many cases that chance makes, half of them against the schema."""
    found: list[Case[Any]] = []
    for mode in _SAFE_MODES:
        try:
            found += drawn(operation.as_strategy(generation_mode=mode), -(-count // 2), number)
        except Unsatisfiable:
            assert mode.is_negative, operation.label  # without parameters nothing can be wrong
    return found


def drawn(strategy: SearchStrategy[_Value], count: int, number: int) -> list[_Value]:
    """Up to so many values of a strategy, for one seed always the same. Errors: Unsatisfiable."""
    found: list[_Value] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(value=strategy)
    def draw(value: _Value) -> None:
        found.append(value)

    draw()
    return found


def made_real(case: Case[Any], world: World, chance: random.Random) -> bool:
    """Put real names into most cases, so that they come further than to a 404.

    Returns whether it was changed.
    """
    operation = case.operation.label
    if chance.random() >= _REAL:
        return False
    for name in case.path_parameters:
        value = world.value(operation, name, chance)
        if value is not None:
            case.path_parameters[name] = value
    for name in list(case.query):
        value = world.value(operation, name, chance)
        if value is not None and chance.random() < _REAL:
            case.query[name] = value
    template = world.bodies.get(operation)
    if case.media_type == XLSX:
        case.body = damaged(workbook(), chance)
    elif template is not None and chance.random() < _REAL:
        case.body = _grafted(template(chance), case.body, chance)
    body: Any = case.body
    if isinstance(body, dict) and isinstance(body.get("count"), int):
        body["count"] = min(body["count"], _MOST_INVITATIONS)
    return True


def damaged(file: bytes, chance: random.Random) -> bytes:
    """A file with up to three bytes changed, and sometimes without its end."""
    changed = bytearray(file)
    for _ in range(chance.randint(0, 3)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    end = chance.choice([len(changed), chance.randrange(len(changed))])
    return bytes(changed[:end])


def _grafted(good: Any, generated: Any, chance: random.Random) -> Any:
    """A good body with a field or two of the generated one."""
    if not isinstance(good, dict):
        return good
    body = copy.deepcopy(good)
    if isinstance(generated, dict) and generated:
        for name in chance.sample(sorted(generated), min(len(generated), chance.randint(0, 2))):
            body[name] = generated[name]
    return body
