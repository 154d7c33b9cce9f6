"""SQL, paths, hosts and addresses put where a name is asked for."""

import ast
import copy
import random
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from tests.factories import Api, invitations, link, open_campaign, tree
from tests.fuzz.requests import without_streams
from tests.fuzz.world import World, made
from tests.phone_page.test_cookies import counts
from tests.test_architecture import ROOT

SLEEP_SECONDS = 25
INJECTIONS = [
    "' OR '1'='1",
    "' OR '1'='2",
    f"' || pg_sleep({SLEEP_SECONDS}) || '",
    f"1; DROP TABLE claims; SELECT pg_sleep({SLEEP_SECONDS})",
    "x\0y",
    "{{7*7}} ${7*7} %s %(x)s :x $1",
]


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in without_streams(app.openapi())["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def leaves(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all texts of a JSON document."""
    if isinstance(body, str):
        yield path
    elif isinstance(body, dict):
        for name, value in body.items():
            yield from leaves(value, (*path, name))
    elif isinstance(body, list):
        for index, value in enumerate(body):
            yield from leaves(value, (*path, index))


def put_in(body: Any, path: tuple[Any, ...], value: str) -> Any:
    """The document with another text at a path."""
    changed = copy.deepcopy(body)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def requests(
    method: str, path: str, operation: dict[str, Any], world: World, injection: str
) -> Iterator[dict[str, Any]]:
    """A request for each place of an operation that takes a text, with the injection there."""
    label, chance = f"{method} {path}", random.Random(path)
    names = re.findall(r"{(\w+)}", path)
    real = {name: str(world.value(label, name, chance)) for name in names}
    body = world.bodies[label](chance) if label in world.bodies else None
    form = "json" if not path.startswith("/oauth") else "data"
    good: dict[str, Any] = {
        "method": method,
        "url": path.format_map(real),
        "headers": {"Idempotency-Key": str(uuid.uuid4())},
    }
    if path == "/v1/units/import":
        rows = f'code,name,kind,parent\n"{injection}",x,school,A\nI1,"{injection}",school,A\n'
        yield {**good, "content": rows, "headers": {"Content-Type": "text/csv"}}
        return
    if body is not None:
        good[form] = body
        for place in leaves(body):
            yield {**good, form: put_in(body, place, injection)}
    for name in names:
        url = path.format_map({**real, name: quote(injection, safe="")})
        yield {**good, "url": url}
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            yield {**good, "params": {parameter["name"]: injection}}
        elif parameter["in"] == "header":
            yield {**good, "headers": {parameter["name"]: injection}}


async def test_sql_is_a_text_like_any_other_wherever_a_text_is_taken(unlimited: Api) -> None:
    world = await made(unlimited)
    before = await counts(unlimited)
    asked = 0
    heard: dict[str, dict[str, list[int]]] = {}
    for injection in INJECTIONS:
        for method, path, operation in operations(unlimited.app):
            for request in requests(method, path, operation, world, injection):
                began = time.monotonic()
                reply = await unlimited.request(**request)
                assert reply.status_code < 500, (method, path, injection)
                assert str(reply.status_code) in operation["responses"], (path, injection)
                assert time.monotonic() - began < SLEEP_SECONDS / 2, (method, path, injection)
                kept = heard.setdefault(f"{method} {path}", {}).setdefault(injection, [])
                kept.append(reply.status_code // 100)
                asked += 1
    # What is true and what is false are replied to alike: neither was worked out.
    for label, statuses in heard.items():
        assert statuses[INJECTIONS[0]] == statuses[INJECTIONS[1]], label
    after = await counts(unlimited)
    assert {table for table in before if after[table] < before[table]} <= {"limit_counts"}
    assert asked > 500
    assert (await unlimited.get("/v1/units/W")).status_code == 200


LOOKED_AT = {
    "backup/queries.py",
    "core/embedded_postgres/clusters.py",
    "counts/cells/queries.py",
    "counts/origins/queries.py",
    "counts/queries.py",
    "counts/reading/queries.py",
    "counts/sums.py",
    "doctor/database.py",
    "doubts/queries.py",
    "exports/queries.py",
    "releases/queries.py",
    "responses/ledger/queries.py",
    "results/texts/queries.py",
}
"""What puts SQL together: of constants, of positions in a layout, of names from the catalogue."""
SQL_WORD = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|ALTER|DROP|ANALYZE)\b")


def test_sql_is_put_together_only_where_somebody_looked_at_it() -> None:
    found = set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            fixed = [one for one in getattr(node, "values", ()) if isinstance(one, ast.Constant)]
            if isinstance(node, ast.JoinedStr) and any(
                SQL_WORD.search(str(one.value)) for one in fixed
            ):
                found.add(str(path.relative_to(ROOT / "app")))
    assert found == LOOKED_AT


FETCHING = {"aiohttp", "ftplib", "http", "httpx", "requests", "smtplib", "urllib3", "xmlrpc"}


def test_what_serves_asks_wechat_and_fetches_nothing_else() -> None:
    importing = set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{one.name}" for one in node.names]
            for name in names:
                if name.split(".")[0] in FETCHING or name.startswith("urllib.request"):
                    importing.add(str(path.relative_to(ROOT / "app")))
    # Both go where the operator's settings say: the command asks the public address.
    # What pushes serves nothing: it is a client, which goes where its user says.
    served = {one for one in importing if not one.startswith("push/")}
    assert served == {"doctor/address.py", "identity/wechat/client.py"}


TRAVERSALS = [
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "..%5c..%5cetc%5cpasswd",
    "%252e%252e%252fetc%252fpasswd",
    "....//....//etc/passwd",
    "%c0%ae%c0%ae/etc/passwd",
    "..;/..;/etc/passwd",
    "/etc/passwd",
    "page.css%00.png",
    "__init__.py",
]
FILES = ["/static/", "/s/", "/i/", "/v1/links/", "/problems/", "/v1/units/", "/docs/", "/"]


@pytest.mark.parametrize("folder", FILES)
async def test_no_path_leads_to_a_file_of_the_machine(admin: Api, folder: str) -> None:
    for traversal in TRAVERSALS:
        reply = await admin.get(folder + traversal)
        assert reply.status_code in (404, 422), traversal
        assert "root:" not in reply.text
        assert "Location" not in reply.headers


ELSEWHERE = {
    "Host": "testserver",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "host=evil.example",
    "X-Original-URL": "/v1/clients",
    "X-Rewrite-URL": "/v1/clients",
    "Origin": "https://evil.example",
    "Referer": "https://evil.example/",
}


async def test_addresses_are_those_of_the_public_url_whatever_a_request_says(admin: Api) -> None:
    await tree(admin)
    await open_campaign(admin)
    body = {"population": "parent", "units": ["A1"]}
    found = await admin.made("POST", "/v1/campaigns/C/links", body, headers=ELSEWHERE)
    assert found["items"][0]["url"].startswith("http://testserver/s/")
    code, (token,) = await link(admin), await invitations(admin, 1)
    for url in (f"/s/{code}", f"/i/{token}", "/v1/campaigns/C/links.csv", "/docs", "/nothing"):
        reply = await admin.get(url, headers=ELSEWHERE)
        assert "evil.example" not in reply.text
        assert "evil.example" not in str(reply.headers)


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "evil.example:80", "@"]
)
async def test_under_another_name_nothing_is_answered(admin: Api, host: str) -> None:
    for url in ("/s/x", "/i/x", "/v1/units", "/docs", "/openapi.json", "/static/page.css"):
        reply = await admin.get(url, headers={"Host": host})
        assert reply.status_code == 421
        assert host == "@" or host not in reply.text + str(reply.headers)


