"""What tests need to begin with, made through the API as a user would."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.clients import service as clients
from app.core.database import Database

PERIOD = "2026-autumn"


@dataclass
class Api:
    """The API as one client sees it: requests with its token, JSON in and out."""

    http: httpx.AsyncClient
    app: FastAPI
    token: str | None = None

    async def as_client(self, scope: str, unit: str | None = None, name: str = "test") -> "Api":
        """The same API, as a new client with these scopes and unit."""
        database: Database = self.app.state.database
        async with database.sessions.begin() as session:
            made = await clients.create(session, name=name, scopes=scope.split(), unit=unit)
        reply = await self.http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(made.client_id, made.client_secret),
        )
        assert reply.status_code == 200, reply.text
        return Api(self.http, self.app, reply.json()["access_token"])

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Any request, with the token."""
        headers = dict(options.pop("headers", None) or {})
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        return await self.http.request(method, url, headers=headers, **options)

    async def get(self, url: str, **options: Any) -> httpx.Response:
        return await self.request("GET", url, **options)

    async def put(self, url: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.request("PUT", url, json=json, **options)

    async def post(self, url: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.request("POST", url, json=json, **options)

    async def made(self, method: str, url: str, json: Any = None, **options: Any) -> Any:
        """The JSON of a request that must succeed."""
        reply = await self.request(method, url, json=json, **options)
        assert reply.is_success, f"{method} {url}: {reply.status_code} {reply.text}"
        return reply.json()


_TREE = f"""\
code,name,kind,parent,stage,residents,period,students,parents,teachers
W,潍坊市,city,,,400000,,,,
A,A县,county,W,,,,,,
B,B县,county,W,,,,,,
A1,A1学校,school,A,primary,,{PERIOD},100,200,10
A2,A2学校,school,A,primary,,{PERIOD},100,200,10
B1,B1学校,school,B,primary,,{PERIOD},100,200,10
"""


async def tree(api: Api) -> None:
    """A city W with counties A and B; schools A1, A2 and B1 with 100 students, 200 parents each."""
    file = {"content": _TREE.encode(), "headers": {"Content-Type": "text/csv"}}
    await api.made("POST", "/v1/units/import", **file)


def campaign_body(**changes: Any) -> dict[str, Any]:
    """A campaign over W for parents and teachers, open from yesterday until next week."""
    now = datetime.now(UTC)
    population = {"questionnaire": "satisfaction-six", "version": 1}
    target = {"name": "semester", "basis": "students", "share": 0.5}
    return {
        "title": "2026 年秋季满意度调查",
        "period": PERIOD,
        "region": "W",
        "opens_at": (now - timedelta(days=1)).isoformat(),
        "closes_at": (now + timedelta(days=7)).isoformat(),
        "populations": {"parent": {**population, "targets": [target]}, "teacher": population},
        "identity": ["invitation", "device"],
        **changes,
    }


async def open_campaign(api: Api, code: str = "C", **changes: Any) -> None:
    """A campaign that takes answers."""
    await api.made("PUT", f"/v1/campaigns/{code}", campaign_body(**changes))
    await api.made("POST", f"/v1/campaigns/{code}/open")


async def link(api: Api, unit: str = "A1", population: str = "parent", campaign: str = "C") -> str:
    """The code of a link."""
    body = {"population": population, "units": [unit]}
    made = await api.made("POST", f"/v1/campaigns/{campaign}/links", body)
    return str(made["items"][0]["code"])


async def invitations(
    api: Api, count: int, unit: str = "A1", population: str = "parent", campaign: str = "C"
) -> list[str]:
    """Tokens of new invitations."""
    made = await api.made(
        "POST",
        f"/v1/campaigns/{campaign}/invitations",
        {"unit": unit, "population": population, "count": count},
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    return [item["token"] for item in made["items"]]


INDICATORS = ("overall", "ethics", "teaching", "workload", "conditions", "safety")


def answers(value: str = "satisfied", **others: Any) -> dict[str, Any]:
    """Answers to satisfaction-six: one value for all six indicators, but for `others`."""
    return {**dict.fromkeys(INDICATORS, value), **others}


def submission(value: str = "satisfied", **fields: Any) -> dict[str, Any]:
    """A response's body with a fresh submission_id."""
    return {"submission_id": str(uuid.uuid4()), "answers": answers(value), **fields}


async def answer(api: Api, token: str, value: str = "satisfied") -> None:
    """Answer once by invitation."""
    await api.made("POST", f"/v1/invitations/{token}/responses", submission(value))


async def revision(api: Api, campaign: str = "C") -> int:
    """The revision that the database holds of a campaign."""
    database: Database = api.app.state.database
    async with database.sessions() as session:
        statement = text("SELECT revision FROM campaigns WHERE code = :code")
        return int(await session.scalar(statement, {"code": campaign}) or 0)
