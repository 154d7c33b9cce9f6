"""Bodies and parameters at which parsers stumble: each is refused as the document says."""

import base64
import random
import re
from collections.abc import Iterator
from typing import Any

from tests.factories import Api
from tests.fuzz.requests import without_streams
from tests.fuzz.world import World, made

SUBMISSION = b'{"submission_id":"00000000-0000-0000-0000-000000000000",'
BODIES = [
    b"",
    b"null",
    b'"x"',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"\xef\xbb\xbf[]",
    '{"name":"x"}'.encode("utf-16"),
    b'{"name":' + b"9" * 5_000 + b"}",
    b'{"residents":1e400,"name":"x","kind":"city"}',
    b'{"residents":NaN,"name":"x","kind":"city"}',
    b'{"residents":' + b"9" * 4_000 + b',"name":"x","kind":"city"}',
    b'{"name":"\\ud800","kind":"city"}',
    b'{"\\u0000":1}',
    b'{"count":1e3,"unit":"A1","population":"parent"}',
    b'{"interviews":[' + b"{}," * 2_000 + b"{}]}",
    b'{"submission_id":"\\ud800","answers":{}}',
    SUBMISSION + b'"answers":{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
    SUBMISSION + b'"answers":{"overall":' + b"9" * 50_000 + b"}}",
    SUBMISSION + b'"started_at":"9999-12-31T23:59:59.999999999-23:59","answers":{}}',
    SUBMISSION + b'"started_at":"0001-01-01T00:00:00+23:59","answers":{}}',
]


def cursor(position: str) -> str:
    """A cursor that we might have made."""
    return "cursor=" + base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


PARAMETERS = [
    "limit=99999999999999999999999",
    "limit=1e2",
    "limit=%00",
    "limit=%D9%A3x",
    "limit=1&limit=2",
    "cursor=%ff",
    "cursor=" + "A" * 300,
    cursor("9" * 18),
    cursor(str(2**31)),
    cursor("\0"),
    "within=%ed%a0%80",
    "kind[]=x",
    "%00=1",
    "a" * 4_000 + "=1",
]


def operations(api: Api, world: World) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with an address of something that there is."""
    for path, methods in without_streams(api.app.openapi())["paths"].items():
        for method, operation in methods.items():
            label, chance = f"{method.upper()} {path}", random.Random(path)
            names = re.findall(r"{(\w+)}", path)
            url = path.format_map({name: world.value(label, name, chance) for name in names})
            yield method.upper(), url, operation


async def test_bodies_at_which_parsers_stumble_are_refused(unlimited: Api) -> None:
    world = await made(unlimited)
    asked = 0
    for method, url, operation in operations(unlimited, world):
        asked_for = operation.get("requestBody", {})
        taken = "application/json" in asked_for.get("content", {})
        for number, body in enumerate(BODIES if taken else ()):
            if body in (b"", b"null") and not asked_for.get("required"):
                continue  # which is as good as none
            headers = {"Content-Type": "application/json", "Idempotency-Key": str(number)}
            reply = await unlimited.request(method, url, content=body, headers=headers)
            assert 400 <= reply.status_code < 500, (url, body[:60])
            assert str(reply.status_code) in operation["responses"], (url, body[:60])
            asked += 1
    assert asked > 200


async def test_parameters_at_which_parsers_stumble_are_refused(unlimited: Api) -> None:
    world = await made(unlimited)
    refused = 0
    for method, url, operation in operations(unlimited, world):
        names = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        for parameters in PARAMETERS if method == "GET" and "limit" in names else ():
            reply = await unlimited.get(f"{url}?{parameters}")
            assert reply.status_code < 500, (url, parameters)
            assert str(reply.status_code) in operation["responses"], (url, parameters)
            refused += reply.status_code == 422
    assert refused > 80