NO_WAY_OUT = [
    "//evil.example",
    "//evil.example/%2e%2e",
    "/\\evil.example",
    "/%5cevil.example",
    "/s//evil.example",
    "/https://evil.example",
    "/v1/units/",
    "/docs/",
]


@pytest.mark.parametrize("path", NO_WAY_OUT)
async def test_nothing_sends_a_browser_elsewhere(admin: Api, path: str) -> None:
    for method in ("GET", "POST", "HEAD"):
        reply = await admin.http.request(method, f"http://testserver{path}")
        assert "Location" not in reply.headers
        assert not 300 <= reply.status_code < 400


async def test_no_other_sites_script_may_read_anything(admin: Api) -> None:
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    for url in ("/v1/units", "/oauth/token", "/s/x", "/v1/links/x/responses", "/docs", "/metrics"):
        for method in ("OPTIONS", "GET", "POST"):
            reply = await admin.request(method, url, headers=preflight)
            allowing = [one for one in reply.headers if one.startswith("access-control-allow")]
            assert allowing == []


async def test_what_may_be_kept_says_so_and_nothing_else_is_kept(unlimited: Api) -> None:
    world = await made(unlimited)
    kept = {}
    for method, path, _ in operations(unlimited.app):
        label, chance = f"{method} {path}", random.Random(path)
        names = re.findall(r"{(\w+)}", path)
        url = path.format_map({name: world.value(label, name, chance) for name in names})
        body = world.bodies[label](chance) if label in world.bodies else None
        form = "data" if path.startswith("/oauth") else "json"
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        reply = await unlimited.request(
            method, url, headers=headers, **({form: body} if body else {})
        )
        if "no-store" not in reply.headers["Cache-Control"]:
            kept[label] = reply.headers["Cache-Control"]
    private = "private, no-cache"
    assert kept == {
        "GET /schemas/questionnaire.json": "public, max-age=3600",
        "GET /v1/campaigns/{code}/results": private,
        "GET /v1/campaigns/{code}/coverage": private,
        "GET /v1/campaigns/{code}/ranking": private,
    }
