"""The log: one JSON object a line, and never a path, a query, a body or a token in it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.core.database import Session
from app.core.logging import JsonFormatter, configure
from tests.factories import Api

PLANTED = "13800000000"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What all loggers write, from the level INFO up."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root, http = logging.getLogger(), logging.getLogger("xinsheng.http")
    root.addHandler(handler)
    http.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    http.setLevel(logging.NOTSET)


def _lines(written: io.StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    return [line for line in lines if line["logger"] == "xinsheng.http"]


async def test_a_request_is_one_line_with_its_route_and_without_its_path(
    admin: Api, written: io.StringIO
) -> None:
    unit = {"name": PLANTED, "kind": "city", PLANTED: PLANTED}
    headers = {"User-Agent": PLANTED, "X-Request-Id": PLANTED}
    reply = await admin.put(f"/v1/units/{PLANTED}?q={PLANTED}", unit, headers=headers)
    [line] = _lines(written)
    assert reply.status_code == 422
    assert line["request_id"] == reply.headers["X-Request-Id"] != PLANTED
    assert line["level"] == "info"
    assert line["message"] == "request"
    assert line["method"] == "PUT"
    assert line["route"] == "/v1/units/{code}"
    assert line["status"] == 422
    assert line["milliseconds"] > 0
    assert line["at"].endswith("+00:00")
    assert PLANTED not in written.getvalue()
    assert str(admin.token) not in written.getvalue()


async def test_addresses_without_a_route_are_unmatched(api: Api, written: io.StringIO) -> None:
    await api.get(f"/no/{PLANTED}")
    await api.get(f"/v1/units/{PLANTED}")
    await api.request("DELETE", f"/v1/units/{PLANTED}")
    lines = _lines(written)
    assert [line["route"] for line in lines] == ["unmatched", *["/v1/units/{code}"] * 2]
    assert [line["status"] for line in lines] == [404, 401, 405]
    assert PLANTED not in written.getvalue()


async def test_credentials_are_not_written_down(api: Api, written: io.StringIO) -> None:
    form = {"grant_type": "client_credentials", "client_id": PLANTED, "client_secret": PLANTED}
    await api.http.post("/oauth/token", data=form)
    await api.get(f"/v1/units?cursor={PLANTED}", headers={"Authorization": f"Bearer {PLANTED}"})
    assert len(_lines(written)) == 2
    assert PLANTED not in written.getvalue()


async def test_a_refused_body_is_one_line_too(api: Api, written: io.StringIO) -> None:
    await api.put("/v1/units/X", content=PLANTED.encode() * 100_000)
    [line] = _lines(written)
    assert line["status"] == 413
    assert PLANTED not in written.getvalue()


class Model(BaseModel):
    number: int


@pytest.fixture
async def broken(app: FastAPI, api: Api) -> Api:
    """The app with routes whose failures quote what came in."""

    @app.get("/broken/{how}/{value}")
    async def broken(how: str, value: str, session: Session) -> None:
        if how == "pydantic":
            Model.model_validate({"number": f"{value}x"})
        if how == "constraint":
            statement = "INSERT INTO units (code, name, kind) VALUES (:value, 'x', 'city')"
            for _ in range(2):
                await session.execute(text(statement), {"value": value})
        if how == "unstorable":
            await session.execute(text("SELECT CAST(:value AS text)"), {"value": value + chr(0)})
        if how == "http":
            raise HTTPException(418, value)
        if how == "chained":
            try:
                raise KeyError(value)
            except KeyError as error:
                raise RuntimeError(value) from error
        raise RuntimeError(value)

    async def plain(request: Request) -> PlainTextResponse:
        if request.path_params["value"] == "fail":
            raise RuntimeError(PLANTED)
        return PlainTextResponse("ok")

    app.router.routes.append(Route("/plain/{value}", plain))
    return api


async def test_a_failure_is_written_down_without_the_values_in_its_message(
    broken: Api, written: io.StringIO
) -> None:
    for how in ("pydantic", "constraint", "unstorable", "http", "chained", "other"):
        reply = await broken.get(f"/broken/{how}/{PLANTED}")
        assert PLANTED not in reply.text
    assert PLANTED not in written.getvalue()
    errors = [line for line in _lines(written) if line["level"] == "error"]
    kinds = [line["traceback"][0] for line in errors]
    assert kinds == [
        "pydantic_core._pydantic_core.ValidationError",
        "sqlalchemy.exc.IntegrityError",
        "builtins.RuntimeError",
        "builtins.RuntimeError",
    ]
    assert any("23505" in frame for frame in errors[1]["traceback"])
    assert "builtins.KeyError" in errors[2]["traceback"]
    for line in errors:
        assert any("test_logging.py" in frame and " broken" in frame for frame in line["traceback"])


async def test_plain_routes_have_their_templates_too(broken: Api, written: io.StringIO) -> None:
    await broken.get(f"/plain/{PLANTED}")
    assert (await broken.get("/plain/fail")).status_code == 500
    lines = [line for line in _lines(written) if line["level"] == "info"]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/plain/{value}", 200),
        ("/plain/{value}", 500),
    ]
    assert PLANTED not in written.getvalue()


def test_line_breaks_stay_inside_a_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "a\nb %s", ("心声\r\n",), None)
    line = JsonFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert json.loads(line)["message"] == "a\nb 心声\r\n"


def test_only_known_extras_are_written() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "m", None, None)
    record.phone = PLANTED
    record.route = "/v1/units"
    found = json.loads(JsonFormatter().format(record))
    assert set(found) == {"at", "level", "logger", "message", "route"}


def test_an_error_that_suppresses_its_context_does_not_show_it() -> None:
    try:
        try:
            raise KeyError(PLANTED)
        except KeyError:
            raise RuntimeError(PLANTED) from None
    except RuntimeError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "f", 1, "m", None, (RuntimeError, error, None)
        )
    found = json.loads(JsonFormatter().format(record))["traceback"]
    assert found[0] == "builtins.RuntimeError"
    assert "builtins.KeyError" not in found


def test_all_logs_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    kept = logging.getLogger().handlers[:]
    try:
        configure("info")
        logging.getLogger("uvicorn.error").info("started")
    finally:
        logging.getLogger().handlers[:] = kept
        logging.getLogger().setLevel("WARNING")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["message"] == "started"
