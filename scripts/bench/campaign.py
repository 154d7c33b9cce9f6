"""A campaign to measure with: six indicators and a text, one school, many invitations."""

import asyncio
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from app.clients import service as clients
from app.core.database import Database
from app.core.embedded_postgres import client_url

_DEFINITION = Path(__file__).parents[2] / "app/questionnaires/definitions/satisfaction-six.json"


@dataclass(frozen=True)
class Campaign:
    """What the benchmark sends to."""

    tokens: list[str]


def set_up(data_dir: Path, port: int, *, invitations: int) -> Campaign:
    """Make an open campaign through the API, and this many invitations."""
    made = asyncio.run(_client(data_dir))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
        token = http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(made.client_id, made.client_secret),
        ).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        _put(http, "/v1/units/S", {"name": "学校", "kind": "school"})
        definition = json.loads(_DEFINITION.read_text("utf-8"))
        comment = {"code": "comment", "type": "text", "label": {"zh-CN": "意见"}}
        definition["questions"].append(comment)
        _put(http, "/v1/questionnaires/bench", definition)
        http.post("/v1/questionnaires/bench/publish").raise_for_status()
        _put(http, "/v1/campaigns/bench", _campaign())
        http.post("/v1/campaigns/bench/open").raise_for_status()
        return Campaign(_invitations(http, invitations))


def _invitations(http: httpx.Client, count: int) -> list[str]:
    reply = http.post(
        "/v1/campaigns/bench/invitations",
        json={"unit": "S", "population": "parent", "count": count},
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    reply.raise_for_status()
    return [item["token"] for item in reply.json()["items"]]


def _put(http: httpx.Client, url: str, body: dict[str, Any]) -> None:
    http.put(url, json=body).raise_for_status()


def _campaign() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "title": "Benchmark",
        "region": "S",
        "opens_at": (now - timedelta(days=1)).isoformat(),
        "closes_at": (now + timedelta(days=1)).isoformat(),
        "identity": ["invitation"],
        "populations": {"parent": {"questionnaire": "bench", "version": 1}},
    }


async def _client(data_dir: Path) -> clients.NewClient:
    database = Database(client_url(data_dir), pool_size=1)
    try:
        async with database.sessions.begin() as session:
            return await clients.create(session, name="bench", scopes=["admin"], unit=None)
    finally:
        await database.close()
