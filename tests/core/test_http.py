"""What every request passes: limits, encodings, and failures that are always problems."""

import asyncio
import json
from collections.abc import AsyncIterator
from http.client import HTTPConnection
from typing import Annotated, Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Path, Request
from sqlalchemy import text

from app.core import bodies, http
from app.core.database import Session
from app.core.edge import Edge, Rules
from app.core.hosts import Hosts
from app.core.limits.counting import Limits
from app.core.limits.policies import PER_MINUTE
from app.core.problems import Busy
from tests.factories import Api

UNIT = {"name": "潍坊市", "kind": "city"}
JSON = {"Content-Type": "application/json"}


def problem(reply: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem document of a reply, which must be this one."""
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    document: dict[str, Any] = reply.json()
    assert set(document) == {"type", "title", "status", "detail", "request_id", "errors"}
    assert document["type"] == f"/problems/{slug}"
    assert document["status"] == status
    assert document["request_id"] == reply.headers["X-Request-Id"]
    return document


async def test_every_reply_has_a_request_id_of_its_own(api: Api) -> None:
    replies = [await api.get("/healthz") for _ in range(5)]
    ids = {reply.headers["X-Request-Id"] for reply in replies}
    assert len(ids) == 5
    assert all(len(one) == 16 for one in ids)
    assert replies[0].headers["Referrer-Policy"] == "no-referrer"


async def test_what_every_reply_carries_is_there_whatever_answers(admin: Api) -> None:
    for method, url, status in (
        ("GET", "/docs", 200),
        ("GET", "/v1/units", 200),
        ("GET", "/nothing", 404),
        ("GET", "/s/nothing", 404),
        ("GET", "/v1/links/nothing/responses", 405),
        ("POST", "/v1/links/nothing/responses", 400),
        ("POST", "/v1/invitations/nothing/responses", 400),
    ):
        reply = await admin.request(method, url)
        assert reply.status_code == status, url
        assert len(reply.headers["X-Request-Id"]) == 16
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"


async def test_an_unknown_address_is_not_found(api: Api) -> None:
    for url in ("/", "/v1", "/v1/nothing", "/v1/units/", "//v1/units", "/v1/units/A/B/C", "/%00"):
        problem(await api.get(url), 404, "not-found")


async def test_a_wrong_method_is_told_all_the_right_ones(api: Api) -> None:
    for url, allowed in (
        ("/v1/units/X", "GET, PUT"),
        ("/v1/units", "GET"),
        ("/oauth/token", "POST"),
        ("/v1/clients", "GET, POST"),
    ):
        for method in ("DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
            reply = await api.request(method, url)
            problem(reply, 405, "method-not-allowed")
            assert reply.headers["Allow"] == allowed


MALFORMED = (
    b"{",
    b"{]",
    b"nothing",
    b'{"name": "x" "kind": "city"}',
    b"{'name': 'x'}",
    b'"' + b"x" * 1000,
    b"[" * 50_000,
    b"[" * 50_000 + b"]" * 50_000,
    b'{"a":' * 50_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b'{"name": "x", "kind": "city", "residents": ' + b"9" * 5000 + b"}",
    json.dumps(UNIT, ensure_ascii=False).encode("gb18030"),
    '{"name": "é", "kind": "city"}'.encode("latin-1"),
    json.dumps(UNIT).encode("utf-16"),
    json.dumps(UNIT).encode("utf-16-le"),
    json.dumps(UNIT).encode("utf-16-be"),
    json.dumps(UNIT).encode("utf-32"),
    json.dumps(UNIT).encode("utf-32-be"),
    bytes(100),
    bytes(range(256)),
)


async def test_what_is_no_json_in_utf_8_is_malformed(admin: Api) -> None:
    for body in MALFORMED:
        reply = await admin.request("PUT", "/v1/units/W", content=body, headers=JSON)
        problem(reply, 400, "malformed")
    problem(await admin.get("/v1/units/W"), 404, "not-found")


INVALID: tuple[tuple[Any, str], ...] = (
    (None, ""),
    ([], ""),
    ("text", ""),
    (1, ""),
    (True, ""),
    ({}, "/name"),
    ({**UNIT, "name": 7}, "/name"),
    ({**UNIT, "name": ["x"]}, "/name"),
    ({**UNIT, "name": {"zh-CN": "x"}}, "/name"),
    ({**UNIT, "kind": "planet"}, "/kind"),
    ({**UNIT, "kind": None}, "/kind"),
    ({**UNIT, "residents": "400000"}, "/residents"),
    ({**UNIT, "residents": 1.5}, "/residents"),
    ({**UNIT, "residents": True}, "/residents"),
    ({**UNIT, "residents": -1}, "/residents"),
    ({**UNIT, "residents": 2**31}, "/residents"),
    ({**UNIT, "residents": 2**63}, "/residents"),
    ({**UNIT, "residents": 10**400}, "/residents"),
    ({**UNIT, "parent": "no/such"}, "/parent"),
    ({**UNIT, "parent": "x" * 65}, "/parent"),
    ({**UNIT, "nickname": "x"}, "/nickname"),
    ({**UNIT, "a/b~c": 1}, "/a~1b~0c"),
    ({**UNIT, "": 1}, "/"),
    ({**UNIT, "x" * 5000: 1}, "/" + "x" * 100),
    ({**UNIT, "name": "a" + chr(0)}, ""),
    ({**UNIT, chr(0): 1}, ""),
    ({**UNIT, "name": "a" + chr(27)}, ""),
    ({**UNIT, "name": chr(0xD800)}, ""),
    ({**UNIT, chr(0xDFFF): 1}, ""),
    ({**UNIT, "other": {"deep": [chr(0xD800)]}}, ""),
)


async def test_what_is_no_valid_input_is_pointed_at(admin: Api) -> None:
    for body, pointer in INVALID:
        content = json.dumps(body).encode()
        reply = await admin.request("PUT", "/v1/units/W", content=content, headers=JSON)
        errors = problem(reply, 422, "invalid-input")["errors"]
        assert errors[0]["pointer"] == pointer, body
        assert errors[0]["code"]
        assert errors[0]["message"]
    problem(await admin.get("/v1/units/W"), 404, "not-found")


async def test_numbers_that_json_does_not_know_are_refused(admin: Api) -> None:
    for number in ("NaN", "Infinity", "-Infinity", "1e400"):
        content = f'{{"name": "x", "kind": "city", "residents": {number}}}'
        reply = await admin.request("PUT", "/v1/units/W", content=content, headers=JSON)
        problem(reply, 422, "invalid-input")


async def test_messages_never_quote_what_was_sent(admin: Api) -> None:
    planted = "13800000000"
    body = {"name": [planted], "kind": planted, "residents": planted, "parent": f"+{planted}"}
    reply = await admin.put("/v1/units/W", body)
    assert len(problem(reply, 422, "invalid-input")["errors"]) == 4
    assert planted not in reply.text


async def test_nesting_below_the_limit_of_the_parser_is_just_invalid(admin: Api) -> None:
    deep = b'{"a":' * 800 + b"1" + b"}" * 800
    reply = await admin.request("PUT", "/v1/units/W", content=deep, headers=JSON)
    assert reply.status_code in (400, 422)
    assert reply.json()["type"] in ("/problems/malformed", "/problems/invalid-input")


async def test_a_body_of_rubbish_is_not_answered_by_far_more(admin: Api) -> None:
    body = {**UNIT, **{str(number): 1 for number in range(50_000)}}
    errors = problem(await admin.put("/v1/units/W", body), 422, "invalid-input")["errors"]
    assert len(errors) == http.MAX_ERRORS


async def test_another_content_type_is_told_the_right_one(admin: Api) -> None:
    body = json.dumps(UNIT).encode()
    for kind in ("text/plain", "application/xml", "multipart/form-data", "application/x-ndjson"):
        headers = {"Content-Type": kind}
        reply = await admin.request("PUT", "/v1/units/W", content=body, headers=headers)
        assert "application/json" in problem(reply, 415, "unsupported-media-type")["detail"]
    for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON"):
        headers = {"Content-Type": kind}
        reply = await admin.request("PUT", "/v1/units/W", content=body, headers=headers)
        assert reply.is_success


async def test_wrong_parameters_are_pointed_at(admin: Api) -> None:
    for query, pointer in (
        ("limit=0", "?limit"),
        ("limit=1001", "?limit"),
        ("limit=ten", "?limit"),
        ("limit=" + "9" * 5000, "?limit"),
        ("limit=", "?limit"),
        ("kind=planet", "?kind"),
        ("kind=%00", "?kind"),
        ("within=%E4%BD%A0", "?within"),
        ("within=a%00", "?within"),
        ("cursor=%00", "?cursor"),
        ("cursor=" + "x" * 201, "?cursor"),
        ("cursor=AA", "?cursor"),
        ("cursor=%FF%FE", "?cursor"),
        ("cursor=____", "?cursor"),
    ):
        errors = problem(await admin.get(f"/v1/units?{query}"), 422, "invalid-input")["errors"]
        assert [error["pointer"] for error in errors] == [pointer], query


async def test_odd_addresses_are_problems_too(admin: Api) -> None:
    for code in (
        "%00",
        "%FF",
        "%ED%A0%80",
        "x" * 5000,
        "a%20b",
        "a%0Ab",
        "你好",
        "..%2f",
        "%3Cb%3E",
    ):
        reply = await admin.get(f"/v1/units/{code}")
        assert reply.status_code in (404, 422)
        assert reply.headers["Content-Type"] == "application/problem+json"


LIMIT = bodies.DEFAULT_LIMIT


async def _chunks(size: int, chunk: int = 1 << 16) -> AsyncIterator[bytes]:
    for _ in range(0, size, chunk):
        yield b" " * chunk


async def test_a_body_over_the_limit_is_refused(admin: Api) -> None:
    for content in (b" " * (LIMIT + 1), b" " * (10 << 20), _chunks(LIMIT * 2)):
        reply = await admin.request("PUT", "/v1/units/W", content=content, headers=JSON)
        assert "1,048,576" in problem(reply, 413, "too-large")["detail"]
    body = json.dumps(UNIT).encode()
    padded = body + b" " * (LIMIT - len(body))
    reply = await admin.request("PUT", "/v1/units/W", content=padded, headers=JSON)
    assert reply.status_code == 201


async def test_a_declared_length_beyond_all_reason_is_refused_unread(admin: Api) -> None:
    read = 0

    async def content() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b" " * (1 << 16)

    for length in (str(bodies.MAX_DRAINED + 1), "9" * 5000):
        headers = {**JSON, "Content-Length": length}
        reply = await admin.request("PUT", "/v1/units/W", content=content(), headers=headers)
        problem(reply, 413, "too-large")
        assert reply.headers["Connection"] == "close"
    assert read == 0


async def test_a_client_that_sends_first_and_reads_later_gets_its_refusal() -> None:
    app = FastAPI()
    http.handle_errors(app)
    rules = Rules(body_limits={}, hosts=Hosts("http://127.0.0.1"), trusted_proxies=(), https=False)
    app.add_middleware(Edge, rules=rules, limits=Limits(PER_MINUTE))

    @app.put("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off")
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        port = listening.getsockname()[1]
        assert await asyncio.to_thread(_sent_on_one_connection, port) == [413, 413, 200]
    finally:
        server.should_exit = True
        await serving
        listening.close()


def _sent_on_one_connection(port: int) -> list[int]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    statuses = []
    chunks = (b" " * (1 << 16) for _ in range(160))
    for body in (b" " * (10 << 20), chunks, b"small"):
        connection.request("PUT", "/echo", body)
        reply = connection.getresponse()
        reply.read()
        statuses.append(reply.status)
    connection.close()
    return statuses


async def test_a_length_that_is_a_lie_does_not_help(admin: Api) -> None:
    for length in ("5", "0", "-1", "x", "²"):
        headers = [(b"Content-Type", b"application/json"), (b"Content-Length", length.encode())]
        headers.append((b"Authorization", f"Bearer {admin.token}".encode()))
        reply = await admin.http.put("/v1/units/W", content=_chunks(LIMIT * 2), headers=headers)
        problem(reply, 413, "too-large")


async def test_some_addresses_take_more(admin: Api) -> None:
    body = b"code,name,kind\n" + b"\n" * (2 * LIMIT) + "W,潍坊市,city\n".encode()
    headers = {"Content-Type": "text/csv"}
    reply = await admin.request("POST", "/v1/units/import", content=body, headers=headers)
    assert reply.json() == {"created": 1, "updated": 0, "unchanged": 0}


class UnforeseenError(Exception):
    """An error that nobody foresaw."""


@pytest.fixture
async def broken(app: FastAPI, api: Api) -> Api:
    """The app with routes that fail in ways of their own."""

    @app.get("/broken/{how}")
    async def broken(how: str, session: Session) -> None:
        if how == "sql":
            await session.execute(text("SELECT no_such_column"))
        if how == "zero":
            await session.execute(text("SELECT 1 / 0"))
        if how == "file":
            open("/no/such/file")  # noqa: SIM115
        if how == "busy":
            raise Busy(retry_after=7)
        raise UnforeseenError("planted")

    @app.get("/numbers/{number}")
    async def by_number(number: int, session: Session) -> None:
        statement = text("SELECT name FROM units WHERE id = CAST(:id AS integer)")
        await session.scalar(statement, {"id": number})

    @app.put("/texts/{value}")
    async def put_text(value: Annotated[str, Path()], session: Session) -> None:
        await session.scalar(text("SELECT CAST(:value AS text)"), {"value": value})

    @app.put("/days/{value}")
    async def put_day(value: str, session: Session) -> None:
        await session.scalar(text("SELECT to_date(:value, 'YYYY-MM-DD')"), {"value": value})

    return api


async def test_a_failure_that_nobody_foresaw_is_a_problem_without_a_trace(broken: Api) -> None:
    for how in ("other", "sql", "zero", "file"):
        reply = await broken.get(f"/broken/{how}")
        problem(reply, 500, "internal-error")
        for secret in ("planted", "Traceback", "no_such_column", "SELECT", "/no/such"):
            assert secret not in reply.text
    assert (await broken.get("/readyz")).status_code == 200


async def test_a_busy_service_says_when_to_come_again(broken: Api) -> None:
    reply = await broken.get("/broken/busy")
    problem(reply, 503, "busy")
    assert reply.headers["Retry-After"] == "7"


async def test_what_the_database_cannot_hold_is_the_callers_error(broken: Api) -> None:
    for number in (2**31, -(2**31) - 1, 2**63, 2**70):
        problem(await broken.get(f"/numbers/{number}"), 404, "not-found")
    problem(await broken.put("/texts/a%00b"), 422, "invalid-input")
    problem(await broken.put("/days/2026-13-45"), 422, "invalid-input")
    assert (await broken.put("/texts/ab")).status_code == 200


async def test_many_bad_requests_at_once_do_not_confuse_each_other(admin: Api) -> None:
    async def one(number: int) -> None:
        body = {**UNIT, f"unknown{number}": 1}
        errors = problem(await admin.put("/v1/units/W", body), 422, "invalid-input")["errors"]
        assert [error["pointer"] for error in errors] == [f"/unknown{number}"]

    await asyncio.gather(*(one(number) for number in range(50)))
