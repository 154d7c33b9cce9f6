"""The web app: what it opens when it starts, and one list of all its routers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.openapi import describe_access
from app.access.routes import router as access
from app.access.turns import Turns
from app.campaigns.routes import router as campaigns
from app.clients.routes import router as clients
from app.core import logging, migrating
from app.core.database import Database, database_url, reading
from app.core.edge import Edge, Rules
from app.core.hosts import Hosts
from app.core.http import handle_errors
from app.core.keyring import Keyring
from app.core.limits.counting import Limits
from app.core.limits.sharing import sharing
from app.core.openapi import describe
from app.core.processes import end_with_parent
from app.core.reference import router as reference
from app.core.secret_keys import following
from app.core.settings import Settings, load
from app.core.status import router as status
from app.counts.folding import folding
from app.counts.origins.routes import router as origins
from app.counts.routes import router as counts
from app.doubts.keeping import keeping
from app.doubts.routes import router as doubts
from app.exports.routes import router as exports
from app.identity.wechat.routes import router as wechat
from app.identity.wechat.routes import verify_routes
from app.identity.wechat.service import recognising
from app.jobs.routes import router as jobs
from app.links.posters.routes import router as posters
from app.links.routes import router as links
from app.phone_page.routes import PAGE_ROUTES
from app.publications.routes import router as publications
from app.questionnaires.routes import router as questionnaires
from app.questionnaires.routes import schema_router as schemas
from app.releases.routes import router as releases
from app.responses.openapi import describe_answering
from app.responses.routes import HOT_ROUTES, ExpressLane
from app.responses.routes import router as responses
from app.responses.service import receiving
from app.results.coverage.issued.routes import router as issued
from app.results.live.routes import router as live
from app.results.live.stream import States
from app.results.live.watching import watching
from app.results.routes import router as results
from app.results_page.routes import RESULTS_PAGE_ROUTES
from app.retention.erasing import erasing
from app.retention.lists import Lists
from app.retention.routes import router as retention
from app.rosters.routes import router as rosters
from app.sandboxes.routes import router as sandboxes
from app.telephone.mappings.routes import router as mappings
from app.telephone.reconciliation.routes import router as reconciliation
from app.telephone.routes import router as telephone
from app.telephone.tallies.routes import router as tallies
from app.units.routes import router as units

ROUTERS = (
    status,
    access,
    clients,
    units,
    questionnaires,
    schemas,
    campaigns,
    retention,
    links,
    posters,
    rosters,
    wechat,
    responses,
    telephone,
    mappings,
    tallies,
    reconciliation,
    jobs,
    doubts,
    counts,
    origins,
    releases,
    publications,
    sandboxes,
    results,
    issued,
    live,
    exports,
)

BODY_LIMITS = {
    "/responses": 128 << 10,
    "/units/import": 32 << 20,
    "/roster": 32 << 20,
    "/interviews": 50 << 20,
    "/tallies/*": 8 << 20,
}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    settings: Settings = app.state.settings
    database = Database(database_url(settings), keyring=app.state.keyring)
    await database.open()
    app.state.database = database
    ending = app.state.ending = asyncio.Event()
    try:
        async with (
            reading(settings, database) as app.state.reading,
            watching(database_url(settings)) as watch,
            receiving(database.pool, app.state.keyring, app.state.limits) as reception,
            recognising(settings.wechat, app.state.keyring, database.pool) as wechat,
            folding(database),
            keeping(database, settings.quality),
            sharing(app.state.limits, database.pool),
            following(app.state.keyring, settings.keys_file),
            erasing(database, Lists.of(settings, app.state.keyring), reception.directory),
        ):
            app.state.reception = reception
            app.state.wechat = wechat
            app.state.states = States(watch)
            yield {"ending": ending}
    finally:
        await database.close()


class _App(FastAPI):
    """FastAPI, within the layers of our own that every request passes.

    They stand outside of FastAPI's, not among its middleware, so that what parents wait for
    passes none of those.
    """

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(**options)
        self.state.settings = settings
        self.state.limits = Limits(settings.limits)
        rules = Rules(
            body_limits=BODY_LIMITS,
            hosts=Hosts(settings.public_url, settings.allowed_hosts),
            trusted_proxies=settings.trusted_proxies,
            https=settings.public_url.startswith("https:"),
        )
        express = ExpressLane(super().__call__)
        self._outermost: ASGIApp = Edge(express, rules=rules, limits=self.state.limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        await self._outermost(scope, receive, send)


def create(settings: Settings | None = None) -> FastAPI:
    """Build the app. uvicorn calls this in every worker process."""
    settings = settings or load()
    logging.configure(settings.log_level)
    end_with_parent()
    app = _App(
        settings,
        title="Xinsheng 心声",
        version="1",
        lifespan=_lifespan,
        separate_input_output_schemas=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.newest_migration = migrating.newest()
    app.state.keyring = Keyring(settings.secret_keys)
    app.state.turns = Turns()
    app.router.routes.extend(HOT_ROUTES)
    app.router.routes.extend(PAGE_ROUTES)
    app.router.routes.extend(RESULTS_PAGE_ROUTES)
    app.router.routes.extend(verify_routes(settings.verify_files))
    for router in (*ROUTERS, reference):
        app.include_router(router)
    handle_errors(app)
    describe(app, describe_access, describe_answering)
    return app
