"""Loading the demonstration into an app, and reading what is there then."""

from typing import Any

import httpx
from fastapi import FastAPI

from app import demonstration
from app.demonstration import Shown
from app.demonstration.setting_up import CAMPAIGNS
from tests.factories import Api


async def load(app: FastAPI, said: list[str] | None = None) -> Shown:
    """Load it into the app's database, as the command line does."""
    return await demonstration.load(
        app.state.database,
        app.state.reception,
        app.state.keyring,
        app.state.settings,
        progress=(said if said is not None else []).append,
    )


async def counts(app: FastAPI) -> dict[str, int]:
    """How many rows each table has, but for those that folding fills in its own time."""
    async with app.state.database.pool.acquire() as connection:
        names = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename NOT IN ('running_counts', 'folded_campaigns', 'origin_counts', "
            "'judging', 'judged_campaigns') ORDER BY 1"
        )
        return {
            name: await connection.fetchval(f'SELECT count(*) FROM "{name}"') for (name,) in names
        }


async def figures(app: FastAPI) -> list[Any]:
    """All rows of results and coverage, as a reader sees them."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    base = app.state.settings.public_url
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        api = await Api(client, app).as_client("results:exact")
        return [
            (await api.made("GET", f"/v1/campaigns/{campaign}/{table}"))["rows"]
            for campaign in CAMPAIGNS.values()
            for table in (
                "results?by=unit,channel,question&level=school",
                "results?by=unit&level=county",
                "coverage?level=school",
            )
        ]
