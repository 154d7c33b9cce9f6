"""The app as tests start it, over and over: what is the same each time is made once a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache
from starlette.routing import BaseRoute

from app import main
from app.core.settings import Settings

_STATEMENTS = 2000
_included: dict[int, BaseRoute] = {}


def create(settings: Settings) -> FastAPI:
    """`app.main.create`, with what FastAPI made of each router for the first of all apps.

    It builds a router's routes, their models and all, when the first request comes: a third of
    what a short test takes. They know nothing of their app, which a request names.
    """
    app = main.create(settings)
    app.router.routes[:] = [_the_first(route) for route in app.router.routes]
    return app


def _the_first(route: BaseRoute) -> BaseRoute:
    router = getattr(route, "original_router", None)
    return route if router is None else _included.setdefault(id(router), route)


@contextmanager
def statements_compiled_once() -> Iterator[None]:
    """While it lasts, all engines share the SQL that SQLAlchemy has made of statements.

    It keeps that by engine and dialect, and a test has an engine of its own.
    """
    cache = LRUCache[Any, Any](_STATEMENTS)
    dialects: list[Dialect] = []

    def sharing(*arguments: Any, **options: Any) -> AsyncEngine:
        options["execution_options"] = {"compiled_cache": cache}
        engine = create_async_engine(*arguments, **options)
        # The first one's: it has asked the server what it can.
        dialects.append(engine.sync_engine.dialect)
        engine.sync_engine.dialect = dialects[0]
        del dialects[1:]
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.core.database.create_async_engine", sharing)
        yield
