"""The web app: what it opens when it starts, and one list of all its routers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.access.routes import router as access
from app.core import logging, migrating
from app.core.database import Database, database_url
from app.core.http import Edge, handle_errors
from app.core.keyring import Keyring
from app.core.openapi import describe
from app.core.settings import Settings, load
from app.core.status import router as status
from app.units.routes import router as units

ROUTERS = (status, access, units)

BODY_LIMITS = {
    "/responses": 64 << 10,
    "/units/import": 32 << 20,
    "/interviews": 8 << 20,
}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    database = Database(database_url(settings))
    await database.open()
    app.state.database = database
    try:
        yield
    finally:
        await database.close()


def create(settings: Settings | None = None) -> FastAPI:
    """Build the app. uvicorn calls this in every worker process."""
    logging.configure()
    settings = settings or load()
    app = FastAPI(
        title="Xinsheng 心声",
        version="1",
        lifespan=_lifespan,
        separate_input_output_schemas=False,
    )
    app.state.settings = settings
    app.state.newest_migration = migrating.newest()
    app.state.keyring = Keyring(settings.secret_keys)
    for router in ROUTERS:
        app.include_router(router)
    handle_errors(app)
    describe(app)
    app.add_middleware(Edge, body_limits=BODY_LIMITS)
    return app
